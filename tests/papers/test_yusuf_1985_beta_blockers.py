"""Early oral beta-blockers after infarction: Peto's method where it was introduced.

Yusuf S, Peto R, Lewis J, Collins R, Sleight P (1985). Beta blockade during and after myocardial
infarction: an overview of the randomized trials. Prog Cardiovasc Dis 27:335–371,
doi:10.1016/S0033-0620(85)80003-7. Deaths and people of table 6; expected values by metafor.
"""

from __future__ import annotations

from equipoise.models.counts.fit import counts

# Deaths and people with a beta-blocker, then in control; one trial gave no numbers.
TRIALS = [
    ("Balcon", 14, 56, 15, 58), ("Clausen", 18, 66, 19, 64), ("Multicentre", 15, 100, 12, 95),
    ("Barber (early)", 10, 52, 12, 47), ("Norris", 21, 226, 24, 228), ("Kahler", 3, 38, 6, 31),
    ("Ledwich", 2, 20, 3, 20), ("Snow 1", None, None, None, None), ("Snow 2", 19, 76, 15, 67),
    ("Fuccella", 15, 106, 9, 114), ("Briant", 5, 62, 4, 57), ("Pitt", 0, 9, 0, 8),
    ("Lombardo", 8, 133, 11, 127), ("Thompson", 3, 48, 3, 49), ("Hutton", 0, 16, 0, 13),
    ("Tonkin", 1, 42, 1, 46), ("Gupta", 0, 25, 3, 25), ("Barber (late)", 14, 221, 15, 228),
    ("Yusuf", 0, 11, 0, 11), ("Wilcox 1", 8, 259, 7, 129), ("Wilcox 2", 6, 157, 4, 158),
    ("CPRG", 3, 177, 2, 136),
]  # fmt: skip


def test_petos_odds_ratio() -> None:
    study, a, m, c, n = (list(column) for column in zip(*TRIALS, strict=True))
    fit = counts(model="Peto", events1=a, n1=m, events2=c, n2=n, study=study)
    back = fit.back()
    found = tuple(round(x, 4) for x in (back.estimate, back.ci.low, back.ci.high))
    assert found == (0.9332, 0.7385, 1.1792)
    assert [row.study for row in fit.left_out] == ["Snow 1"]
    assert fit.double_zero == ("Pitt", "Hutton", "Yusuf")
    assert (fit.k, fit.k_total) == (18, 22)
