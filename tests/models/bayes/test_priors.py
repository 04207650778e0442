"""Priors: distributions against SciPy, published tables, and refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, stats

from equipoise.core.errors import InputError, UnknownNameError
from equipoise.models.bayes import priors
from equipoise.models.bayes.published import (
    MISPRINTS,
    RHODES,
    RHODES_COMPARISONS,
    TURNER,
    TURNER_2012,
    TURNER_COMPARISONS,
)

PAIRS = [
    (priors.half_normal(0.5), stats.halfnorm(scale=0.5)),
    (priors.half_cauchy(0.7), stats.halfcauchy(scale=0.7)),
    (priors.log_normal(-1.3, 0.8), stats.lognorm(s=0.8, scale=math.exp(-1.3))),
    (priors.uniform(3.0), stats.uniform(scale=3.0)),
    (priors.exponential(0.4), stats.expon(scale=0.4)),
]


@pytest.mark.parametrize(("prior", "known"), PAIRS, ids=lambda p: getattr(p, "text", ""))
def test_densities_and_quantiles_are_those_of_scipy(prior: priors.Prior, known: object) -> None:
    for t in (1e-6, 0.02, 0.3, 1.1, 2.9):
        log_density = float(prior.log_density(np.log(np.array([t])))[0])
        assert math.exp(log_density) / t == pytest.approx(known.pdf(t), rel=1e-12)
        assert prior.cdf(t) == pytest.approx(known.cdf(t), rel=1e-10)
    for p in (0.025, 0.5, 0.9):
        assert prior.quantile(p) == pytest.approx(known.ppf(p), rel=1e-10)
    assert prior.cdf(0.0) == 0.0


@pytest.mark.parametrize(
    "prior",
    [p for p, _ in PAIRS]
    + [
        priors.half_t(0.6, 4),
        priors.inverse_gamma(2.0, 0.3),
        priors.turner("pain", "pharmacological vs placebo"),
        priors.log_t(-1.0, 0.4),
    ],
    ids=lambda p: p.text,
)
def test_density_distribution_and_quantile_belong_together(prior: priors.Prior) -> None:
    def density(x: float) -> float:
        return math.exp(float(prior.log_density(np.array([x]))[0]))

    for p in (0.1, 0.6, 0.95):
        t = prior.quantile(p)
        assert prior.cdf(t) == pytest.approx(p, rel=1e-10)
        below, _ = integrate.quad(density, math.log(t) - 30.0, math.log(t), epsabs=1e-12)
        end = min(math.log(t) + 30.0, math.log(prior.upper))
        above, _ = integrate.quad(density, math.log(t), end, epsabs=1e-12)
        assert below == pytest.approx(p, rel=1e-6)
        assert above == pytest.approx(1.0 - p, rel=1e-6)
    if math.isfinite(prior.density_at_zero):
        near = math.exp(float(prior.log_density(np.array([-20.0]))[0]) + 20.0)
        assert near == pytest.approx(prior.density_at_zero, abs=1e-6)


def test_moments_are_finite_where_they_are() -> None:
    finite = {
        m: [priors.half_normal(1.0), priors.uniform(1.0), priors.log_normal(0.0, 1.0)]
        for m in (0, 1, 2)
    }
    assert all(p.tail.moment(m) for m, some in finite.items() for p in some)
    assert [priors.half_cauchy(1.0).tail.moment(m) for m in (0, 1)] == [True, False]
    assert [priors.half_t(1.0, 2.5).tail.moment(m) for m in (0, 1, 2)] == [True, True, True]
    assert [priors.log_t(0.0, 1.0).tail.moment(m) for m in (0, 1)] == [True, False]
    assert not priors.uniform().tail.moment(0)
    assert priors.uniform().tail.times(2.0).moment(0)
    assert not priors.uniform().tail.times(1.0).moment(0)


def test_turner_is_on_the_scale_of_tau() -> None:
    # Turner et al. 2015: log-normal(-2.56, 1.74²) for tau² in any setting: its median is 0.077,
    # and 95% lie within exp(-2.56 ± 1.96 · 1.74).
    prior = priors.turner()
    assert prior.median**2 == pytest.approx(math.exp(-2.56), rel=1e-12)
    assert prior.quantile(0.975) ** 2 == pytest.approx(
        math.exp(-2.56 + 1.959963984540054 * 1.74), rel=1e-12
    )
    known = stats.lognorm(s=1.74, scale=math.exp(-2.56))
    for tau in (0.05, 0.3, 1.2):
        assert prior.cdf(tau) == pytest.approx(known.cdf(tau**2), rel=1e-12)
        density = math.exp(float(prior.log_density(np.log(np.array([tau])))[0])) / tau
        assert density == pytest.approx(2.0 * tau * known.pdf(tau**2), rel=1e-12)


def test_turner_of_a_setting() -> None:
    prior = priors.turner("surgical or device success", "pharmacological vs placebo")
    assert prior.parameters == (-1.07, 0.87)
    assert prior.measure == "OR"
    assert "Turner 2015" in prior.summary()


def test_rhodes_is_on_the_scale_of_tau() -> None:
    prior = priors.rhodes("obstetric outcomes", "pharmacological vs placebo")
    assert prior.median**2 == pytest.approx(math.exp(-4.13), rel=1e-12)
    t = stats.t(5)
    for tau in (0.02, 0.2, 1.5):
        assert prior.cdf(tau) == pytest.approx(t.cdf((math.log(tau**2) + 4.13) / 2.34), rel=1e-10)


def test_the_published_tables_are_whole_and_add_up() -> None:
    # Locations are sums of a term for the outcome and one for the comparison (and one for the
    # area): so columns differ by the same amount, to the rounding of both.
    assert len(TURNER) == 16
    assert all(len(row) == len(TURNER_COMPARISONS) for row in TURNER.values())
    for column in range(1, 5):
        gaps = [row[column][0] - row[0][0] for row in TURNER.values()]
        assert max(gaps) - min(gaps) < 0.031
    odd = set()
    typical = {
        area: [
            float(np.median([row[c][0] - row[1][0] for row in table.values()])) for c in range(3)
        ]
        for area, table in RHODES.items()
    }
    for area, table in RHODES.items():
        assert len(table) == 8
        for outcome, row in table.items():
            for c, name in enumerate(RHODES_COMPARISONS):
                if abs(row[c][0] - row[1][0] - typical[area][c]) > 0.021:
                    odd.add((area, outcome, name))
    named = {key for key, text in MISPRINTS.items() if "misprint" in text}
    assert odd == named


def test_a_number_that_does_not_fit_its_table_comes_with_a_note() -> None:
    prior = priors.rhodes("mental health", "non-pharmacological vs any")
    assert [note.code for note in prior.notes] == ["published-number"]
    assert not priors.rhodes("mental health", "pharmacological vs placebo").notes


@pytest.mark.parametrize(
    "make",
    [
        lambda: priors.half_normal(-1.0),
        lambda: priors.half_normal(0.0),
        lambda: priors.half_normal(math.nan),
        lambda: priors.half_normal("wide"),  # type: ignore[arg-type]
        lambda: priors.half_t(1.0, 0.0),
        lambda: priors.uniform(-2.0),
        lambda: priors.normal(math.inf, 1.0),
        lambda: priors.normal(0.0, -1.0),
        lambda: priors.fixed(-0.1),
        lambda: priors.half_normal(1.0).quantile(1.0),
        lambda: priors.turner("pain"),
        lambda: priors.rhodes(comparison="pharmacological vs placebo"),
    ],
)
def test_what_no_prior_can_be_made_of_is_refused(make: object) -> None:
    assert callable(make)
    with pytest.raises(InputError, match="Try: "):
        make()


def test_unknown_settings_offer_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="'pain'; known: "):
        priors.turner("pains", "pharmacological vs placebo")
    with pytest.raises(UnknownNameError, match="unknown type of comparison"):
        priors.turner("pain", "drug vs placebo")
    with pytest.raises(UnknownNameError, match="unknown medical area"):
        priors.rhodes("mental health", "pharmacological vs placebo", "oncology")


def test_inverse_gamma_comes_with_a_warning() -> None:
    prior = priors.inverse_gamma(0.001, 0.001)
    assert "half-normal or half-t" in prior.summary()
    known = stats.invgamma(2.0, scale=0.3)
    assert priors.inverse_gamma(2.0, 0.3).cdf(0.4) == pytest.approx(known.cdf(0.16), rel=1e-12)


def test_how_priors_read() -> None:
    assert repr(priors.half_normal(0.5)) == "<Prior of tau: half-normal(0.5)>"
    assert repr(priors.normal(0.0, 2.82)) == "<Prior of effects: normal(0, 2.82)>"
    assert "median of tau 0.337" in str(priors.half_normal(0.5))
    assert priors.flat().text == "flat"
    assert math.isnan(priors.uniform().cdf(1.0))
    assert priors.fixed(0.3).median == 0.3


@pytest.mark.parametrize(
    ("outcome", "comparison", "mean", "sd"),
    [
        ("all-cause mortality", "pharmacological vs placebo", -4.06, 1.45),
        ("all-cause mortality", "non-pharmacological vs any", -3.93, 1.51),
        ("semi-objective outcomes", "pharmacological vs placebo", -3.02, 1.85),
        ("semi-objective outcomes", "pharmacological vs pharmacological", -3.23, 1.88),
        ("subjective outcomes", "pharmacological vs placebo", -2.13, 1.58),
        ("subjective outcomes", "pharmacological vs pharmacological", -2.34, 1.62),
        ("subjective outcomes", "non-pharmacological vs any", -2.01, 1.64),
    ],
)
def test_turner_2012_is_that_of_two_sources(
    outcome: str, comparison: str, mean: float, sd: float
) -> None:
    prior = priors.turner_2012(outcome, comparison)
    assert prior.parameters == pytest.approx((0.5 * mean, 0.5 * sd), rel=1e-15)
    assert prior.measure == "OR"
    assert prior.median**2 == pytest.approx(math.exp(mean), rel=1e-12)
    assert "10.1093/ije/dys041" in prior.summary()


def test_turner_2012_of_one_source_is_refused_and_adds_up() -> None:
    for outcome, comparison, hint in (
        (
            "all-cause mortality",
            "pharmacological vs pharmacological",
            r"log_normal\(.2\.135, 0\.74",
        ),
        ("semi-objective outcomes", "non-pharmacological vs any", r"log_normal\(.1\.445, 0\.955"),
    ):
        with pytest.raises(InputError, match=f"one secondary source only.*{hint}"):
            priors.turner_2012(outcome, comparison)
    # The paper's model adds up: rows and columns differ by the same, to within rounding.
    means = np.array([[mean for mean, _ in row] for row in TURNER_2012.values()])
    assert np.ptp(means - means[:, :1], axis=0).max() < 0.0151
    with pytest.raises(UnknownNameError, match="all-cause mortality"):
        priors.turner_2012("mortality", "pharmacological vs placebo")
