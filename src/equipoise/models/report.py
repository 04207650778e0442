"""A pairwise synthesis in words: the summary, and paragraphs for a paper."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from equipoise.core.result import Interval, Method, Note
from equipoise.core.table import fixed, p_statement, percent, range_text, significant
from equipoise.effects.blocks import LeftOut
from equipoise.effects.measures import measure_of
from equipoise.models.intervals import bounds_text, shown
from equipoise.models.pairwise_result import PairwiseResult
from equipoise.models.presets import style_of


def trials(k: int) -> str:
    """``one trial``, ``13 trials``."""
    return "one trial" if k == 1 else f"{k} trials"


def effect_text(fit: PairwiseResult) -> str:
    """The mean with its interval as a reader sees it: ``0.49 (95% CI 0.33 to 0.73)``."""
    m = measure_of(fit.measure)
    back = fit.back()
    value, bounds = shown(m, back.estimate, back.ci)
    return f"{value} ({percent(100 * fit.level)} CI {_styled(fit, bounds)})"


def summary_lines(fit: PairwiseResult) -> Iterator[str]:
    """What was found, in the order in which a reader asks; digits are cut for reading."""
    m = measure_of(fit.measure)
    head = f"{fit.model.capitalize()}-effect{'s' if fit.model == 'random' else ''} synthesis"
    yield f"{head} of {trials(fit.k)}, {m.name}"
    yield ""
    yield from _heterogeneity_lines(fit)
    yield f"{m.name} {effect_text(fit)}, {fit.ci.method}"
    test = f"{_test(fit)}; " if m.compares else ""
    scale = f" (scale of analysis: {m.scale_text})" if m.scale_text else ""
    yield (
        f"{test}estimate {significant(fit.estimate, 5)}, standard error "
        f"{significant(fit.se, 4)}{scale}"
    )
    if fit.pi is not None:
        bounds = _styled(fit, bounds_text(m, fit.pi))
        yield f"{percent(100 * fit.level)} prediction interval {bounds}, {fit.pi.method}"
    for row in fit.left_out:
        yield f"Left out: {row.study} ({row.why})"


def _heterogeneity_lines(fit: PairwiseResult) -> Iterator[str]:
    if fit.k == 1:
        if fit.tau2_method == "given":
            yield f"tau² {significant(fit.tau2, 4)}, given"
        return
    if fit.model == "random":
        ci = "" if fit.tau2_ci is None else f" ({_bounds(fit, fit.tau2_ci, ci=True)})"
        yield f"tau² {significant(fit.tau2, 4)}{ci}, {fit.tau2_method}"
    i2_ci = "" if fit.i2_ci is None else f" ({_percents(fit, fit.i2_ci)})"
    h2_ci = "" if fit.h2_ci is None else f" ({_bounds(fit, fit.h2_ci)})"
    origin = ", from Q" if fit.model == "random" and fit.asked["i2"] == "Q" else ""
    yield f"I² {percent(fit.i2)}{i2_ci}; H² {significant(fit.h2, 4)}{h2_ci}{origin}"
    yield f"Q {significant(fit.q, 5)} on {fit.q_df} df, {_p(fit, fit.q_p)}"


def _bounds(fit: PairwiseResult, interval: Interval, *, ci: bool = False) -> str:
    text = f"{significant(interval.low, 4)} to {significant(interval.high, 4)}"
    head = f"{percent(100 * interval.level)} CI " if ci else ""
    return head + _styled(fit, text)


def _percents(fit: PairwiseResult, interval: Interval) -> str:
    return _styled(fit, f"{percent(interval.low)} to {percent(interval.high)}")


def _styled(fit: PairwiseResult, bounds: str) -> str:
    return range_text(bounds, style_of(fit.preset))


def _p(fit: PairwiseResult, value: float) -> str:
    return p_statement(value, style_of(fit.preset))


def _test(fit: PairwiseResult) -> str:
    sign = "z" if math.isinf(fit.df) else "t"
    return f"{sign} {fixed(fit.statistic, 2)}{_on(fit.df)}, {_p(fit, fit.p_value)}"


def _on(df: float) -> str:
    if math.isinf(df):
        return ""
    return f" on {f'{df:.0f}' if df.is_integer() else significant(df, 3)} df"


def report(fit: PairwiseResult) -> str:
    """Write paragraphs for the methods and the results of a paper, with numbered references.

    The wording is neutral: it gives sizes with their intervals, and calls nothing significant.
    """
    listed = _listed(fit)
    return paragraphs(_methods_text(fit, listed), _results_text(fit), fit.notes, listed)


def paragraphs(
    methods: Iterable[str], results: Iterable[str], notes: Sequence[Note], listed: Sequence[Method]
) -> str:
    """A report: sentences on methods, sentences on results, notes, and numbered references."""
    references = [
        f"{i}. {method.paper}{f', doi:{method.doi}' if method.doi else ''}."
        for i, method in enumerate(listed, start=1)
    ]
    said = "\n".join(f"Note: {note}" for note in notes)
    parts = (" ".join(methods), " ".join(results), said, "\n".join(references))
    return "\n\n".join(part for part in parts if part)


def methods_sentence(listed: Sequence[Method]) -> str:
    """The methods by name, with the numbers of their references."""
    named = "; ".join(f"{method.name} [{i}]" for i, method in enumerate(listed, start=1))
    return f"Methods: {named}."


def left_out_sentence(left_out: Sequence[LeftOut]) -> str:
    """What was left out, and why."""
    return f"Left out: {', '.join(f'{row.study} ({row.why})' for row in left_out)}."


def _listed(fit: PairwiseResult) -> tuple[Method, ...]:
    """The methods in the order in which the text names them: the measure's own, then the fit's."""
    m = measure_of(fit.measure)
    own = (m.method,) if fit.measure != "GEN" else ()
    return tuple(dict.fromkeys((*own, *fit.methods)))


def _methods_text(fit: PairwiseResult, listed: Sequence[Method]) -> Iterator[str]:
    m = measure_of(fit.measure)
    scale = f", on the scale of analysis ({m.scale_text})" if m.scale_text else ""
    model = "under random effects" if fit.model == "random" else "under a common effect"
    yield f"The {m.name} was pooled over {trials(fit.k)} {model}{scale}."
    weighting = fit.asked["weighting"]
    added = " plus tau²" if fit.model == "random" else ""
    yield {
        "inverse variance": f"Each trial was weighted by the inverse of its variance{added}.",
        "equal": "All trials had equal weights.",
        "given": "Trials had weights that were set in advance.",
    }[weighting]
    yield methods_sentence(listed)
    yield f"Intervals are at the level of {percent(100 * fit.level)}."
    if fit.left_out:
        yield left_out_sentence(fit.left_out)


def _results_text(fit: PairwiseResult) -> Iterator[str]:
    m = measure_of(fit.measure)
    if fit.k > 1:
        yield _range_of_trials(fit)
    mean = "The result of that trial" if fit.k == 1 else f"The mean {m.name}"
    test = f"; {_test(fit)}" if m.compares else ""
    yield f"{mean} was {effect_text(fit)}, {fit.ci.method}{test}."
    if fit.k == 1:
        return
    yield (
        f"Cochran's Q was {significant(fit.q, 5)} on {fit.q_df} df, {_p(fit, fit.q_p)}; "
        f"{_amount(fit)}."
    )
    if fit.pi is not None:
        yield _prediction(fit)


def _range_of_trials(fit: PairwiseResult) -> str:
    m = measure_of(fit.measure)
    low, high = float(fit.yi.min()), float(fit.yi.max())
    bounds = _styled(fit, bounds_text(m, Interval(low, high)))
    text = f"The estimates of the trials ranged over {bounds}"
    if not m.compares:
        return f"{text}."
    below = int((fit.yi < m.no_effect).sum())
    above = int((fit.yi > m.no_effect).sum())
    return f"{text}; {below} of {fit.k} were below no difference and {above} above."


def _amount(fit: PairwiseResult) -> str:
    i2_ci = "" if fit.i2_ci is None else f" ({_percents(fit, fit.i2_ci)})"
    i2 = f"I² was {percent(fit.i2)}{i2_ci}"
    if fit.model == "common":
        return i2
    ci = "" if fit.tau2_ci is None else f" ({_bounds(fit, fit.tau2_ci, ci=True)})"
    how = "as given" if fit.tau2_method == "given" else f"by {fit.tau2_method}"
    return f"tau² was {significant(fit.tau2, 4)}{ci} {how}, tau {significant(fit.tau, 4)}; {i2}"


def _prediction(fit: PairwiseResult) -> str:
    m = measure_of(fit.measure)
    assert fit.pi is not None
    bounds = _styled(fit, bounds_text(m, fit.pi))
    text = f"The {percent(100 * fit.level)} prediction interval was {bounds}"
    if not m.compares:
        return f"{text}."
    inside = m.no_effect in fit.pi
    side = "on either side of no difference" if inside else "on the same side of no difference"
    return f"{text}: the true effect in another trial of this kind may be expected {side}."
