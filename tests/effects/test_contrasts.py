"""`Contrasts` and the effect sizes of two groups."""

from __future__ import annotations

import json
import math
import pickle
import subprocess
import sys
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from equipoise.core.errors import InputError, UnknownNameError
from equipoise.core.provenance import Cell
from equipoise.core.result import Note
from equipoise.effects.contrasts import Contrasts, LeftOut, contrasts, effect_sizes
from equipoise.effects.zeros import To


def shared() -> Contrasts:
    """A two-arm study and a study of three arms with one covariance."""
    return Contrasts(
        measure="MD",
        study=("one", "three", "three"),
        yi=np.array([1.0, 2.0, 3.0]),
        vi=np.array([0.1, 0.2, 0.3]),
        treat1=("A", "A", "B"),
        treat2=("C", "C", "C"),
        n1=np.array([10.0, 20.0, 21.0]),
        n2=np.array([11.0, 22.0, 22.0]),
        cov_i=np.array([1]),
        cov_j=np.array([2]),
        cov=np.array([0.05]),
        cells=((Cell("results.csv", 2, "mean"),), (), ()),
        left_out=(LeftOut("four", "only one group, A"),),
        notes=(Note("corrected", "A note."),),
    )


# --- the container -----------------------------------------------------------------------------


def test_what_is_not_given_is_filled_in() -> None:
    es = Contrasts(measure="RR", study=("a", "b"), yi=np.array([0.0, 1.0]), vi=np.array([1.0, 4.0]))
    assert len(es) == 2
    assert es.treat1 == es.treat2 == ("", "")
    assert np.isnan(es.n1).all()
    assert np.isnan(es.n2).all()
    assert es.sei.tolist() == [1.0, 2.0]
    assert es.V().tolist() == [[1.0, 0.0], [0.0, 4.0]]
    assert es.cells == es.left_out == es.notes == ()


def test_full_covariance() -> None:
    assert shared().V().tolist() == [[0.1, 0.0, 0.0], [0.0, 0.2, 0.05], [0.0, 0.05, 0.3]]


def test_nothing_can_be_changed() -> None:
    given = np.array([1.0, 2.0])
    es = Contrasts(measure="MD", study=("a", "b"), yi=given, vi=np.ones(2))
    given[0] = 99.0
    assert es.yi.tolist() == [1.0, 2.0]
    with pytest.raises(ValueError, match="read-only"):
        es.yi[0] = 3.0
    with pytest.raises(FrozenInstanceError):
        es.measure = "RR"  # type: ignore[misc]


def test_through_json_and_back() -> None:
    es = replace(shared(), n1=np.array([math.nan, 1.0, 2.0]))
    back = Contrasts.from_dict(json.loads(json.dumps(es.to_dict(), allow_nan=False)))
    assert back == es
    assert back != shared()
    assert back.cov_i.dtype == np.intp
    assert back.cells[0] == (Cell("results.csv", 2, "mean"),)
    assert back.left_out == es.left_out


def test_through_pickle_and_back() -> None:
    back = pickle.loads(pickle.dumps(shared()))
    assert back == shared()
    assert not back.yi.flags.writeable


def test_take_keeps_covariances_in_any_order() -> None:
    es = shared().take([2, 0, 1])
    assert es.study == ("three", "one", "three")
    assert es.V().tolist() == [[0.3, 0.0, 0.05], [0.0, 0.1, 0.0], [0.05, 0.0, 0.2]]
    assert es.cells[1] == shared().cells[0]
    assert shared().take([1]).cov.size == 0
    assert len(shared().take([])) == 0


@pytest.mark.parametrize("places", [[0, 0], [3], [-1]])
def test_take_refuses_places_that_are_not_there(places: list[int]) -> None:
    with pytest.raises(InputError, match="cannot take rows"):
        shared().take(places)


def test_stack_shifts_covariances() -> None:
    bare = replace(shared(), cells=())
    es = Contrasts.stack([bare, shared()])
    assert len(es) == 6
    assert es.cov_i.tolist() == [1, 4]
    assert es.cov_j.tolist() == [2, 5]
    assert es.cells == ((), (), (), *shared().cells)
    assert len(es.left_out) == 2
    assert es.notes == shared().notes  # the same note once
    assert Contrasts.stack([es]) is es


def test_stack_refuses_mixtures() -> None:
    with pytest.raises(InputError, match="MD and SMD"):
        Contrasts.stack([shared(), replace(shared(), measure="SMD")])
    with pytest.raises(InputError, match="no contrasts"):
        Contrasts.stack([])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"yi": np.ones(2)}, "3 studies but 2 of yi"),
        ({"treat1": ("A",)}, "3 studies but 1 of treat1"),
        ({"n2": np.ones(4)}, "3 studies but 4 of n2"),
        ({"cells": ((),)}, "3 studies but 1 of cells"),
        ({"cov": np.ones(2)}, "different lengths"),
        ({"cov_i": np.array([2]), "cov_j": np.array([1])}, "rows 2 and 1"),
        ({"cov_i": np.array([0])}, "between studies one and three"),
        ({"cov_j": np.array([3])}, "rows 1 and 3"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        replace(shared(), **change)  # type: ignore[arg-type]


def test_unknown_measure() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown measure 'rr'.*'RR'"):
        replace(shared(), measure="rr")


def test_shown() -> None:
    assert repr(shared()) == "Contrasts(MD: 3 from 2 studies, 1 covariance)"
    text = shared().summary()
    assert "3 contrasts from 2 studies, mean difference" in text
    assert "B against C" in text
    assert "Left out: four (only one group, A)" in text
    assert "Note: A note." in text
    assert str(shared()) == text
    assert "people" not in text  # the two contrasts of a trial share a group
    assert shared().take([0, 1]).summary().splitlines()[0].endswith("mean difference, 63 people")


@pytest.mark.parametrize("backend", ["pandas", "polars"])
def test_to_frame_and_back(backend: str) -> None:
    frame = shared().take([0, 1]).to_frame(backend)
    es = contrasts(
        yi="yi", sei="sei", study="study", treat1="treat1", treat2="treat2", data=frame, n1="n1"
    )
    assert es.yi.tolist() == [1.0, 2.0]
    assert es.vi == pytest.approx([0.1, 0.2])
    assert es.treat1 == ("A", "A")
    assert es.n1.tolist() == [10.0, 20.0]


def test_nothing_slow_is_imported() -> None:
    code = (
        "import sys, equipoise.effects.contrasts;"
        "print([m for m in ('scipy.stats', 'scipy.optimize', 'scipy.linalg', 'narwhals', 'pandas')"
        " if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


# --- effect sizes, against metafor's escalc ----------------------------------------------------

# Tables with zeros of every kind: none, one, a whole row, everybody.
EVENTS1 = [12, 0, 30, 5, 1, 250, 8, 0, 10]
N1 = [100, 40, 50, 50, 500, 10000, 8, 25, 10]
EVENTS2 = [20, 3, 10, 5, 0, 200, 4, 0, 12]
N2 = [100, 40, 50, 50, 500, 10000, 10, 30, 12]

# fmt: off
ESCALC: dict[tuple[str, To], tuple[list[float], list[float]]] = {
    ("OR", "only0"): (
        [
            -0.606135803570316, -2.02287119019144, 1.79175946922805, 0, 1.10061228933478,
            0.22825865198098, 3.20093812418153, 0.179048231448986, -0.174353387144778,
        ],
        [
            0.15719696969697, 2.33707231040564, 0.208333333333333, 0.444444444444444,
            2.67066667066667, 0.00920460491889063, 2.49371543489191, 4.07200257152041,
            4.17523809523809,
        ],
    ),
    ("OR", "all"): (
        [
            -0.589441609425473, -2.02287119019144, 1.74722851441802, 0, 1.10061228933478,
            0.22775951281533, 3.20093812418153, 0.179048231448986, -0.174353387144778,
        ],
        [
            0.152502283081574, 2.33707231040564, 0.201496826313566, 0.407592407592408,
            2.67066667066667, 0.00918414159369799, 2.49371543489191, 4.07200257152041,
            4.17523809523809,
        ],
    ),
    ("OR", "none"): (
        [
            -0.606135803570316, math.nan, 1.79175946922805, 0, math.nan, 0.22825865198098,
            math.nan, math.nan, math.nan,
        ],
        [
            0.15719696969697, math.nan, 0.208333333333333, 0.444444444444444, math.nan,
            0.00920460491889063, math.nan, math.nan, math.nan,
        ],
    ),
    ("RR", "only0"): (
        [
            -0.510825623765991, -1.94591014905531, 1.09861228866811, 0, 1.09861228866811,
            0.22314355131421, 0.836659462182148, 0.175890666463665, -0.00729930248161155,
        ],
        [
            0.113333333333333, 2.23693379790941, 0.0933333333333333, 0.36, 2.6626746506986,
            0.0088, 0.13784907902555, 3.92928039702233, 0.0074059274059274,
        ],
    ),
    ("RR", "all"): (
        [
            -0.494696241836107, -1.94591014905531, 1.06635142644989, 0, 1.09861228866811,
            0.222644673778296, 0.836659462182148, 0.175890666463665, -0.00729930248161155,
        ],
        [
            0.108978507606858, 2.23693379790941, 0.0888092942094871, 0.324420677361854,
            2.6626746506986, 0.0087795671381339, 0.13784907902555, 3.92928039702233,
            0.0074059274059274,
        ],
    ),
    ("RR", "none"): (
        [
            -0.510825623765991, math.nan, 1.09861228866811, 0, math.nan, 0.22314355131421,
            0.916290731874155, math.nan, 0,
        ],
        [
            0.113333333333333, math.nan, 0.0933333333333333, 0.36, math.nan, 0.0088, 0.15,
            math.nan, 0,
        ],
    ),
    ("RD", "only0"): (
        [
            -0.08, -0.0731707317073171, 0.4, 0, 0.00199600798403194, 0.005, 0.535353535353535,
            0.00310173697270472, -0.00699300699300698,
        ],
        [
            0.002656, 0.00219816891803659, 0.008, 0.0036, 7.94821526623368e-06, 4.3975e-06,
            0.0278058619044233, 0.00123732059565878, 0.00678919105248021,
        ],
    ),
    ("RD", "all"): (
        [
            -0.0792079207920792, -0.0731707317073171, 0.392156862745098, 0, 0.00199600798403194,
            0.004999500049995, 0.535353535353535, 0.00310173697270472, -0.00699300699300698,
        ],
        [
            0.00267543174276255, 0.00219816891803659, 0.00791927689953336, 0.00377305862752637,
            7.94821526623368e-06, 4.40617851425596e-06, 0.0278058619044233, 0.00123732059565878,
            0.00678919105248021,
        ],
    ),
    ("RD", "none"): (
        [
            -0.08, -0.075, 0.4, 0, 0.002, 0.005, 0.6, 0, 0,
        ],
        [
            0.002656, 0.001734375, 0.008, 0.0036, 3.992e-06, 4.3975e-06, 0.024, 0, 0,
        ],
    ),
}
# fmt: on


def tables(measure: str, to: To = "only0") -> Contrasts:
    return effect_sizes(measure, events1=EVENTS1, n1=N1, events2=EVENTS2, n2=N2, to=to)


@pytest.mark.parametrize(("measure", "to"), ESCALC)
def test_binary_effects_are_those_of_escalc(measure: str, to: To) -> None:
    es = tables(measure, to)
    yi, vi = ESCALC[measure, to]
    assert es.yi == pytest.approx(yi, rel=1e-12, abs=1e-13, nan_ok=True)
    assert es.vi == pytest.approx(vi, rel=1e-12, abs=1e-13, nan_ok=True)


MEANS = {
    "mean1": [10.2, 55, 3.1, 100, 7.7],
    "sd1": [3.1, 12, 0.9, 15, 2],
    "n1": [20, 45, 8, 200, 3],
    "mean2": [8.9, 50, 3.6, 98, 5.1],
    "sd2": [2.8, 15, 1.1, 14, 2.5],
    "n2": [22, 40, 9, 210, 4],
}


@pytest.mark.parametrize(
    ("measure", "yi", "vi"),
    [
        (
            "MD",
            [1.3, 5, -0.5, 2, 2.6],
            [0.836863636363636, 8.825, 0.235694444444444, 2.05833333333333, 2.89583333333333],
        ),
        (
            "SMD",
            [
                0.43289582912745,
                0.367203060317575,
                -0.469062947770284,
                0.137711823164405,
                0.945067116848152,
            ],
            [
                0.0976854835364019,
                0.0480153874428492,
                0.242582289022021,
                0.0097850322573185,
                0.647129894429596,
            ],
        ),
    ],
)
def test_continuous_effects_are_those_of_escalc(
    measure: str, yi: list[float], vi: list[float]
) -> None:
    es = effect_sizes(measure, **MEANS)  # type: ignore[arg-type]
    assert es.yi == pytest.approx(yi, rel=1e-12)
    assert es.vi == pytest.approx(vi, rel=1e-12)
    assert es.n1.tolist() == MEANS["n1"]


def test_only_trials_with_a_zero_are_corrected_and_named() -> None:
    es = tables("RR")
    assert es.yi[0] == pytest.approx(math.log(0.12 / 0.20), rel=1e-14)
    assert es.yi[1] == pytest.approx(math.log((0.5 / 41) / (3.5 / 41)), rel=1e-14)
    notes = {note.code: note.text for note in es.notes}
    assert notes["corrected"].endswith("study 2, study 5, study 7, study 8, study 9.")
    assert "Nobody in any group had the event: study 8." in notes["double-zero"]
    assert "Everybody in any group had the event: study 9." in notes["double-full"]
    assert len(es) == 9


def test_trials_without_events_say_something_about_differences() -> None:
    assert [note.code for note in tables("RD").notes] == ["corrected"]
    assert [note.code for note in tables("RD", "none").notes] == []


def test_uncorrected_zeros_are_named() -> None:
    notes = {note.code: note.text for note in tables("OR", "none").notes}
    assert notes["uncorrected"].endswith("study 2, study 5, study 7, study 8, study 9.")
    assert "correction" not in notes["double-zero"]


@pytest.mark.parametrize(("to", "touched"), [("all", True), ("if0all", False), ("only0", False)])
def test_trials_without_zeros_are_corrected_on_demand_only(to: To, touched: bool) -> None:
    es = effect_sizes("OR", events1=[3], n1=[10], events2=[5], n2=[10], to=to)
    odds = (3.5 / 7.5) / (5.5 / 5.5) if touched else (3 / 7) / (5 / 5)
    assert es.yi[0] == pytest.approx(math.log(odds), rel=1e-12)
    assert [note.code for note in es.notes] == (["corrected"] if touched else [])
    assert not touched or "as was asked" in es.notes[0].text


def test_another_correction() -> None:
    es = effect_sizes("OR", events1=[0], n1=[10], events2=[5], n2=[10], add=0.25)
    assert es.yi[0] == pytest.approx(math.log((0.25 / 10.25) / (5.25 / 5.25)), rel=1e-14)
    with pytest.raises(InputError, match="correction of -1"):
        effect_sizes("OR", events1=[0], n1=[10], events2=[5], n2=[10], add=-1)
    with pytest.raises(UnknownNameError, match="only0"):
        effect_sizes("OR", events1=[0], n1=[10], events2=[5], n2=[10], to="only")  # type: ignore[arg-type]


counts = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(st.sampled_from(["OR", "RR", "RD"]), counts, counts)
def test_swapping_groups_turns_the_sign(
    measure: str, a: tuple[int, int], b: tuple[int, int]
) -> None:
    one = effect_sizes(measure, events1=[a[0]], n1=[a[1]], events2=[b[0]], n2=[b[1]])
    two = effect_sizes(measure, events1=[b[0]], n1=[b[1]], events2=[a[0]], n2=[a[1]])
    assert two.yi[0] == -one.yi[0]
    assert two.vi[0] == one.vi[0]
    assert one.vi[0] > 0.0


@given(counts, counts)
def test_counting_the_others_turns_odds_ratios_and_differences(
    a: tuple[int, int], b: tuple[int, int]
) -> None:
    for measure in ("OR", "RD"):
        one = effect_sizes(measure, events1=[a[0]], n1=[a[1]], events2=[b[0]], n2=[b[1]])
        two = effect_sizes(
            measure, events1=[a[1] - a[0]], n1=[a[1]], events2=[b[1] - b[0]], n2=[b[1]]
        )
        assert two.yi[0] == pytest.approx(-one.yi[0], abs=1e-12)
        assert two.vi[0] == pytest.approx(one.vi[0], rel=1e-9)


group = st.tuples(st.floats(-100, 100), st.floats(0.1, 50), st.integers(2, 500))


@given(group, group, st.floats(0.01, 100.0), st.floats(-50.0, 50.0))
def test_units(
    a: tuple[float, float, int], b: tuple[float, float, int], c: float, shift: float
) -> None:
    """Other units: the MD scales with them, the SMD does not notice."""

    def of(measure: str, c: float, shift: float) -> Contrasts:
        (m1, s1, n1), (m2, s2, n2) = a, b
        return effect_sizes(
            measure,
            mean1=[c * m1 + shift],
            sd1=[c * s1],
            n1=[n1],
            mean2=[c * m2 + shift],
            sd2=[c * s2],
            n2=[n2],
        )

    assert of("MD", c, shift).yi[0] == pytest.approx(c * of("MD", 1.0, 0.0).yi[0], abs=1e-9)
    assert of("MD", c, shift).vi[0] == pytest.approx(c * c * of("MD", 1.0, 0.0).vi[0], rel=1e-9)
    assert of("SMD", c, shift).yi[0] == pytest.approx(of("SMD", 1.0, 0.0).yi[0], rel=1e-6, abs=1e-6)


def test_labels_from_a_frame() -> None:
    frame = {"trial": [1.0, "B"], "e1": [1, 2], "n1": [9, 9], "e2": [3, 4], "n2": [9, 9]}
    es = effect_sizes("RR", events1="e1", n1="n1", events2="e2", n2="n2", study="trial", data=frame)
    assert es.study == ("1", "B")
    assert effect_sizes("RR", events1=[1], n1=[9], events2=[2], n2=[9]).study == ("study 1",)


# --- impossible numbers ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"events1": [12, 51]}, r"51 events in 50 people \(study B, column events1\).*swapped"),
        ({"events2": [-1, 2]}, r"-1 events \(study A, column events2\)"),
        ({"events1": [1.5, 2]}, r"1.5 events.*whole count"),
        ({"n1": [100.5, 50]}, r"group of 100.5 \(study A, column n1\).*effective sample size"),
        ({"n2": [100, 0]}, r"group of 0 \(study B, column n2\).*at least 1 person"),
        ({"events1": [12, "many"]}, r"'many' is not a number \(study B, column events1\)"),
        ({"n1": [100, math.inf]}, "infinite"),
        ({"events1": [1]}, "different lengths: events1 1, n1 2"),
        ({"study": ["A", ""]}, "without a name"),
    ],
)
def test_impossible_counts(change: dict[str, list[object]], message: str) -> None:
    given: dict[str, object] = {
        "events1": [12, 5],
        "n1": [100, 50],
        "events2": [20, 6],
        "n2": [100, 50],
        "study": ["A", "B"],
    }
    with pytest.raises(InputError, match=message):
        effect_sizes("RR", **(given | change))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sd1": [-2]}, r"standard deviation of -2 \(study A, column sd1\)"),
        ({"sd1": [0], "sd2": [0]}, r"0 in both groups \(study A, columns sd1 and sd2\)"),
        ({"n2": [1]}, r"group of 1 \(study A, column n2\).*at least 2 people"),
        ({"n2": [20.4]}, "group of 20.4"),
    ],
)
@pytest.mark.parametrize("measure", ["MD", "SMD"])
def test_impossible_means(measure: str, change: dict[str, list[float]], message: str) -> None:
    given = {"mean1": [1], "sd1": [2], "n1": [20], "mean2": [0], "sd2": [2], "n2": [20]}
    with pytest.raises(InputError, match=message):
        effect_sizes(measure, study=["A"], **(given | change))  # type: ignore[arg-type]


def test_columns_that_a_measure_does_not_take() -> None:
    with pytest.raises(InputError, match="RR without events2, n2"):
        effect_sizes("RR", events1=[1], n1=[2])
    with pytest.raises(InputError, match="MD with events1"):
        effect_sizes("MD", **MEANS, events1=[1] * 5)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="GEN has no formula"):
        effect_sizes("GEN", events1=[1], n1=[2])
    with pytest.raises(InputError, match="no data is given"):
        effect_sizes("RR", events1="e", n1=[1], events2=[1], n2=[1])


def means(sd: list[float], n: list[int] | None = None) -> Contrasts:
    k = len(sd)
    n = n or [50] * k
    return effect_sizes("MD", mean1=[5.0] * k, sd1=sd, n1=n, mean2=[0.0] * k, sd2=sd, n2=n)


def test_standard_errors_in_the_column_of_deviations_are_suspected() -> None:
    notes = means([10.0, 12.0, 11.0 / math.sqrt(50), 9.0]).notes
    assert [note.code for note in notes] == ["maybe-se"]
    assert "study 3" in notes[0].text
    assert means([10.0, 12.0, 11.0, 9.0]).notes == ()
    assert means([10.0, 1.5]).notes == ()  # two trials cannot tell which is odd


def test_a_small_deviation_alone_is_not_suspected() -> None:
    # Two tenths times the root of 400 people is not like the others, of 2,500 people it is.
    assert means([10.0, 12.0, 0.2, 9.0], [50, 60, 400, 70]).notes == ()
    assert [x.code for x in means([10.0, 12.0, 0.2, 9.0], [50, 60, 2500, 70]).notes] == ["maybe-se"]
    # Scales that differ among themselves: nothing to compare with.
    assert means([2.0, 10.0, 1.5, 40.0]).notes == ()


def test_a_huge_standardised_difference_is_suspected() -> None:
    es = effect_sizes("SMD", mean1=[9], sd1=[2], n1=[30], mean2=[1], sd2=[2], n2=[30])
    assert [note.code for note in es.notes] == ["large-smd"]


def test_a_group_without_spread_is_told() -> None:
    es = effect_sizes("MD", mean1=[9], sd1=[0], n1=[30], mean2=[1], sd2=[2], n2=[30])
    assert [note.code for note in es.notes] == ["zero-sd"]
