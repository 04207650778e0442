"""Results go to strict JSON and come back the same."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import json
import math
import pickle
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from equipoise.core.errors import InputError
from equipoise.core.result import Interval, Method, Note, Result, from_plain, quick, to_plain


@dataclass(frozen=True, slots=True)
class Fit(Result):
    """One field of every kind that results have."""

    name: str
    estimate: float
    k: int
    ok: bool
    ci: Interval
    pi: Interval | None
    notes: tuple[Note, ...]
    pair: tuple[float, str]
    book: dict[str, Interval]
    yi: NDArray[np.float64]
    half: float = field(init=False, default=0.5)


def fit(estimate: float = -0.2, pi: Interval | None = None, yi: object = (1.0, 2.0)) -> Fit:
    return Fit(
        name="ä",
        estimate=estimate,
        k=3,
        ok=True,
        ci=Interval(-0.4, 0.0, 0.9, "Wald"),
        pi=pi,
        notes=(Note("few", "few trials"),),
        pair=(1.5, "a"),
        book={"x": Interval(0, 1)},
        yi=np.array(yi, dtype=float),
    )


def same(one: Fit, two: Fit) -> None:
    np.testing.assert_array_equal(one.yi, two.yi)
    for name in ("name", "k", "ok", "ci", "pi", "notes", "pair", "book"):
        assert getattr(one, name) == getattr(two, name)
    assert one.estimate == two.estimate or (math.isnan(one.estimate) and math.isnan(two.estimate))


@given(st.floats(), st.none() | st.builds(Interval, st.floats(0, 1), st.floats(1, 2)))
def test_a_result_comes_back_through_strict_json(estimate: float, pi: Interval | None) -> None:
    before = fit(estimate, pi, [estimate, 1.0])
    text = json.dumps(before.to_dict(), allow_nan=False)
    after = Fit.from_dict(json.loads(text))
    same(before, after)
    assert isinstance(after.ci, Interval)
    assert isinstance(after.notes, tuple)
    assert isinstance(after.pair, tuple)
    assert isinstance(after.yi, np.ndarray)


def test_arrays_come_back_read_only() -> None:
    after = Fit.from_dict(fit().to_dict())
    with pytest.raises(ValueError, match="read-only"):
        after.yi[0] = 9


def test_full_precision_is_kept() -> None:
    value = 0.1 + 0.2
    assert json.loads(json.dumps(fit(value).to_dict()))["estimate"] == value


def test_fields_that_no_one_knows_are_passed_over() -> None:
    same(Fit.from_dict(fit().to_dict() | {"later": 1}), fit())


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (math.nan, "nan"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
        (np.float64(1.5), 1.5),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.array([[1.0, math.nan]]), [[1.0, "nan"]]),
        ({3: (1, 2)}, {"3": [1, 2]}),
        (frozenset({"b", "a"}), ["a", "b"]),
        (Method("x", "y"), {"name": "x", "paper": "y", "doi": ""}),
        (None, None),
    ],
)
def test_plain_values(value: object, plain: object) -> None:
    result = to_plain(value)
    assert result == plain
    assert type(result) is type(plain)


def test_what_is_not_plain_is_refused() -> None:
    with pytest.raises(InputError, match="cannot write a complex"):
        to_plain([1j])


def test_infinities_come_back_as_numbers() -> None:
    interval = from_plain(Interval, to_plain(Interval(-math.inf, math.inf)))
    assert (interval.low, interval.high) == (-math.inf, math.inf)


def test_an_interval_holds_its_ends() -> None:
    interval = Interval(-1, 1)
    assert -1 in interval
    assert 1 in interval
    assert 1.0001 not in interval
    assert math.nan not in interval


def test_a_note_reads_as_its_text() -> None:
    assert str(Note("few", "few trials")) == "few trials"


@quick
@dataclass(frozen=True, slots=True)
class _Base:
    one: float
    two: str = "b"


@quick
@dataclass(frozen=True, slots=True)
class _More(_Base):
    three: int = 3


def test_a_quick_record_is_made_as_dataclasses_make_it() -> None:
    plain = dataclasses.make_dataclass(
        "_More", [("one", float), ("two", str, "b"), ("three", int, 3)], frozen=True, slots=True
    )
    ours, theirs = (inspect.signature(cls).parameters.values() for cls in (_More, plain))
    assert [(p.name, p.default) for p in ours] == [(p.name, p.default) for p in theirs]
    record = _More(1.0, three=4)
    assert dataclasses.astuple(record) == dataclasses.astuple(plain(1.0, three=4))
    assert dataclasses.replace(record, two="c") == _More(1.0, "c", 4)
    assert pickle.loads(pickle.dumps(record)) == record == copy.deepcopy(record)
    with pytest.raises(dataclasses.FrozenInstanceError):
        record.one = 2.0  # type: ignore[misc]
    with pytest.raises(TypeError, match=r"_More.__init__\(\) missing 1 required"):
        _More()  # type: ignore[call-arg]


def test_a_quick_record_has_no_factories() -> None:
    with pytest.raises(TypeError, match=r"Listed\.rows: only plain fields"):

        @quick
        @dataclass(frozen=True, slots=True)
        class Listed:
            rows: list[int] = field(default_factory=list)
