"""A fitted network in paragraphs for a paper."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from equipoise.core.result import Method, QTest
from equipoise.core.table import counted, p_statement, percent, significant
from equipoise.effects.measures import measure_of
from equipoise.models.intervals import bounds_text, shown
from equipoise.models.network.inconsistency import DECOMPOSITION
from equipoise.models.network.reading import NetworkEffect, NetworkReading
from equipoise.models.report import left_out_sentence, methods_sentence, paragraphs

#: Up to so many effects are written out; of more, the ends and the middle.
_WRITTEN = 12


@dataclass(frozen=True, slots=True)
class Spread:
    """What is told of differences between trials.

    Attributes
    ----------
    random
        Whether effects are random.
    tau2, code
        tau², and its estimator (``given`` where it was).
    q, between
        Q of the common effect, and that between designs under random effects.
    i2
        I² with its interval, in words.
    """

    random: bool
    tau2: float
    code: str
    q: QTest
    between: QTest
    i2: str


def report(fit: NetworkReading, spread: Spread, direct: int) -> str:
    """Write paragraphs for the methods and the results of a paper, with numbered references.

    The wording is neutral: it gives sizes with their intervals, and calls nothing significant.

    Parameters
    ----------
    fit, spread
        Effects, and differences between trials.
    direct
        How many pairs of treatments trials compared directly.
    """
    m = measure_of(fit.measure)
    own = (m.method,) if fit.measure != "GEN" else ()
    tested = (DECOMPOSITION,) if spread.between.df else ()
    listed = tuple(dict.fromkeys((*own, *fit.methods, *tested)))
    return paragraphs(
        _methods(fit, spread, listed), _results(fit, spread, direct), fit.notes, listed
    )


def _methods(fit: NetworkReading, spread: Spread, listed: Sequence[Method]) -> Iterator[str]:
    m = measure_of(fit.measure)
    scale = f", on the scale of analysis ({m.scale_text})" if m.scale_text else ""
    model = "under random effects" if spread.random else "under a common effect"
    yield (
        f"{counted(len(fit.treatments), 'treatment')} of {counted(fit.k, 'trial')} were compared "
        f"in a network meta-analysis of the {m.name} {model}{scale}. Comparisons of a trial with "
        "several groups entered with their covariances."
    )
    if spread.random:
        how = "was given" if spread.code == "given" else f"was estimated by {spread.code}"
        yield f"One variance between trials (tau²), the same for all comparisons, {how}."
    yield methods_sentence(listed)
    yield (
        f"Intervals are at the level of {percent(100 * fit.level)} "
        f"({fit.effect(*fit.treatments[:2]).ci.method})."
    )
    if fit.left_out:
        yield left_out_sentence(fit.left_out)


def _results(fit: NetworkReading, spread: Spread, direct: int) -> Iterator[str]:
    m = measure_of(fit.measure)
    n = len(fit.treatments)
    if n > 2:
        yield (
            f"The trials had {counted(fit.designs, 'design')} (sets of treatments compared); of "
            f"the {n * (n - 1) // 2} pairs of treatments, {direct} "
            f"{'was' if direct == 1 else 'were'} compared directly."
        )
    names = [name for name in fit.treatments if name != fit.reference]
    effects = {name: fit.effect(name, fit.reference) for name in names}
    if len(names) > _WRITTEN:
        order = sorted(names, key=lambda name: effects[name].estimate)
        told = [order[0], order[len(order) // 2], order[-1]]
        head = f"Of the {len(names)} treatments against {fit.reference}, the lowest, the middle "
        head += f"and the highest {m.name} were"
    else:
        told = names
        head = f"Against {fit.reference}, the {m.name} was"
    yield f"{head}: {'; '.join(f'{name} {_text(fit, effects[name])}' for name in told)}."
    if spread.random:
        yield f"tau² was {significant(spread.tau2, 4)}; {spread.i2}."
    if spread.q.df:
        yield (
            f"Cochran's Q of the common effect, heterogeneity and inconsistency together, was "
            f"{significant(spread.q.q, 4)} on {spread.q.df} df, {p_statement(spread.q.p_value)}."
        )
    between = spread.between
    if between.df:
        yield (
            f"Between designs Q was {significant(between.q, 4)} on {between.df} df, "
            f"{p_statement(between.p_value)} (design-by-treatment test under random effects)."
        )
    else:
        yield "No number here tests whether direct and indirect evidence agree."


def _text(fit: NetworkReading, effect: NetworkEffect) -> str:
    m = measure_of(fit.measure)
    value, bounds = shown(m, m.back(effect.estimate), m.back_interval(effect.ci))
    inner = f"{percent(100 * fit.level)} CI {bounds}"
    if effect.pi is not None:
        inner += f"; prediction interval {bounds_text(m, effect.pi)}"
    return f"{value} ({inner})"
