"""Methods with a closed form: Mantel–Haenszel, Peto, and all trials added up.

Sums are exact to rounding (:func:`math.fsum`), so that the order of trials does not matter.
"""

from __future__ import annotations

import math

import numpy as np

import equipoise.models.counts.papers as papers
from equipoise.core.errors import NotEstimableError
from equipoise.core.result import Method, Note
from equipoise.effects.columns import Floats
from equipoise.models.counts.families import expected_events
from equipoise.models.counts.pooled import Pooled, chi2_test, cochran_q, i2_from_q
from equipoise.models.counts.result import CountTest
from equipoise.models.counts.tables import Tables, no_events, scale_of


def infinite(measure: str, more: str, method: str) -> NotEstimableError:
    """The error for an estimate that is infinite because one group has all the events."""
    name = scale_of(measure).name
    return NotEstimableError(
        f"the {name} is infinite: every event is in {more}",
        where=f"model {method}",
        hint="model='exact' (one finite bound), 'Peto' or 'Firth'; or measure='RD'",
    )


def mantel_haenszel(t: Tables, measure: str, *, add: float, to: str, level: float) -> Pooled:
    """Pool by Mantel and Haenszel's weights.

    Parameters
    ----------
    t
        All trials; those without any event weigh nothing in a ratio and count in a difference.
    measure
        ``OR``, ``RR``, ``RD``, ``IRR`` or ``IRD``.
    add, to
        What is added to cells before pooling; nothing by default in :func:`counts`.
    level
        For the bounds in the error where there is no event at all.

    Notes
    -----
    With a, b events and non-events of group 1, c, d of group 2 and N people: the odds ratio is
    ``Σ(ad/N) / Σ(bc/N)``, the risk ratio ``Σ(a n2/N) / Σ(c n1/N)``, the risk difference
    ``Σ((a n2 − c n1)/N) / Σ(n1 n2/N)``; rates have person-time in the place of people.

    Checked against ``validation/values/counts.json`` in
    ``tests/reference/test_counts_reference.py``.
    """
    if not (~t.double_zero).any():
        raise no_events(t, level)
    s = t.added(add, to)
    ratio = scale_of(measure).ratio
    estimate, se, weights = _RULES[measure](s)
    used = np.ones(len(t), dtype=bool) if not ratio else (s.total > 0.0) & ~s.double_zero
    q = cochran_q(*t.effects(measure), estimate)
    tests = [] if q is None else [q]
    i2, h2 = (math.nan, math.nan) if q is None else i2_from_q(q.statistic, q.df)
    methods: list[Method] = [papers.MANTEL_HAENSZEL, _VARIANCE[measure]]
    if measure == "OR":
        tests += breslow_day(s, math.exp(estimate))
        methods += [papers.CMH, papers.BRESLOW_DAY, papers.TARONE]
    if measure in ("OR", "IRR"):
        tests += cmh(s)
    return Pooled(
        estimate,
        se,
        used,
        tuple(methods),
        weights=100.0 * weights / math.fsum(weights),
        tests=tuple(tests),
        notes=about_zeros(t, ratio),
        i2=i2,
        h2=h2,
    )


def about_zeros(t: Tables, ratio: bool) -> tuple[Note, ...]:
    """Say how many trials had no event (or nothing else), and what was done with them."""
    k = int(t.double_zero.sum())
    if not k:
        return ()
    was = "trial has" if k == 1 else "trials have"
    does = "counts as no difference" if k == 1 else "count as no difference"
    told = "says nothing about a ratio" if k == 1 else "say nothing about a ratio"
    other = "" if t.time else " (or nothing but events)"
    return (
        Note(
            "double-zero",
            f"{k} of {len(t)} {was} no event in either group{other} and "
            f"{f'{told} here' if ratio else does}.",
        ),
    )


def _odds_ratio(t: Tables) -> tuple[float, float, Floats]:
    a, c, n = t.events1, t.events2, t.size1 + t.size2
    b, d = t.size1 - a, t.size2 - c
    r, s = a * d / n, b * c / n
    p, q = (a + d) / n, (b + c) / n
    R, S = math.fsum(r), math.fsum(s)
    _check_finite(R, S, "OR")
    variance = 0.5 * (
        math.fsum(p * r) / R**2
        + (math.fsum(p * s) + math.fsum(q * r)) / (R * S)
        + math.fsum(q * s) / S**2
    )
    return math.log(R / S), math.sqrt(variance), s


def _ratio(t: Tables) -> tuple[float, float, Floats]:
    """Risk and rate ratio: they differ only in one term of the variance."""
    a, c, n = t.events1, t.events2, t.size1 + t.size2
    r, s = a * t.size2 / n, c * t.size1 / n
    R, S = math.fsum(r), math.fsum(s)
    _check_finite(R, S, "IRR" if t.time else "RR")
    both = t.size1 / n * (t.size2 / n) * (a + c)
    terms = both if t.time else both - a * c / n
    return math.log(R / S), math.sqrt(max(0.0, math.fsum(terms)) / (R * S)), s


def _check_finite(R: float, S: float, measure: str) -> None:
    if R == 0.0 and S == 0.0:
        raise NotEstimableError(
            f"no trial has what a {scale_of(measure).name} needs: events and non-events in "
            "opposite groups",
            where="model MH",
            hint="measure='RD', or model='Peto'",
        )
    if R == 0.0 or S == 0.0:
        raise infinite(measure, "group 1" if S == 0.0 else "group 2", "MH")


def _risk_difference(t: Tables) -> tuple[float, float, Floats]:
    a, c, m, n = t.events1, t.events2, t.size1, t.size2
    total = m + n
    w = m * n / total
    W = math.fsum(w)
    estimate = math.fsum((a * n - c * m) / total) / W
    p = math.fsum(c * (m / total) ** 2 - a * (n / total) ** 2 + w * (n - m) / (2.0 * total))
    q = math.fsum((a * (n - c) + c * (m - a)) / (2.0 * total))
    return estimate, math.sqrt(max(0.0, estimate * p + q)) / W, w


def _rate_difference(t: Tables) -> tuple[float, float, Floats]:
    total = t.size1 + t.size2
    w = t.size1 * t.size2 / total
    W = math.fsum(w)
    estimate = math.fsum((t.events1 * t.size2 - t.events2 * t.size1) / total) / W
    terms = w**2 * (t.events1 / t.size1**2 + t.events2 / t.size2**2)
    return estimate, math.sqrt(math.fsum(terms)) / W, w


_RULES = {
    "OR": _odds_ratio,
    "RR": _ratio,
    "RD": _risk_difference,
    "IRR": _ratio,
    "IRD": _rate_difference,
}
_VARIANCE = {
    "OR": papers.ROBINS,
    "RR": papers.GREENLAND,
    "RD": papers.SATO,
    "IRR": papers.GREENLAND,
    "IRD": papers.GREENLAND,
}


def cmh(t: Tables) -> list[CountTest]:
    """The Cochran–Mantel–Haenszel test, plain and with half an event's correction; Cochran's own.

    The variance of the events of group 1 given all margins is that of the hypergeometric
    distribution (of the binomial, for rates); Cochran's test has the binomial's in its place.
    """
    n = t.size1 + t.size2
    gap = math.fsum(t.events1 - t.total * (t.size1 / n))
    share = t.size1 / n * (t.size2 / n) * t.total
    k = int(((t.total > 0.0) & ~t.double_zero).sum())
    if t.time:
        plain = conditional = math.fsum(share)
    else:
        plain = math.fsum(share * (1.0 - t.total / n))
        conditional = math.fsum(share * (n - t.total) / (n - 1.0))
    if conditional <= 0.0:
        return []
    less = max(0.0, abs(gap) - 0.5)
    named = [
        ("Cochran–Mantel–Haenszel", gap**2 / conditional),
        ("Cochran–Mantel–Haenszel, corrected", less**2 / conditional),
    ]
    if not t.time:
        named += [("Cochran", gap**2 / plain), ("Cochran, corrected", less**2 / plain)]
    return [chi2_test(name, "effect", value, 1, k) for name, value in named]


def breslow_day(t: Tables, odds_ratio: float) -> list[CountTest]:
    """Test whether all trials share `odds_ratio`: Breslow and Day's statistic, and Tarone's.

    Each trial's events in group 1 are held against those that the common odds ratio predicts
    from its margins.
    """
    x = t.take((t.total > 0.0) & ~t.double_zero)
    k = len(x)
    if k < 2:
        return []
    m, n1, n2 = x.total, x.size1, x.size2
    expected = expected_events(n1, n2, m, np.full(k, math.log(odds_ratio)))
    cells = [expected, m - expected, n1 - expected, n2 - m + expected]
    variance = 1.0 / np.sum([1.0 / cell for cell in cells], axis=0)
    gap = x.events1 - expected
    bd = math.fsum(gap**2 / variance)
    ta = bd - math.fsum(gap) ** 2 / math.fsum(variance)
    return [
        chi2_test("Breslow–Day", "heterogeneity", bd, k - 1, k),
        chi2_test("Tarone", "heterogeneity", ta, k - 1, k),
    ]


def peto(t: Tables, *, level: float) -> Pooled:
    """Pool observed minus expected events over their hypergeometric variance.

    The result is near the odds ratio where events are rare, groups balanced and effects small.
    """
    if not (~t.double_zero).any():
        raise no_events(t, level)
    n = t.size1 + t.size2
    gap = t.events1 - t.total * (t.size1 / n)
    v = t.size1 / n * (t.size2 / n) * t.total * (n - t.total) / (n - 1.0)
    V = math.fsum(v)
    estimate = math.fsum(gap) / V
    used = v > 0.0
    k = int(used.sum())
    yi = np.full(len(t), math.nan)
    yi[used] = gap[used] / v[used]
    vi = np.full(len(t), math.nan)
    vi[used] = 1.0 / v[used]
    q = cochran_q(yi, vi, estimate)
    i2, h2 = (math.nan, math.nan) if q is None else i2_from_q(q.statistic, q.df)
    log_rank = chi2_test("log-rank", "effect", math.fsum(gap) ** 2 / V, 1, k)
    return Pooled(
        estimate,
        1.0 / math.sqrt(V),
        used,
        (papers.PETO,),
        weights=100.0 * v / V,
        tests=(log_rank,) if q is None else (q, log_rank),
        notes=about_zeros(t, True),
        i2=i2,
        h2=h2,
    )


def collapsed(t: Tables, measure: str, *, level: float) -> Pooled:
    """Add all trials up as if they were one. Not a synthesis: shown to tell why not.

    Where trials differ in risk and in the sizes of their groups, the totals can even reverse the
    effect that is seen in every trial (Simpson's paradox).
    """
    if not (~t.double_zero).any():
        raise no_events(t, level)
    one = t.summed()
    y, v = one.effects(measure, 0.0, "none")
    estimate, variance = float(y[0]), float(v[0])
    if not math.isfinite(estimate):
        few = one.events1[0] < one.events2[0]
        raise infinite(measure, "group 2" if few else "group 1", "collapsed")
    notes = (
        Note(
            "collapsed",
            "Adding trials up as if they were one ignores which people were compared with whom, "
            "and can reverse an effect (Simpson's paradox). This is not a synthesis.",
        ),
    )
    used = np.ones(len(t), dtype=bool)
    return Pooled(estimate, math.sqrt(variance), used, (papers.SIMPSON,), notes=notes)
