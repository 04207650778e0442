"""Sequential synthesis: what is needed, the looks, the finding in words, and what is refused."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from equipoise.core.errors import EquipoiseError, InputError, UnknownNameError
from equipoise.effects.contrasts import Contrasts, contrasts, effect_sizes
from equipoise.models.boundaries import sequential_boundaries
from equipoise.models.information import InformationSize, diversity, required_information
from equipoise.models.pairwise import pairwise
from equipoise.models.robustness import cumulative
from equipoise.models.sequential import Sequential, sequential

TABLE: dict[str, Any] = {
    "events1": [10, 24, 8, 60, 35],
    "n1": [100, 150, 90, 400, 300],
    "events2": [16, 30, 12, 88, 40],
    "n2": [100, 150, 88, 410, 290],
    "study": ["A 1999", "B 1995", "C 2001", "D 2004", "E 2004"],
}
YEARS = [1999, 1995, 2001, 2004, 2004]


def trials() -> Contrasts:
    return effect_sizes("RR", **TABLE)


def needed(**more: Any) -> InformationSize:
    return required_information(control_risk=0.2, relative_reduction=0.2, **more)


class TestRequiredInformation:
    def test_two_risks_are_a_relative_reduction(self) -> None:
        one = required_information(control_risk=0.2, relative_reduction=0.25)
        two = required_information(control_risk=0.2, risk=0.15)
        assert one.size == pytest.approx(two.size, rel=1e-12)
        assert one.target == two.target == "a relative risk reduction of 25% from a risk of 20%"

    def test_means(self) -> None:
        found = required_information(difference=-5.0, sd=20.0, power=0.9)
        assert found.size == pytest.approx(4 * (1.95996398 + 1.28155157) ** 2 * 16, rel=1e-8)
        assert required_information(difference=0.25, sd=1.0, power=0.9).size == pytest.approx(
            found.size, rel=1e-12
        )
        assert "standard deviation of 20" in found.target

    def test_information(self) -> None:
        found = required_information(effect=math.log(0.8))
        assert found.kind == "information"
        assert found.size == pytest.approx((1.95996398 + 0.84162123) ** 2 / 0.22314355**2, rel=1e-7)

    def test_heterogeneity(self) -> None:
        plain = needed()
        given_ = needed(heterogeneity=20.0)
        assert given_.adjusted == pytest.approx(plain.size / 0.8, rel=1e-12)
        assert "times 1.25 for a diversity D² of 20%" in given_.summary()
        fit = pairwise(trials(), tau2="DL")
        by_fit = needed(fit=fit)
        assert by_fit.adjusted == pytest.approx(plain.size / (1 - diversity(fit) / 100), rel=1e-12)
        assert [n.code for n in by_fit.notes] == ["heterogeneity-from-trials"]
        assert needed(fit=fit, adjust="I2").heterogeneity == fit.i2
        assert [n.code for n in needed(heterogeneity=0.2).notes] == ["percent-or-share"]

    def test_diversity_is_what_random_effects_cost(self) -> None:
        yi, vi = [0.1, 0.9, -0.4, 0.3], [0.04, 0.02, 0.09, 0.05]
        random = pairwise(contrasts(yi=yi, vi=vi), interval="Wald")
        common = pairwise(contrasts(yi=yi, vi=vi), model="common")
        expected = 100 * (1 - common.se_wald**2 / random.se_wald**2)
        assert diversity(random) == pytest.approx(expected, rel=1e-10)
        assert diversity(random) >= random.i2
        assert diversity(common) == 0.0

    @pytest.mark.parametrize(
        ("asked", "words"),
        [
            ({}, "no effect to find"),
            ({"effect": 0.1, "sd": 1.0}, "means and effect together"),
            ({"control_risk": 0.1}, "not complete"),
            ({"risk": 0.1}, "not complete"),
            ({"control_risk": 0.1, "risk": 0.2, "relative_reduction": 0.1}, "not complete"),
            ({"control_risk": 4.5, "relative_reduction": 0.1}, "control_risk 4.5"),
            ({"control_risk": 0.6, "relative_reduction": -1.0}, "risk 1.2 by this reduction"),
            ({"control_risk": 0.1, "relative_reduction": 0.0}, "relative_reduction 0"),
            ({"control_risk": 0.1, "risk": 0.1}, "both risks"),
            ({"control_risk": math.nan, "risk": 0.1}, "control_risk nan"),
            ({"control_risk": 0.0, "relative_reduction": 0.1}, "both risks"),
            ({"difference": 1.0}, "no sd"),
            ({"sd": 1.0}, "no difference"),
            ({"difference": 0.0, "sd": 1.0}, "difference 0"),
            ({"difference": 1.0, "sd": 0.0}, "sd 0"),
            ({"effect": 0.0}, "effect 0"),
            ({"effect": math.inf}, "effect inf"),
            ({"effect": 0.1, "alpha": 1.0}, "alpha 1"),
            ({"effect": 0.1, "power": 0.2}, "power 0.2"),
            ({"effect": 0.1, "heterogeneity": 100.0}, "heterogeneity 100"),
            ({"effect": 0.1, "heterogeneity": -1.0}, "heterogeneity -1"),
            ({"effect": 0.1, "adjust": "H2"}, "unknown adjustment"),
            ({"effect": 0.1, "fit": "fit"}, "diversity of a str"),
        ],
    )
    def test_what_is_refused(self, asked: dict[str, Any], words: str) -> None:
        with pytest.raises(InputError, match=words):
            required_information(**asked)

    def test_it_travels(self) -> None:
        found = needed(heterogeneity=20.0)
        assert InformationSize.from_dict(found.to_dict()).to_dict() == found.to_dict()
        assert "people for" in repr(found)
        assert "<p>" in found._repr_html_()


class TestSequential:
    def test_each_look_is_a_step_of_the_cumulative_synthesis(self) -> None:
        found = sequential(trials(), needed(), order=YEARS)
        steps = cumulative(trials(), order=YEARS, interval="Wald")
        assert found.label == steps.label
        assert found.z == pytest.approx(steps.statistic, rel=1e-12)
        assert found.held.tolist() == [300, 500, 678, 1488, 2078]
        bounds = sequential_boundaries([*(found.held / found.needed).tolist(), 1.0])
        assert found.boundary == pytest.approx(bounds.z[:-1], rel=1e-12)
        assert found.final_boundary == pytest.approx(float(bounds.z[-1]), rel=1e-12)
        assert found.ci_high == pytest.approx(found.estimate + found.boundary * found.se)
        assert not found.reached

    def test_the_sentence(self) -> None:
        found = sequential(trials(), needed(heterogeneity=50.0), order="year")
        assert found.statement == (
            "The trials hold 2078 of 5793 people (36%) needed to find a relative risk reduction of "
            "20% from a risk of 20%; boundary not crossed."
        )
        assert repr(found) == "<Sequential RR 36% of what is needed; boundary not crossed>"
        assert "secondary" in {n.code for n in found.notes}

    def test_trials_of_one_year_are_one_look(self) -> None:
        found = sequential(trials(), needed(), order=YEARS, looks="tied")
        assert found.k.tolist() == [1, 2, 3, 5]
        assert found.label[-1] == "E 2004"

    def test_looks_after_all_is_there_have_no_boundary(self) -> None:
        found = sequential(trials(), required_information(control_risk=0.2, risk=0.08), order=YEARS)
        assert found.reached
        last = int(np.flatnonzero(found.fraction >= 1.0)[0])
        assert found.spent[last] == pytest.approx(0.05, rel=1e-9)
        assert np.isnan(found.boundary[last + 1 :]).all()
        assert "beyond-required" in {n.code for n in found.notes}
        assert not found.crossed[last + 1 :].any()

    def test_a_crossed_boundary_says_where(self) -> None:
        es = contrasts(yi=[-0.3] * 6, vi=[0.01] * 6, study=list("ABCDEF"), measure="RR")
        found = sequential(es, required_information(effect=-0.15))
        assert found.first_crossed == 1
        assert found.statement.endswith("boundary crossed with B, below no difference.")

    def test_information_with_diversity_is_that_of_random_effects(self) -> None:
        es = contrasts(yi=[0.1, 0.9, -0.4, 0.3], vi=[0.04, 0.02, 0.09, 0.05])
        fit = pairwise(es)
        found = sequential(fit, required_information(effect=0.4, fit=fit))
        plain = required_information(effect=0.4)
        assert found.fraction[-1] == pytest.approx(1 / fit.se_wald**2 / plain.size, rel=1e-10)

    def test_futility(self) -> None:
        es = contrasts(yi=[0.01, -0.02, 0.0, 0.01], vi=[0.02] * 4, study=list("ABCD"))
        need = required_information(effect=0.2)
        found = sequential(es, need, futility="OBF")
        assert found.needed > need.adjusted
        assert found.futile.any()
        assert "boundary for futility crossed" in found.statement
        assert "futile" in found.summary()
        bounds = sequential_boundaries([*found.fraction.tolist(), 1.0], futility="OBF")
        assert found.needed == pytest.approx(need.adjusted * bounds.inflation, rel=1e-7)

    def test_intervals_by_t_are_turned_into_z(self) -> None:
        found = sequential(trials(), needed(), order=YEARS, interval="HK")
        plain = cumulative(trials(), order=YEARS, interval="HK")
        assert found.p_value == pytest.approx(plain.p_value, rel=1e-12)
        assert found.z[0] == pytest.approx(plain.statistic[0])
        assert abs(found.z[2]) < abs(plain.statistic[2])

    def test_a_plain_test_that_says_more(self) -> None:
        es = contrasts(yi=[-0.5, -0.45], vi=[0.05, 0.05], study=["A", "B"])
        found = sequential(es, required_information(effect=-0.2))
        assert "plain-test-only" in {n.code for n in found.notes}

    @settings(max_examples=15, deadline=None)
    @given(
        unit=st.sampled_from([1e-6, 1.0, 1e6]),
        yi=st.lists(st.floats(-2, 2), min_size=1, max_size=6),
    )
    def test_units_and_swapped_groups(self, unit: float, yi: list[float]) -> None:
        vi = [0.1 + 0.05 * i for i in range(len(yi))]
        need = required_information(effect=0.5)
        found = sequential(contrasts(yi=yi, vi=vi, measure="MD"), need)
        turned = contrasts(yi=[-unit * y for y in yi], vi=[unit**2 * v for v in vi], measure="MD")
        other = sequential(turned, required_information(effect=0.5 * unit))
        assert other.fraction == pytest.approx(found.fraction, rel=1e-9)
        assert other.z == pytest.approx(-found.z, rel=1e-6, abs=1e-6)
        assert other.boundary == pytest.approx(found.boundary, rel=1e-7, nan_ok=True)

    def test_it_reads_and_travels(self) -> None:
        found = sequential(trials(), needed(), order=YEARS, futility="OBF")
        again = Sequential.from_dict(found.to_dict())
        assert again.statement == found.statement
        assert len(found.to_frame()) == len(found) == 5
        assert found.summary().count("\n") > 8
        assert "<table" in found._repr_html_()
        assert len(set(found.methods)) == len(found.methods)

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"required": 1000}, "a int as what is needed"),
            ({"looks": "each year"}, "unknown looks"),
            ({"order": [1, 2]}, "2 values of order for 5 rows"),
            ({"order": "years"}, "'year'"),
            ({"spending": "OF"}, "unknown spending function"),
            ({"interval": "wild"}, "unknown interval"),
        ],
    )
    def test_what_is_refused(self, change: dict[str, Any], words: str) -> None:
        args: dict[str, Any] = {"required": needed(), **change}
        with pytest.raises(EquipoiseError, match=words):
            sequential(trials(), args.pop("required"), **args)

    def test_people_are_not_guessed(self) -> None:
        es = contrasts(yi=[0.1, 0.2], vi=[0.1, 0.1], study=["A", "B"], measure="RR")
        with pytest.raises(InputError, match=r"no numbers of people \(study A\)"):
            sequential(es, needed())
        one = effect_sizes("PLO", events=[3, 4], n=[10, 20])
        with pytest.raises(InputError, match="compares nothing"):
            sequential(one, required_information(effect=0.1))

    def test_a_label_without_a_year(self) -> None:
        es = contrasts(yi=[0.1, 0.2], vi=[0.1, 0.1], study=["A 1990", "B"])
        with pytest.raises(InputError, match=r"no value to sort by \(study B\)"):
            sequential(es, required_information(effect=0.1), order="year")
        with pytest.raises(UnknownNameError):
            cumulative(es, order="date")
