"""A fitted component model in paragraphs for a paper."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from equipoise.core.result import Method, Note, QTest
from equipoise.core.table import count, counted, p_statement, percent, significant
from equipoise.effects.blocks import LeftOut
from equipoise.effects.measures import measure_of
from equipoise.models.components.reading import TIMES, Effect, Identified
from equipoise.models.intervals import shown
from equipoise.models.report import left_out_sentence, methods_sentence, paragraphs


@dataclass(frozen=True, slots=True)
class About:
    """The measure, how many trials, the level of intervals, and what counted as nothing."""

    measure: str
    k: int
    level: float
    inactive: str


@dataclass(frozen=True, slots=True)
class Spread:
    """What is told of differences between trials.

    Attributes
    ----------
    random
        Whether effects are random.
    tau2, code
        tau², and its estimator (``given`` where it was).
    q, beyond
        Q of the model, and that beyond the network of all combinations.
    i2
        I² with its interval, in words.
    """

    random: bool
    tau2: float
    code: str
    q: QTest
    beyond: QTest
    i2: str


def report(
    told: Sequence[Identified],
    effects: Mapping[str, Effect],
    spread: Spread,
    about: About,
    left_out: Sequence[LeftOut],
    notes: Sequence[Note],
    methods: Sequence[Method],
) -> str:
    """Write paragraphs for the methods and the results of a paper, with numbered references.

    The wording is neutral: it gives sizes with their intervals and what they rest on, and calls
    nothing significant.

    Parameters
    ----------
    told, effects
        Every term of the model, and the effects of those that the trials can separate.
    spread, about
        Differences between trials; what was analysed.
    left_out, notes, methods
        Of the fit.
    """
    own = (measure_of(about.measure).method,) if about.measure != "GEN" else ()
    listed = tuple(dict.fromkeys((*own, *methods)))
    terms = [row.component for row in told]
    how = [*_methods(terms, spread, about, listed)]
    if left_out:
        how.append(left_out_sentence(left_out))
    return paragraphs(how, _results(told, effects, spread, about), notes, listed)


def _methods(
    terms: Sequence[str], spread: Spread, about: About, listed: Sequence[Method]
) -> Iterator[str]:
    m = measure_of(about.measure)
    scale = f", on the scale of analysis ({m.scale_text})" if m.scale_text else ""
    model = "under random effects" if spread.random else "under a common effect"
    joint = [name for name in terms if TIMES in name]
    yield (
        f"The {m.name} of {counted(about.k, 'trial')} was taken apart into the effects of "
        f"{counted(len(terms) - len(joint), 'component')} {model}{scale}."
    )
    if about.inactive:
        yield f"{about.inactive} counted as nothing."
    if joint:
        named = f"{'the interaction' if len(joint) == 1 else 'the interactions'} {', '.join(joint)}"
        yield f"Effects were taken to add up, but for {named}."
    else:
        yield "The effects of components given together were taken to add up."
    if spread.random:
        how = "was given" if spread.code == "given" else f"was estimated by {spread.code}"
        yield f"One variance between trials (tau²), the same for all comparisons, {how}."
    yield methods_sentence(listed)
    yield f"Intervals are at the level of {percent(100 * about.level)} (Wald)."


def _results(
    told: Sequence[Identified], effects: Mapping[str, Effect], spread: Spread, about: About
) -> Iterator[str]:
    m = measure_of(about.measure)
    if len(effects) < len(told):
        yield (
            f"The trials could separate {len(effects)} of {counted(len(told), 'term')} of the "
            "model."
        )
    if effects:
        joint = any(TIMES in name for name in effects)
        beyond = " (for an interaction, what is beyond the sum)" if joint else ""
        texts = (
            f"{row.component} {_text(row, effects[row.component], about)}"
            for row in told
            if row.component in effects
        )
        yield f"The {m.name} of each{beyond} was: {'; '.join(texts)}."
    for row in told:
        if row.component not in effects:
            yield f"The effect of {row.component} cannot be told: {row.why}."
    if spread.random:
        yield f"tau² was {significant(spread.tau2, 4)}; {spread.i2}."
    if spread.q.df:
        yield f"Cochran's Q of the model was {_test(spread.q)}."
    if spread.beyond.df:
        yield (
            "Beyond the network in which every combination has its own effect, Q was "
            f"{_test(spread.beyond)}."
        )
    else:
        yield "No number here tests what the model takes to add up."


def _test(test: QTest) -> str:
    return f"{significant(test.q, 4)} on {test.df} df, {p_statement(test.p_value)}"


def _text(row: Identified, effect: Effect, about: About) -> str:
    m = measure_of(about.measure)
    value, bounds = shown(m, m.back(effect.estimate), m.back_interval(effect.ci))
    rests = counted(row.trials, "trial")
    if row.people:
        rests += f" with {count(row.people)} people"
    return f"{value} ({percent(100 * about.level)} CI {bounds}; {rests})"
