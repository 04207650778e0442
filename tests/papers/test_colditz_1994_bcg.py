"""BCG vaccine against tuberculosis: the field's best known example, from counts to intervals.

Colditz GA and others (1994). Efficacy of BCG vaccine in the prevention of tuberculosis.
JAMA 271:698–702. Expected values by metafor 5.1.12 (R 4.2.2); see validation/README.md.
"""

from __future__ import annotations

import math

import pytest

from equipoise.effects.contrasts import Contrasts, effect_sizes
from equipoise.models.counts.fit import counts
from equipoise.models.pairwise import PairwiseFit, pairwise

# Trial, year; cases and people vaccinated; cases and people not vaccinated.
TRIALS = [
    ("Aronson 1948", 4, 123, 11, 139),
    ("Ferguson & Simes 1949", 6, 306, 29, 303),
    ("Rosenthal et al 1960", 3, 231, 11, 220),
    ("Hart & Sutherland 1977", 62, 13598, 248, 12867),
    ("Frimodt-Moller et al 1973", 33, 5069, 47, 5808),
    ("Stein & Aronson 1953", 180, 1541, 372, 1451),
    ("Vandiviere et al 1973", 8, 2545, 10, 629),
    ("TPT Madras 1980", 505, 88391, 499, 88391),
    ("Coetzee & Berjak 1968", 29, 7499, 45, 7277),
    ("Rosenthal et al 1961", 17, 1716, 65, 1665),
    ("Comstock et al 1974", 186, 50634, 141, 27338),
    ("Comstock & Webster 1969", 5, 2498, 3, 2341),
    ("Comstock et al 1976", 27, 16913, 29, 17854),
]


def bcg(measure: str = "RR") -> Contrasts:
    study, events1, n1, events2, n2 = (list(column) for column in zip(*TRIALS, strict=True))
    return effect_sizes(measure, events1=events1, n1=n1, events2=events2, n2=n2, study=study)


def printed(fit: PairwiseFit) -> tuple[float, float, float]:
    back = fit.back()
    return round(back.estimate, 4), round(back.ci.low, 4), round(back.ci.high, 4)


def test_the_defaults() -> None:
    fit = pairwise(bcg())
    assert fit.k == 13
    assert round(fit.tau2, 6) == 0.313243
    assert round(fit.estimate, 6) == -0.714532
    assert round(fit.se_wald, 6) == 0.179782
    assert fit.interval == "HK"
    assert printed(fit) == (0.4894, 0.3301, 0.7257)
    assert round(fit.p_value, 5) == 0.00192
    assert fit.pi is not None
    assert (round(fit.pi.low, 4), round(fit.pi.high, 4)) == (-1.9960, 0.5670)
    back = fit.back().pi
    assert back is not None
    assert (round(back.low, 4), round(back.high, 4)) == (0.1359, 1.7629)
    assert fit.n_optima == 1
    assert not fit.notes


def test_as_metafor_prints_it() -> None:
    fit = pairwise(bcg(), preset="metafor")
    assert (round(fit.estimate, 6), round(fit.se, 6)) == (-0.714532, 0.179782)
    assert printed(fit) == (0.4894, 0.3441, 0.6962)
    back = fit.back().pi
    assert back is not None
    # The normal quantile: narrower than with t, by a sixth on the log scale.
    assert (round(back.low, 4), round(back.high, 4)) == (0.1546, 1.5490)


def test_heterogeneity() -> None:
    fit = pairwise(bcg())
    assert fit.tau2_ci is not None
    assert fit.i2_ci is not None
    assert [round(x, 4) for x in (fit.tau2_ci.low, fit.tau2_ci.high)] == [0.1197, 1.1115]
    assert [round(x, 2) for x in (fit.i2, fit.i2_ci.low, fit.i2_ci.high)] == [92.22, 81.92, 97.68]
    assert round(fit.h2, 3) == 12.856
    assert (round(fit.q, 4), fit.q_df) == (152.2330, 12)
    assert fit.q_p == pytest.approx(1.996764590846e-26, rel=1e-9)


@pytest.mark.parametrize(
    ("tau2", "expected"),
    [
        *(("REML", 0.313243), ("DL", 0.308760), ("PM", 0.318068), ("ML", 0.280028)),
        *(("HE", 0.328564), ("HS", 0.228363), ("SJ", 0.345516), ("EB", 0.318068)),
    ],
)
def test_estimators_of_tau2(tau2: str, expected: float) -> None:
    assert round(pairwise(bcg(), tau2=tau2).tau2, 6) == expected


def test_the_common_effect() -> None:
    fit = pairwise(bcg(), model="common")
    assert (round(fit.estimate, 6), round(fit.se, 6)) == (-0.430285, 0.040499)
    assert round(fit.i2, 4) == 92.1173


def test_peto() -> None:
    fit = pairwise(bcg("PETO"), model="common")
    assert (round(fit.estimate, 4), round(fit.statistic, 4)) == (-0.4744, -11.6689)
    assert (round(fit.ci.low, 4), round(fit.ci.high, 4)) == (-0.5541, -0.3948)
    assert (round(fit.q, 4), fit.q_df) == (167.7302, 12)
    assert printed(fit) == (0.6222, 0.5746, 0.6738)


@pytest.mark.parametrize(
    ("preset", "expected"),
    [
        # As metafor, meta (8, 7 and 4) and RevMan 5 print it: mean, interval, I².
        ("metafor", (0.4894, 0.3441, 0.6962, 92.22)),
        ("meta", (0.4894, 0.3441, 0.6962, 92.12)),
        ("meta7", (0.4894, 0.3441, 0.6962, 92.12)),
        ("meta4", (0.4896, 0.3449, 0.6950, 92.12)),
        ("revman5", (0.4896, 0.3449, 0.6950, 92.12)),
        ("iqwig5", (0.4894, 0.3301, 0.7257, 92.12)),
    ],
)
def test_as_other_programs_print_it(preset: str, expected: tuple[float, ...]) -> None:
    fit = pairwise(bcg(), preset=preset)
    assert (*printed(fit), round(fit.i2, 2)) == expected


def test_prediction_intervals_of_meta_7_and_8() -> None:
    seven, eight = (pairwise(bcg(), preset=p).pi for p in ("meta7", "meta"))
    assert seven is not None
    assert eight is not None
    assert (round(seven.low, 4), round(seven.high, 4)) == (-2.0084, 0.5793)
    assert (round(eight.low, 4), round(eight.high, 4)) == (-1.9953, 0.5663)


def test_the_first_trial() -> None:
    es = bcg()
    assert es.yi[0] == pytest.approx(math.log((4 / 123) / (11 / 139)), rel=1e-14)
    assert es.vi[0] == pytest.approx(1 / 4 - 1 / 123 + 1 / 11 - 1 / 139, rel=1e-14)


def test_what_a_reader_sees() -> None:
    fit = pairwise(bcg())
    assert repr(fit) == ("<PairwiseFit RR 0.49 (95% CI 0.33 to 0.73); tau² 0.313, I² 92%; k = 13>")
    assert fit.summary().splitlines() == [
        "Random-effects synthesis of 13 trials, risk ratio",
        "",
        "tau² 0.3132 (95% CI 0.1197 to 1.111), REML",
        "I² 92% (82% to 98%); H² 12.86 (5.531 to 43.07)",
        "Q 152.23 on 12 df, p < 0.001",
        "risk ratio 0.49 (95% CI 0.33 to 0.73), Hartung–Knapp, t with 12 df",
        "t −3.95 on 12 df, p = 0.002; estimate −0.71453, standard error 0.1808 "
        "(scale of analysis: log)",
        "95% prediction interval 0.14 to 1.76, t with 12 df, variance of the confidence interval",
    ]


def test_petos_odds_ratio() -> None:
    fit = counts(bcg("OR"), model="Peto")
    assert (round(fit.estimate, 4), round(fit.statistic, 4)) == (-0.4744, -11.6689)
    assert (round(fit.ci.low, 4), round(fit.ci.high, 4)) == (-0.5541, -0.3948)
    q = fit.test("Cochran's Q")
    assert q is not None
    assert round(q.statistic, 4) == 167.7302
    back = fit.back()
    found = tuple(round(x, 4) for x in (back.estimate, back.ci.low, back.ci.high))
    assert found == (0.6222, 0.5746, 0.6738)
