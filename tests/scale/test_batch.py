"""``equipoise.batch``: the numbers of one fit at a time, as arrays."""

from __future__ import annotations

import dataclasses
import io
import json
import math
import pickle
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import equipoise as eq
from equipoise.core.errors import InputError, UnknownNameError
from equipoise.core.progress import Progress
from equipoise.core.result import Interval
from equipoise.scale.batch import bootstrap, leave_one_out, pairwise
from equipoise.scale.fits import ARRAYS, CODES, BatchFit

Rows = list[tuple[float, float]]

estimates = st.floats(-5.0, 5.0).map(lambda x: round(x, 3))
variances = st.floats(-3.0, 3.0).map(lambda x: round(10.0**x, 5))
rows = st.tuples(estimates, variances)
BACKENDS = ("numpy", "python")


def single(trials: Rows, **how: object) -> object:
    es = eq.contrasts(yi=[y for y, _ in trials], vi=[v for _, v in trials])
    return eq.pairwise(es, **how)  # type: ignore[arg-type]


def near(one: float, two: float, unit: float = 0.0) -> bool:
    if math.isnan(one) or math.isnan(two):
        return math.isnan(one) and math.isnan(two)
    return one == two or abs(one - two) <= 1e-9 * (abs(two) + unit) + 1e-300


def bound(interval: Interval | None, side: str) -> float:
    return math.nan if interval is None else getattr(interval, side)


def same(batch: BatchFit, i: int, fit: object) -> None:
    """Compare one row with one fit."""
    f: object = fit
    unit = f.se_wald  # type: ignore[attr-defined]
    assert batch.k[i] == f.k  # type: ignore[attr-defined]
    assert CODES[batch.interval[i]] == f.interval  # type: ignore[attr-defined]
    assert batch.n_optima[i] == f.n_optima  # type: ignore[attr-defined]
    assert batch.df[i] == f.df  # type: ignore[attr-defined]
    assert batch.q_df[i] == f.q_df  # type: ignore[attr-defined]
    pairs = {
        "estimate": f.estimate,  # type: ignore[attr-defined]
        "se": f.se,  # type: ignore[attr-defined]
        "ci_low": f.ci.low,  # type: ignore[attr-defined]
        "ci_high": f.ci.high,  # type: ignore[attr-defined]
        "pi_low": bound(f.pi, "low"),  # type: ignore[attr-defined]
        "pi_high": bound(f.pi, "high"),  # type: ignore[attr-defined]
    }
    for name, value in pairs.items():
        assert near(getattr(batch, name)[i], value, unit), name
    assert near(batch.tau2[i], f.tau2, unit**2)  # type: ignore[attr-defined]
    for name in ("q", "i2", "h2", "q_p", "p_value"):
        got, expected = getattr(batch, name)[i], getattr(f, name)
        if name == "q" or name == "i2":
            assert got == pytest.approx(expected, rel=1e-9, abs=1e-7), name
        else:
            assert got == pytest.approx(expected, rel=1e-7, abs=1e-12, nan_ok=True), name


@given(st.lists(st.lists(rows, min_size=1, max_size=8), min_size=1, max_size=5), st.data())
@settings(max_examples=80)
def test_a_batch_is_the_loop_of_single_fits(analyses: list[Rows], data: st.DataObject) -> None:
    how = {
        "tau2": data.draw(st.sampled_from(["REML", "ML", "DL", "PM"])),
        "interval": data.draw(st.sampled_from(["auto", *CODES])),
        "pi": data.draw(st.sampled_from(["t", "V", "HTS", "metafor"])),
        "level": data.draw(st.sampled_from([0.95, 0.8])),
    }
    y = np.array([y for a in analyses for y, _ in a])
    v = np.array([v for a in analyses for _, v in a])
    offsets = np.cumsum([0, *map(len, analyses)])
    for backend in BACKENDS:
        batch = pairwise(y, v, offsets, backend=backend, **how)
        for i, trials in enumerate(analyses):
            fit = single(trials, **how)
            if fit.n_optima == batch.n_optima[i]:  # type: ignore[attr-defined]
                same(batch, i, fit)


@pytest.mark.parametrize("interval", ["auto", "Wald", "t"])
def test_a_common_effect_too(interval: str) -> None:
    trials = [(0.1, 0.02), (0.5, 0.03), (-0.2, 0.05)]
    y, v = [[t[0] for t in trials]], [[t[1] for t in trials]]
    batch = pairwise(y, v, model="common", interval=interval, backend="numpy")
    same(batch, 0, single(trials, model="common", interval=interval))
    assert batch.tau2_method == ""


@given(st.lists(rows, min_size=12, max_size=12))
@settings(max_examples=30)
def test_ragged_is_rectangular(trials: Rows) -> None:
    y, v = np.array(trials).T
    for backend in BACKENDS:
        one = pairwise(y.reshape(3, 4), v.reshape(3, 4), backend=backend)
        two = pairwise(y, v, [0, 4, 8, 12], backend=backend)
        assert one == two


@pytest.mark.parametrize("backend", ["numpy", "python", "auto"])
def test_lengths_of_all_kinds_in_one_batch(backend: str) -> None:
    rng = np.random.default_rng(2)
    k = np.array([3, 0, 1, 40, 2, 3, 17, 0, 5, 1])
    offsets = np.cumsum([0, *k])
    v = rng.uniform(0.05, 0.4, offsets[-1])
    y = rng.normal(size=len(v))
    whole = pairwise(y, v, offsets, backend=backend)
    assert (whole.k == k).all()
    assert (whole.ok == (k > 0)).all()
    assert np.isnan(whole.estimate[k == 0]).all()
    assert np.isnan(whole.p_value[k == 0]).all()
    assert np.isnan(whole.q_p[k == 0]).all()
    assert [note.code for note in whole.notes] == ["empty"]
    for i in np.flatnonzero(k):
        part = slice(offsets[i], offsets[i + 1])
        same(whole, int(i), single(list(zip(y[part].tolist(), v[part].tolist(), strict=True))))


@pytest.mark.parametrize("backend", ["numpy", "python", "auto"])
def test_gaps_are_passed_over_and_counted(backend: str) -> None:
    y = np.array([[0.1, np.nan, 0.3, 0.2], [0.5, 0.6, np.inf, 0.8], [np.nan] * 4, [1, 2, 3, 4]])
    v = np.array([[0.1, 0.2, 0.3, np.nan], [0.1] * 4, [0.1] * 4, [1, 2, 3, 4]])
    got = pairwise(y, v, backend=backend)
    assert got.left_out.tolist() == [2, 1, 4, 0]
    assert got.k.tolist() == [2, 3, 0, 4]
    assert [note.code for note in got.notes] == ["left-out", "empty"]
    assert "7 rows in 3 meta-analyses" in got.notes[0].text
    same(got, 0, single([(0.1, 0.1), (0.3, 0.3)]))
    same(got, 1, single([(0.5, 0.1), (0.6, 0.1), (0.8, 0.1)]))
    same(got, 3, single([(1, 1), (2, 2), (3, 3), (4, 4)]))


def test_chunks_and_threads_change_nothing() -> None:
    rng = np.random.default_rng(4)
    v = rng.uniform(0.05, 0.4, (500, 6))
    y = rng.normal(size=v.shape)
    for backend in BACKENDS:
        whole = pairwise(y, v, backend=backend)
        for chunk, threads in product((1, 100, 1000), (1, 2)):
            parts = pairwise(y, v, backend=backend, chunk=chunk, threads=threads)
            # NumPy adds up a single column in another order than several.
            for name in ARRAYS:
                got, expected = getattr(parts, name), getattr(whole, name)
                np.testing.assert_allclose(got, expected, rtol=1e-11, atol=1e-12)


def test_order_sign_and_unit() -> None:
    rng = np.random.default_rng(6)
    v = rng.uniform(0.05, 0.4, (200, 7))
    y = rng.normal(size=v.shape) * 0.6
    base = pairwise(y, v, backend="numpy")
    order = rng.permutation(7)
    mixed = pairwise(y[:, order], v[:, order], backend="numpy")
    turned = pairwise(-y, v, backend="numpy")
    grown = pairwise(y * 1e3, v * 1e6, backend="numpy")
    np.testing.assert_allclose(mixed.ci_low, base.ci_low, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(turned.ci_low, -base.ci_high, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(grown.tau2, base.tau2 * 1e6, rtol=1e-10, atol=1e-6)
    np.testing.assert_allclose(grown.p_value, base.p_value, rtol=1e-9)


def test_without_proof_most_are_the_same_and_none_is_higher() -> None:
    rng = np.random.default_rng(8)
    v = rng.chisquare(1, (300, 10)) * 0.15 + 0.009
    y = rng.normal(size=v.shape) * np.sqrt(v + 0.1)
    proved, quick = pairwise(y, v), pairwise(y, v, proof=False)
    assert (quick.n_optima == 0).all()
    alike = np.isclose(quick.tau2, proved.tau2, rtol=1e-9, atol=1e-12)
    assert (alike | (proved.n_optima > 1)).all()


def test_identical_trials_have_no_heterogeneity() -> None:
    got = pairwise(np.full((2, 5), 3.0), np.tile([0.1, 0.2, 0.3, 0.4, 0.5], (2, 1)))
    assert (got.tau2 == 0.0).all()
    assert (got.q == 0.0).all()
    assert (got.n_optima == 1).all()


def test_leaving_out_each_trial_in_turn() -> None:
    trials = [(0.1, 0.02), (0.5, 0.03), (-0.2, 0.05), (0.9, 0.1)]
    got = leave_one_out(*zip(*trials, strict=True), backend="numpy")
    assert len(got) == 4
    for i in range(4):
        same(got, i, single(trials[:i] + trials[i + 1 :]))
    with pytest.raises(InputError, match="1 trial to leave one out of"):
        leave_one_out([1.0], [1.0])
    with pytest.raises(InputError, match="shape"):
        leave_one_out([1.0, 2.0], [1.0])


def test_samples_of_trials_with_replacement() -> None:
    es = eq.contrasts(yi=[0.1, 0.5, -0.2, 0.9], vi=[0.02, 0.03, 0.05, 0.1])
    one, two = (bootstrap(es, 500, seed=1) for _ in range(2))
    assert one == two
    assert one != bootstrap(es, 500, seed=2)
    assert len(one) == 500
    fit = eq.pairwise(es)
    assert abs(np.median(one.estimate) - fit.estimate) < 2 * fit.se
    with pytest.raises(InputError, match="0 samples"):
        bootstrap(es, 0, seed=1)


def test_a_result_is_frozen_and_goes_to_json_and_back() -> None:
    got = pairwise([[0.1, 0.3, 0.2], [1.0, 2.0, 3.0]], [[0.01, 0.02, 0.03]] * 2)
    with pytest.raises(ValueError, match="read-only"):
        got.estimate[0] = 1.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        got.level = 0.9  # type: ignore[misc]
    assert BatchFit.from_dict(json.loads(json.dumps(got.to_dict()))) == got
    again = pickle.loads(pickle.dumps(got))
    assert again == got
    assert not again.tau2.flags.writeable
    frame = got.to_frame("pandas")
    assert list(frame["interval"]) == [CODES[i] for i in got.interval]
    assert "p_value" in frame.columns
    assert repr(got) == "BatchFit(2 meta-analyses, 6 estimates, random, REML)"
    assert "2 meta-analyses of 6 estimates" in got.summary()
    assert "Quartiles" in str(got)


def test_nothing_to_do_is_no_error() -> None:
    for backend in ("numpy", "python"):
        got = pairwise(np.empty((0, 3)), np.empty((0, 3)), backend=backend)
        assert len(got) == 0
        assert "0 meta-analyses" in got.summary()
        empty = pairwise(np.empty((2, 0)), np.empty((2, 0)), backend=backend)
        assert not empty.ok.any()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"y": [[1.0, 2.0]], "v": [[1.0]]}, "shape"),
        ({"y": [1.0, 2.0], "v": [1.0, 1.0]}, "no offsets"),
        ({"y": [["a", 2.0]], "v": [[1.0, 1.0]]}, "not a rectangle of numbers"),
        ({"y": [[1.0], [1.0, 2.0]], "v": [[1.0], [1.0, 2.0]]}, "not a rectangle"),
        ({"y": [1.0, 2.0], "v": [1.0, 1.0], "offsets": [0, 1]}, "from 0 to 1 for 2"),
        ({"y": [1.0, 2.0], "v": [1.0, 1.0], "offsets": [0, 2, 1, 2]}, "ascending"),
        ({"y": [1.0, 2.0], "v": [1.0, 1.0], "offsets": [0.0, 2.0]}, "whole numbers"),
        ({"y": [[1.0]], "v": [[1.0]], "offsets": [0, 1]}, "not flat"),
        ({"y": [[1.0, 2.0]], "v": [[1.0, 0.0]]}, r"variance 0 \(meta-analysis 0, trial 1"),
        ({"y": [[1.0]], "v": [[1.0]], "level": 1.0}, "level 1"),
        ({"y": [[1.0]], "v": [[1.0]], "model": "common", "interval": "HK"}, "common effect"),
    ],
)
def test_what_cannot_be_used_is_named(given: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        pairwise(**given)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["model", "tau2", "interval", "pi", "backend"])
def test_unknown_names_are_refused(name: str) -> None:
    with pytest.raises(UnknownNameError, match="'nothing'"):
        pairwise([[1.0]], [[1.0]], **{name: "nothing"})  # type: ignore[arg-type]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_on_a_terminal_after_a_second_and_never_in_a_pipe(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    for stream, shown in ((Terminal(), True), (io.StringIO(), False)):
        now[0] = 0.0
        with Progress("meta-analyses", 2000, stream=stream) as progress:
            now[0] = 0.9
            progress.update(500)
            assert stream.getvalue() == ""
            now[0] = 2.0
            progress.update(1000)
            assert ("1,000 of 2,000 meta-analyses, about 2 s left" in stream.getvalue()) is shown
        assert stream.getvalue().endswith("\r\x1b[2K") is shown


def test_progress_may_be_a_function() -> None:
    seen: list[tuple[int, int]] = []
    pairwise(np.zeros((10, 2)), np.ones((10, 2)), chunk=8, progress=lambda *at: seen.append(at))
    assert seen == [(4, 10), (8, 10), (10, 10)]
