"""Many meta-analyses by every backend: the same numbers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from whole import missing

from equipoise.core.errors import InputError, UnknownNameError
from equipoise.num.batch import COMMON, METHODS, Sums, analyse, backend_of, lane_rooms
from equipoise.num.binding import MODULES, PARTS, PLAIN
from equipoise.num.compiled import fingerprint
from equipoise.num.kernels import END, ENDS, PLACES

Rows = list[tuple[float, float]]

estimates = st.floats(-5.0, 5.0).map(lambda x: round(x, 3))
variances = st.floats(-3.0, 3.0).map(lambda x: round(10.0**x, 5))
gaps = st.just((np.nan, 1.0)) | st.just((1.0, np.nan)) | st.just((np.inf, 2.0))
many = st.lists(
    st.lists(st.tuples(estimates, variances) | gaps, max_size=9), min_size=1, max_size=12
)

CODES = {"common": COMMON, **METHODS}


@pytest.fixture(scope="session")
def numba() -> str:
    """The backend's name where Numba is installed; else a reason."""
    try:
        name = backend_of("numba")
        for code, proof in ((METHODS["PM"], True), (METHODS["REML"], False)):
            analyse(np.zeros(2), np.ones(2), np.array([0, 2]), code, proof=proof, backend=name)
        return name  # compiled, so that no test waits for it
    except InputError as error:
        missing(str(error))


def flat(analyses: list[Rows]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rows = [row for analysis in analyses for row in analysis]
    offsets = np.cumsum([0, *(len(analysis) for analysis in analyses)])
    return np.array([y for y, _ in rows]), np.array([v for _, v in rows]), offsets


def alike(one: Sums, two: Sums, *, rel: float = 1e-11) -> None:
    np.testing.assert_array_equal(one.k, two.k)
    np.testing.assert_array_equal(one.count, two.count)
    size = np.abs(two.estimate) + two.se
    np.testing.assert_array_less(np.abs(one.estimate - two.estimate), rel * size + 1e-300)
    for name in ("se", "spread", "q", "trace"):
        np.testing.assert_allclose(getattr(one, name), getattr(two, name), rtol=rel, atol=1e-12)
    # Where the likelihood is nearly flat, tau² is known to the square root of rounding.
    unit = two.se**2
    np.testing.assert_array_less(np.abs(one.tau2 - two.tau2), 1e-9 * (two.tau2 + unit) + 1e-300)


def check(backend: str, analyses: list[Rows], code: str, proof: bool) -> None:
    y, v, offsets = flat(analyses)
    plain = analyse(y, v, offsets, CODES[code], proof=proof, backend="python")
    other = analyse(y, v, offsets, CODES[code], proof=proof, backend=backend)
    ok = plain.k > 0
    alike(other.part(ok), plain.part(ok), rel=1e-8)
    assert (other.k[~ok] == 0).all()
    assert np.isnan(other.estimate[~ok]).all()


@pytest.mark.parametrize("code", CODES)
@given(analyses=many, proof=st.booleans())
@settings(max_examples=60, deadline=None)
def test_numpy_gives_the_numbers_of_the_loops(code: str, analyses: list[Rows], proof: bool) -> None:
    check("numpy", analyses, code, proof)


@pytest.mark.parametrize("code", CODES)
@given(analyses=many, proof=st.booleans())
@settings(max_examples=60, deadline=None)
def test_numba_gives_the_numbers_of_the_loops(
    numba: str, code: str, analyses: list[Rows], proof: bool
) -> None:
    check(numba, analyses, code, proof)


@st.composite
def even(draw: st.DrawFn) -> list[Rows]:
    """Analyses of one length, which compiled kernels work on side by side."""
    k = draw(st.integers(1, 7))
    rows = st.lists(st.tuples(estimates, variances), min_size=k, max_size=k)
    return draw(st.lists(rows, min_size=1, max_size=70))


@pytest.mark.parametrize("code", ["REML", "ML"])
@given(analyses=even())
@settings(max_examples=60, deadline=None)
def test_proofs_side_by_side_are_those_of_the_loops(
    numba: str, code: str, analyses: list[Rows]
) -> None:
    check(numba, analyses, code, True)


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("code", ["REML", "ML"])
def test_several_maxima_are_found_by_all(
    request: pytest.FixtureRequest, backend: str, code: str
) -> None:
    """Few precise trials lie far apart, and others know little."""
    if backend == "numba":
        request.getfixturevalue("numba")
    rng = np.random.default_rng(5)
    y = rng.choice([-3.0, 0.0, 3.0], size=3000) + 0.1 * rng.normal(size=3000)
    v = 10.0 ** rng.uniform(-4.0, 2.0, size=3000)
    offsets = np.arange(0, 3001, 5)
    plain = analyse(y, v, offsets, CODES[code], proof=True, backend="python")
    assert (plain.count > 1).sum() > 10
    assert (plain.count == 1).sum() > 400
    alike(analyse(y, v, offsets, CODES[code], proof=True, backend=backend), plain)


def test_no_name_means_two_things_in_the_sources() -> None:
    """They are compiled with one table of names for all."""
    meant: dict[str, object] = {}
    for module in MODULES:
        for name, value in vars(module).items():
            if not name.startswith("__"):
                assert meant.setdefault(name, value) == value, (name, module.__name__)


def test_what_was_compiled_is_kept_under_a_name_that_tells_all_sources(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = fingerprint()
    assert fingerprint() == before
    monkeypatch.setattr("equipoise.num.survey.ROUNDS", 5)
    changed = fingerprint()
    assert changed != before
    monkeypatch.setattr("equipoise.num.compiled.PARTS", PARTS[1:])
    assert fingerprint() != changed


@pytest.fixture(scope="module")
def ordinary() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(11)
    k = rng.integers(2, 30, size=400)
    offsets = np.cumsum([0, *k])
    v = rng.chisquare(1, offsets[-1]) * 0.15 + 0.009
    return rng.normal(size=len(v)) * np.sqrt(v + 0.05), v, offsets


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("proof", [True, False])
def test_ordinary_data_agree_to_the_last_digits(
    ordinary: tuple[np.ndarray, ...],
    request: pytest.FixtureRequest,
    backend: str,
    code: str,
    proof: bool,
) -> None:
    if backend == "numba":
        request.getfixturevalue("numba")
    y, v, offsets = ordinary
    plain = analyse(y, v, offsets, CODES[code], proof=proof, backend="python")
    other = analyse(y, v, offsets, CODES[code], proof=proof, backend=backend)
    alike(other, plain, rel=1e-12)
    np.testing.assert_allclose(other.tau2, plain.tau2, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("backend", ["numpy", "python", "numba"])
@pytest.mark.parametrize(
    ("unit", "shift"), [(1e-6, 0.0), (1e6, 0.0), (1.0, 1e6), (1e-40, 0.0), (1e40, 0.0)]
)
def test_units_and_place_change_nothing(
    ordinary: tuple[np.ndarray, ...],
    request: pytest.FixtureRequest,
    backend: str,
    unit: float,
    shift: float,
) -> None:
    if backend == "numba":
        request.getfixturevalue("numba")
    y, v, offsets = (part[:3000] for part in ordinary)
    offsets = offsets[offsets <= 3000]
    # Rounded, so that a shift does not change them.
    y = np.round(y * 2.0**20) / 2.0**20
    base = analyse(y, v, offsets, CODES["REML"], proof=True, backend=backend)
    moved = analyse(
        y * unit + shift, v * unit**2, offsets, CODES["REML"], proof=True, backend=backend
    )
    np.testing.assert_array_equal(moved.count, base.count)
    np.testing.assert_allclose(moved.se, base.se * unit, rtol=1e-10)
    np.testing.assert_allclose(moved.tau2, base.tau2 * unit**2, rtol=1e-8, atol=1e-12 * unit**2)
    away = moved.estimate - shift
    np.testing.assert_array_less(
        np.abs(away - base.estimate * unit), 1e-10 * base.se * unit + 1e-15 * abs(shift)
    )


@pytest.mark.parametrize("backend", ["numpy", "python", "numba"])
def test_a_variance_that_is_not_above_zero_is_named(
    request: pytest.FixtureRequest, backend: str
) -> None:
    if backend == "numba":
        request.getfixturevalue("numba")
    y, v = np.zeros(6), np.array([1.0, 1.0, 1.0, 1.0, -2.0, 1.0])
    with pytest.raises(InputError, match=r"variance -2 \(meta-analysis 1, trial 1"):
        analyse(y, v, np.array([0, 3, 6]), COMMON, proof=True, backend=backend)


def test_backends_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnknownNameError, match="'numpy'"):
        backend_of("nunpy")
    nowhere: Callable[[str], None] = lambda name: None  # noqa: E731
    monkeypatch.setattr("importlib.util.find_spec", nowhere)
    assert backend_of("auto") == "numpy"
    with pytest.raises(InputError, match="not installed"):
        backend_of("numba")


@pytest.mark.parametrize("proof", [False, True])
@pytest.mark.parametrize("code", ["REML", "ML", "DL", "common"])
def test_lanes_run_interpreted_too(
    ordinary: tuple[np.ndarray, ...], code: str, proof: bool
) -> None:
    y, v, offsets = (part[:400] for part in ordinary)
    offsets = offsets[offsets <= 400]
    y = np.where(np.arange(len(y)) == 5, np.nan, y)  # a gap is left to the loop
    m, longest = len(offsets) - 1, int(np.diff(offsets).max())
    plain = analyse(y, v, offsets, CODES[code], proof=proof, backend="python")
    got = Sums.empty(m)
    rooms = [np.zeros(size) for size in (longest,) * 3 + (END * ENDS, PLACES)]
    lanes = lane_rooms(longest)
    into = (got.k, got.count, got.estimate, got.se, got.spread, got.tau2, got.q, got.trace)
    with np.errstate(all="ignore"):
        PLAIN.analyse_lanes(y, v, offsets, CODES[code], proof, longest, *rooms, *lanes, *into)
    alike(got, plain, rel=1e-11)
