"""Settings of the pairwise synthesis: frames, presets, weights, intervals, styles, refusals."""

from __future__ import annotations

import inspect
import json
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from whole import library

from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.core.table import p_statement, range_text
from equipoise.effects.contrasts import Contrasts, contrasts, effect_sizes
from equipoise.models.intervals import INTERVALS, PREDICTIONS, kenward_roger
from equipoise.models.pairwise import PairwiseFit, pairwise, refit
from equipoise.models.presets import PRESETS, STYLES
from equipoise.num.dist import t_quantile

VALUES = Path(__file__).resolve().parents[2] / "validation" / "values"
COUNTS = json.loads((VALUES / "pairwise_bcg.json").read_text("utf-8"))["columns"]
NAMES = {"events1": "ai", "n1": "n1i", "events2": "ci", "n2": "n2i"}

values = st.integers(-4096, 4096).map(lambda i: i / 1024.0)
variances = st.integers(8, 4096).map(lambda i: i / 1024.0)


def trials(least: int = 3, most: int = 8) -> st.SearchStrategy[list[tuple[float, float]]]:
    row = st.tuples(values, variances)
    return st.lists(row, min_size=least, max_size=most, unique_by=lambda r: r[1])


def rows(pairs: list[tuple[float, float]], measure: str = "MD") -> Contrasts:
    y, v = zip(*pairs, strict=True)
    return contrasts(yi=y, vi=v, study=[f"trial {i}" for i in range(len(y))], measure=measure)


FOUR = [(0.10, 0.01), (0.35, 0.02), (0.62, 0.015), (-0.20, 0.03)]


def bcg() -> Contrasts:
    return effect_sizes("RR", data=COUNTS, **NAMES)


def same(one: PairwiseFit, two: PairwiseFit) -> bool:
    return one.to_dict() == two.to_dict()


# Frames


@pytest.mark.parametrize("kind", ["dict", "pandas", "polars", "pyarrow"])
def test_a_frame_is_pooled_as_its_effects_are(kind: str) -> None:
    frame: Any = COUNTS
    if kind == "pyarrow":
        frame = library("pyarrow", "arrow").table(COUNTS)
    elif kind != "dict":
        frame = library(kind, "test").DataFrame(COUNTS)
    assert same(pairwise(frame, measure="RR", **NAMES), pairwise(bcg()))


def test_a_frame_of_estimates() -> None:
    es = rows(FOUR)
    frame = {"name": list(es.study), "y": es.yi.tolist(), "s": es.sei.tolist()}
    fit = pairwise(frame, yi="y", sei="s", study="name", tau2="DL")
    assert fit.measure == "GEN"
    assert fit.estimate == pytest.approx(pairwise(es, tau2="DL").estimate, rel=1e-14)
    assert pairwise(frame, measure="MD", yi="y", sei="s").measure == "MD"


def test_arrays_without_a_frame() -> None:
    fit = pairwise(measure="RR", **{name: COUNTS[column] for name, column in NAMES.items()})
    assert same(fit, pairwise(bcg()))


def test_columns_go_to_whoever_knows_them() -> None:
    plain = pairwise(COUNTS, measure="OR", **NAMES)
    added = pairwise(COUNTS, measure="OR", add=0.5, to="all", **NAMES)
    assert added.estimate != plain.estimate
    assert set(plain.raw) >= {"events1", "n1", "events2", "n2"}
    assert plain.n1.tolist() == COUNTS["n1i"]


@pytest.mark.parametrize(
    ("kwargs", "text"),
    [
        ({"measure": "RR", "event1": "ai"}, "unknown argument 'event1'. Try: 'events1'"),
        ({"measure": "RR", **NAMES, "intervall": "HK"}, "Try: 'interval'"),
        (NAMES, "columns without a measure"),
        ({"measure": "RR", **NAMES, "events1": "a_i"}, "unknown column 'a_i'"),
        ({"yi": "ai"}, "vi"),
    ],
)
def test_frames_with_the_wrong_names(kwargs: dict[str, Any], text: str) -> None:
    with pytest.raises(InputError, match=text.replace("(", r"\(")):
        pairwise(COUNTS, **kwargs)


def test_nothing_to_pool_and_columns_beside_effects() -> None:
    with pytest.raises(InputError, match="nothing to pool"):
        pairwise()
    with pytest.raises(InputError, match="events1 beside effects"):
        pairwise(bcg(), events1="ai")
    with pytest.raises(InputError, match="measure beside effects"):
        pairwise(bcg(), measure="RR")
    with pytest.raises(InputError, match="not a data frame"):
        pairwise(3.0, measure="RR", **NAMES)


def test_no_argument_of_pairwise_is_also_a_column() -> None:
    own = set(inspect.signature(pairwise).parameters)
    # The level of intervals that were read from reports is that of the synthesis.
    shared = own & set(inspect.signature(effect_sizes).parameters)
    assert shared <= {"measure", "level"}


# Presets


def test_the_presets_that_were_promised() -> None:
    promised = {"cochrane-2025", "metafor", "meta", "meta7", "meta4", "revman5"}
    promised |= {"bmj", "jama", "iqwig5", "iqwig6", "cinema"}
    assert set(PRESETS) == promised
    assert set(STYLES) <= promised


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_an_argument_wins_over_the_preset(preset: str) -> None:
    es = bcg()
    fit = pairwise(es, preset=preset)
    assert fit.preset == preset
    asked = dict(PRESETS[preset])
    again = pairwise(es, preset="metafor", **asked)
    assert again.to_dict() | {"preset": preset} == fit.to_dict()
    other = pairwise(es, preset=preset, tau2="ML", interval="t", pi="S", i2="tau2")
    assert (other.tau2_method, other.interval) == ("ML", "t")
    assert other.pi is not None
    assert "normal" in other.pi.method
    assert pairwise(es, preset=preset, model="common").tau2 == 0.0


def test_what_the_presets_show() -> None:
    es = bcg()
    found = {name: pairwise(es, preset=name) for name in PRESETS}
    assert {n: f.tau2_method for n, f in found.items() if f.tau2_method != "REML"} == {
        "meta4": "DL",
        "revman5": "DL",
        "iqwig6": "PM",
        "cinema": "DL",
    }
    assert [n for n, f in found.items() if f.pi is None] == ["revman5"]
    from_q = {n for n, f in found.items() if round(f.i2, 4) == 92.1173}
    assert from_q == {"meta", "meta7", "meta4", "revman5", "iqwig5", "iqwig6", "cinema"}
    assert found["meta4"].tau2_ci is not None
    assert "generalised Q" in found["meta4"].tau2_ci.method
    assert found["iqwig6"].interval == "HK-IQWiG6"


def test_unknown_preset() -> None:
    with pytest.raises(UnknownNameError, match="'revman5'"):
        pairwise(bcg(), preset="RevMan5")


# Styles


@pytest.mark.parametrize(
    ("value", "plain", "bmj", "jama"),
    [
        (0.0004, "p < 0.001", "P<0.001", "P < .001"),
        (0.0021, "p = 0.002", "P=0.002", "P = .002"),
        (0.034, "p = 0.034", "P=0.034", "P = .03"),
        (0.0496, "p = 0.050", "P=0.050", "P = .0496"),
        (0.62, "p = 0.620", "P=0.620", "P = .62"),
        (0.996, "p = 0.996", "P=0.996", "P > .99"),
        (1.0, "p > 0.999", "P>0.999", "P > .99"),
    ],
)
def test_p_values_as_houses_print_them(value: float, plain: str, bmj: str, jama: str) -> None:
    assert p_statement(value) == plain
    assert p_statement(value, "bmj") == bmj
    assert p_statement(value, "jama") == jama


def test_ranges_as_houses_print_them() -> None:
    assert range_text("0.33 to 0.73", "jama") == "0.33-0.73"
    assert range_text("\u22120.33 to 0.73", "jama") == "\u22120.33 to 0.73"
    assert range_text("0.33 to 0.73", "bmj") == range_text("0.33 to 0.73") == "0.33 to 0.73"
    assert range_text("0.33 to infinity", "jama") == "0.33 to infinity"


def test_summaries_in_the_style_of_a_journal() -> None:
    es = bcg()
    assert "risk ratio 0.49 (95% CI 0.33-0.73)" in pairwise(es, preset="jama").summary()
    assert "P = .002" in pairwise(es, preset="jama").summary()
    assert "P=0.002" in pairwise(es, preset="bmj").summary()
    assert pairwise(es, preset="jama").estimate == pairwise(es).estimate


# Weights


@given(trials(), st.floats(1e-6, 1e6))
@settings(max_examples=40)
def test_weights_count_up_to_a_factor_and_equal_weights_are_equal(
    pairs: list[tuple[float, float]], factor: float
) -> None:
    es = rows(pairs)
    own = [float(i + 1) for i in range(len(pairs))]
    one, two = pairwise(es, weights=own), pairwise(es, weights=[w * factor for w in own])
    assert two.estimate == pytest.approx(one.estimate, rel=1e-12, abs=1e-12)
    assert two.se == pytest.approx(one.se, rel=1e-12)
    mean = pairwise(es, weighted=False, interval="Wald")
    assert mean.estimate == pytest.approx(float(es.yi.mean()), rel=1e-12, abs=1e-12)
    assert mean.se_wald == pytest.approx(
        math.sqrt(float((es.vi + mean.tau2).sum())) / len(pairs), rel=1e-12
    )
    ones = pairwise(es, weights=[1.0] * len(pairs), interval="Wald")
    assert ones.estimate == pytest.approx(mean.estimate, rel=1e-12, abs=1e-12)
    best = pairwise(es, interval="Wald")
    assert best.se_wald <= min(mean.se_wald, one.se_wald) * (1 + 1e-12)


def test_weights_from_a_column_and_through_a_refit() -> None:
    frame = {**COUNTS, "w": [float(i + 1) for i in range(13)]}
    fit = pairwise(frame, measure="RR", weights="w", **NAMES)
    assert fit.weights.tolist() == pytest.approx([100 * (i + 1) / 91 for i in range(13)])
    es = Contrasts("RR", fit.study, fit.yi, fit.vi, raw=fit.raw)
    assert refit(fit, es).estimate == fit.estimate
    less = refit(fit, es.take([0, 1, 2, 3]))
    expected = pairwise(bcg().take([0, 1, 2, 3]), weights=[1.0, 2.0, 3.0, 4.0])
    assert less.estimate == pytest.approx(expected.estimate, rel=1e-14)


def test_weights_that_cannot_be_used() -> None:
    es = rows(FOUR)
    with pytest.raises(InputError, match=r"weight 0 \(study trial 1\)"):
        pairwise(es, weights=[1, 0, 1, 1])
    with pytest.raises(InputError, match="3 weights for 4 rows"):
        pairwise(es, weights=[1, 2, 3])
    with pytest.raises(InputError, match="weighted=False"):
        pairwise(es, weights=[1, 2, 3, 4], weighted=False)
    with pytest.raises(InputError, match="missing value"):
        pairwise(es, weights=[1, None, 3, 4])
    with pytest.raises(InputError, match="without weights"):
        pairwise(es, tau2="GENQ")
    with pytest.raises(InputError, match="without weights"):
        pairwise(es, tau2_interval="GENQ")


# A tau² that is given


def test_a_given_tau2() -> None:
    es = rows(FOUR)
    reml = pairwise(es, interval="Wald", preset="metafor")
    fit = pairwise(es, tau2=reml.tau2, interval="Wald", preset="metafor")
    assert fit.estimate == pytest.approx(reml.estimate, rel=1e-14)
    assert (fit.tau2_method, fit.tau2_ci) == ("given", None)
    assert math.isnan(fit.tau2_se)
    assert fit.fit_statistics("ML").parameters == 1
    assert "given" in fit.summary()
    assert same(refit(fit, es), fit)
    zero, common = pairwise(es, tau2=0, interval="Wald"), pairwise(es, model="common")
    assert (zero.estimate, zero.se) == (common.estimate, common.se)


@pytest.mark.parametrize("bad", [-0.1, math.nan, math.inf, "0.3"])
def test_a_given_tau2_that_cannot_be(bad: Any) -> None:
    with pytest.raises(InputError, match="tau²"):
        pairwise(rows(FOUR), tau2=bad)


# Kenward–Roger


def by_definition(y: np.ndarray, v: np.ndarray, tau2: float) -> tuple[float, float]:
    """The same from matrices: Kenward, Roger 1997, with one coefficient and one parameter."""
    V = np.diag(v + tau2)
    inverse = np.linalg.inv(V)
    X = np.ones((len(v), 1))
    phi = np.linalg.inv(X.T @ inverse @ X)
    P = inverse - inverse @ X @ phi @ X.T @ inverse
    information = 0.5 * np.trace(P @ P)
    first = -X.T @ inverse @ inverse @ X
    second = X.T @ inverse @ inverse @ inverse @ X
    adjusted = phi + 2.0 / information * phi @ (second - first @ phi @ first) @ phi
    # d phi / d tau² = −phi · first · phi, and 2 variance² over its own variance.
    df = 2.0 * information / (adjusted * first) ** 2
    return math.sqrt(adjusted.item()), df.item()


@given(trials(2, 8))
@settings(max_examples=60)
def test_kenward_roger_by_its_definition(pairs: list[tuple[float, float]]) -> None:
    es = rows(pairs)
    fit = pairwise(es, interval="KR")
    se, df = by_definition(es.yi, es.vi, fit.tau2)
    assert fit.se == pytest.approx(se, rel=1e-9)
    assert fit.df == pytest.approx(df, rel=1e-9)
    assert fit.se >= fit.se_wald * (1 - 1e-12)


def test_kenward_roger_with_very_unequal_trials() -> None:
    v = [1e-12, 1.0, 1e12]
    se, df = kenward_roger(np.array(v), 0.0)
    w = [1 / Fraction(x) for x in v]
    s1, s2, s3 = (sum(x**power for x in w) for power in (1, 2, 3))
    trace = s2 - 2 * s3 / s1 + s2 * s2 / (s1 * s1)
    variance = 1 / s1 + 4 * (s3 - s2 * s2 / s1) / (trace * s1 * s1)
    assert se == pytest.approx(math.sqrt(variance), rel=1e-12)
    assert df == pytest.approx(float(trace / (variance * s2) ** 2), rel=1e-12)


@pytest.mark.parametrize(
    ("kwargs", "text"),
    [
        ({"interval": "KR", "tau2": "DL"}, "Kenward–Roger with tau² by DL"),
        ({"pi": "KR", "tau2": "PM"}, "Kenward–Roger with tau² by PM"),
        ({"interval": "KR", "weighted": False}, "Kenward–Roger with equal weights"),
        ({"interval": "KR", "model": "common"}, "common effect"),
        ({"tau2_interval": "PL", "tau2": "DL"}, "profile likelihood"),
        ({"tau2_interval": "QP", "tau2": 0.1}, "a tau² that was given"),
    ],
)
def test_settings_that_do_not_go_together(kwargs: dict[str, Any], text: str) -> None:
    with pytest.raises(InputError, match=text):
        pairwise(rows(FOUR), **kwargs)


@pytest.mark.parametrize(
    ("kwargs", "nearest"),
    [
        ({"tau2": "reml"}, "REML"),
        ({"interval": "HK-guard"}, "HK-guarded"),
        ({"pi": "hts"}, "HTS"),
        ({"i2": "q"}, "Q"),
        ({"tau2_interval": "pl"}, "PL"),
        ({"model": "randm"}, "random"),
    ],
)
def test_unknown_names_offer_the_nearest(kwargs: dict[str, Any], nearest: str) -> None:
    with pytest.raises(UnknownNameError, match=f"Try: '{nearest}'"):
        pairwise(rows(FOUR), **kwargs)


# The guarded intervals


@given(trials(2, 8))
@settings(max_examples=60)
def test_what_each_guard_guards(pairs: list[tuple[float, float]]) -> None:
    es = rows(pairs)
    fits = {c: pairwise(es, interval=c) for c in INTERVALS}
    width = {c: f.ci.high - f.ci.low for c, f in fits.items()}
    assert width["HK-wider"] == pytest.approx(max(width["HK"], width["Wald"]), rel=1e-12)
    dl = pairwise(es, interval="Wald", tau2="DL")
    narrow = width["HK"] < dl.ci.high - dl.ci.low
    expected = width["HK-guarded" if narrow else "HK"]
    assert width["HK-IQWiG6"] == pytest.approx(expected, rel=1e-12)


@given(trials(3, 8))
@settings(max_examples=40)
def test_prediction_intervals_by_their_definition(pairs: list[tuple[float, float]]) -> None:
    es = rows(pairs)
    k = len(pairs)
    hk, kr = pairwise(es, interval="HK"), pairwise(es, interval="KR")
    for code in PREDICTIONS:
        fit = pairwise(es, interval="Wald", pi=code)
        se = {"HK": hk.se, "KR": kr.se}.get(code[:2], fit.se_wald)
        df = {"V": k - 1, "HTS": k - 2, "HK": k - 1, "HK-PR": k - 2, "t": k - 1}.get(code, math.inf)
        df = {"KR": kr.df, "KR-PR": kr.df - 1}.get(code, df)
        if not df > 0:
            assert fit.pi is None
            continue
        assert fit.pi is not None
        half = t_quantile(0.975, df) * math.hypot(se, fit.tau)
        assert fit.pi.high - fit.estimate == pytest.approx(half, rel=1e-9, abs=1e-12)
    assert pairwise(es, pi="none").pi is None


# Few trials


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("interval", [*INTERVALS, "auto"])
@pytest.mark.parametrize("pi", [*PREDICTIONS, "none"])
def test_few_trials_give_a_result_whatever_is_asked(k: int, interval: str, pi: str) -> None:
    fit = pairwise(rows(FOUR[:k]), interval=interval, pi=pi)
    assert fit.k == k
    assert fit.ci.low < fit.estimate < fit.ci.high
    assert math.isfinite(fit.se)
    assert fit.summary()
    assert fit.report()
    if k == 1:
        assert (fit.pi, fit.tau2_ci, fit.h2_ci) == (None, None, None)
        assert math.isnan(fit.fit_statistics("REML").aic)


def test_one_trial_with_a_given_tau2() -> None:
    fit = pairwise(rows(FOUR[:1]), tau2=0.5)
    assert fit.se == pytest.approx(math.sqrt(0.51))
    assert "tau² 0.5, given" in fit.summary()
    assert "counts the tau²" in fit.summary()


def test_no_trial() -> None:
    with pytest.raises(NotEstimableError, match="no trial"):
        pairwise(contrasts(yi=[], vi=[], study=[]))


# Measures that compare nothing, or whose no difference is not 0


def test_a_proportion_is_tested_against_nothing() -> None:
    fit = pairwise({"x": [3, 5, 9], "n": [10, 20, 30]}, measure="PLO", events="x", n="n")
    assert "scale of analysis" in fit.summary()
    assert ", p " not in fit.summary().split("proportion")[-1]
    assert 0.0 < fit.back().ci.low < fit.back().estimate < fit.back().ci.high < 1.0
    assert "disagree" not in fit.summary()
    assert "no difference" not in fit.report()


# Fit statistics


@given(trials(2, 8))
@settings(max_examples=40)
def test_the_likelihood_is_highest_at_its_own_estimate(pairs: list[tuple[float, float]]) -> None:
    es = rows(pairs)
    for kind in ("ML", "REML"):
        best = pairwise(es, tau2=kind)
        value = best.fit_statistics(kind).log_likelihood
        assert best.fit_statistics() == best.fit_statistics(kind)
        assert best.log_likelihood == value
        assert best.aic == pytest.approx(4.0 - 2.0 * value)
        for other in ("DL", "HE", "PM"):
            near = pairwise(es, tau2=other).fit_statistics(kind).log_likelihood
            assert near <= value + 1e-9


def test_the_restricted_likelihood_does_not_depend_on_where_zero_is() -> None:
    one = pairwise(rows(FOUR)).fit_statistics("REML")
    two = pairwise(rows([(y + 1e6, v) for y, v in FOUR])).fit_statistics("REML")
    assert two.log_likelihood == pytest.approx(one.log_likelihood, rel=1e-8)


def test_an_unknown_likelihood() -> None:
    with pytest.raises(UnknownNameError, match="'REML'"):
        pairwise(rows(FOUR)).fit_statistics("reml")


def test_a_fit_survives_json() -> None:
    for fit in (pairwise(bcg()), pairwise(bcg(), preset="meta"), pairwise(rows(FOUR[:1]))):
        again = PairwiseFit.from_dict(json.loads(json.dumps(fit.to_dict())))
        assert again.to_dict() == fit.to_dict()
        assert again.summary() == fit.summary()
