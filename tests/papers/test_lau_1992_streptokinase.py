"""Streptokinase after infarction, trial by trial: the cumulative Mantel–Haenszel odds ratio.

Lau J, Antman EM, Jimenez-Silva J, Kupelnick B, Mosteller F, Chalmers TC (1992). Cumulative
meta-analysis of therapeutic trials for myocardial infarction. N Engl J Med 327:248–254,
doi:10.1056/NEJM199207233270406. Expected values by metafor.
"""

from __future__ import annotations

import pytest

from equipoise.models.counts.fit import counts
from equipoise.models.counts.result import CountsFit

# Year; deaths and people with streptokinase, then in control.
TRIALS = [
    (1959, 1, 12, 4, 11), (1963, 4, 21, 7, 21), (1969, 20, 83, 15, 84), (1971, 69, 373, 94, 357),
    (1971, 22, 219, 17, 207), (1971, 19, 164, 18, 157), (1973, 26, 264, 32, 253),
    (1973, 13, 102, 29, 104), (1974, 7, 53, 3, 54), (1975, 6, 55, 6, 53), (1975, 11, 49, 9, 42),
    (1976, 4, 14, 1, 9), (1976, 38, 302, 40, 293), (1977, 37, 352, 65, 376),
    (1977, 25, 123, 31, 107), (1977, 1, 13, 3, 11), (1977, 63, 249, 51, 234), (1977, 5, 32, 5, 26),
    (1979, 18, 156, 30, 159), (1986, 54, 859, 63, 882), (1986, 628, 5860, 758, 5852),
    (1986, 1, 28, 2, 24), (1986, 0, 29, 6, 30), (1986, 1, 19, 3, 19), (1986, 1, 21, 1, 23),
    (1986, 3, 49, 6, 49), (1987, 3, 35, 4, 29), (1987, 2, 107, 12, 112), (1987, 4, 52, 7, 55),
    (1988, 1, 13, 2, 12), (1988, 12, 191, 17, 177), (1988, 791, 8592, 1029, 8595),
    (1988, 2, 41, 5, 25),
]  # fmt: skip


def first(k: int) -> CountsFit:
    _, a, m, c, n = (list(column) for column in zip(*TRIALS[:k], strict=True))
    return counts(events1=a, n1=m, events2=c, n2=n)


def test_the_trials() -> None:
    assert sum(row[2] + row[4] for row in TRIALS) == 36_974


@pytest.mark.parametrize(
    ("k", "year", "odds_ratio", "p", "digits"),
    [(4, 1971, 0.7015, 0.0226, 4), (8, 1973, 0.7397, 0.0071, 4), (15, 1977, 0.7508, 0.00075, 5)],
)
def test_the_cumulative_odds_ratio(
    k: int, year: int, odds_ratio: float, p: float, digits: int
) -> None:
    fit = first(k)
    assert TRIALS[k - 1][0] == year
    assert round(fit.back().estimate, 4) == odds_ratio
    assert round(fit.p_value, digits) == p


def test_all_trials() -> None:
    fit = first(33)
    back = fit.back()
    found = tuple(round(x, 4) for x in (back.estimate, back.ci.low, back.ci.high))
    assert found == (0.7647, 0.7170, 0.8156)
    assert round(fit.statistic, 3) == -8.159
    q = fit.test("Cochran's Q")
    assert q is not None
    assert (round(q.statistic, 3), q.df) == (39.497, 32)
    assert round(fit.i2, 2) == 18.98
    assert round(first(4).statistic, 3) == -2.280
