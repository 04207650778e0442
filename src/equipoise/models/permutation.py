"""Permutation tests of meta-regressions: p values that rest on exchangeability alone."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from equipoise.core.arguments import typed_late
from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.core.progress import Progress, Report
from equipoise.core.result import Method, Note, Result
from equipoise.core.table import Column, Table, Value, significant
from equipoise.effects.columns import Floats, make_frame, read_only
from equipoise.models.design import design
from equipoise.models.pairwise import PairwiseFit
from equipoise.models.permuted import Permuted
from equipoise.models.regression import fit_design
from equipoise.models.regression_fit import RegressionFit
from equipoise.models.regression_parts import p_text
from equipoise.models.residual_tau2 import RESIDUAL_ESTIMATORS

_METHOD = Method(
    "permutation test of a meta-regression",
    "Higgins, Thompson 2004, Stat Med 23:1663; Follmann, Proschan 1999, Biometrics 55:732",
    "10.1002/sim.1752",
)

_HK = ("HK", "HK-guarded")
ALTERNATIVES = ("two-sided", "greater", "less")

#: Up to so many possible rearrangements, all of them are looked at unless asked otherwise.
_FEW = 20_000
#: More than these are never enumerated.
_MOST = 50_000_000
_RANDOM = 10_000


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class PermutationTest(Result):
    """P values from refits to rearranged trials.

    Attributes
    ----------
    names, statistic
        Coefficients, and their statistics in the fit.
    p_value, mc_se
        Share of rearrangements with a statistic at least as extreme, the trials as they are among
        them; its Monte Carlo standard error (0 when exact).
    p_usual
        The fit's own p values.
    qm, qm_p, qm_mc_se, qm_p_usual
        The same for the omnibus test of the moderators.
    alternative
        ``two-sided``, ``greater`` or ``less``.
    rearranged
        ``rows``: moderators are dealt to the trials anew; ``signs``: a model without moderators,
        whose estimates are given other signs.
    exact, iterations, possible
        Whether all rearrangements were looked at; how many were, the trials as they are among
        them; how many different ones there are (a float, as it may be huge).
    seed
        Repeats the test; None when exact.
    notes, methods
        What to know; the methods used.
    """

    names: tuple[str, ...]
    statistic: Floats
    p_value: Floats
    mc_se: Floats
    p_usual: Floats
    qm: float
    qm_p: float
    qm_mc_se: float
    qm_p_usual: float
    alternative: str
    rearranged: str
    exact: bool
    iterations: int
    possible: float
    seed: int | None
    notes: tuple[Note, ...]
    methods: tuple[Method, ...]

    def table(self) -> Table:
        """The coefficients, one a row."""
        columns = (
            Column("name", "Coefficient"),
            Column("statistic", "Statistic", align="right"),
            Column("p_value", "p by permutation", "p", "right"),
            Column("mc_se", "Monte Carlo error", align="right"),
            Column("p_usual", "p of the fit", "p", "right"),
        )
        rows: tuple[tuple[Value, ...], ...] = tuple(
            (name, float(s), float(p), None if self.exact else float(e), float(u))
            for name, s, p, e, u in zip(
                self.names, self.statistic, self.p_value, self.mc_se, self.p_usual, strict=True
            )
        )
        return Table(self._head(), columns, rows, missing="none")

    def _head(self) -> str:
        kind = "Exact" if self.exact else "Monte Carlo"
        what = "signs of the estimates" if self.rearranged == "signs" else "moderators"
        return (
            f"{kind} permutation test, {self.iterations:,} rearrangements of the {what}; "
            f"omnibus {p_text(self.qm_p)}"
        )

    def to_frame(self, backend: str | None = None) -> Any:
        """A data frame with one row for each coefficient."""
        keys = ("statistic", "p_value", "mc_se", "p_usual")
        columns: dict[str, Any] = {"name": self.names}
        return make_frame(columns | {key: getattr(self, key) for key in keys}, backend)

    def summary(self) -> str:
        """The table and what to know."""
        return "\n".join([self.table().to_text(), *(f"Note: {note}" for note in self.notes)])

    def __str__(self) -> str:
        return self.summary()

    def __repr__(self) -> str:
        kind = "exact" if self.exact else "Monte Carlo"
        return f"<PermutationTest {kind}, {self.iterations:,} rearrangements: {p_text(self.qm_p)}>"

    def _repr_html_(self) -> str:
        return self.table().to_html()


@typed_late
def permutation_test(
    fit: RegressionFit | PairwiseFit,
    *,
    iterations: int | str = "auto",
    seed: int | None = None,
    alternative: str = "two-sided",
    progress: bool | Report | None = None,
) -> PermutationTest:
    """Test the coefficients of a meta-regression by dealing the moderators to the trials anew.

    Parameters
    ----------
    fit
        What :func:`equipoise.regress` or :func:`equipoise.pairwise` gave. Without moderators, the
        signs of the estimates are rearranged.
    iterations
        ``exact``: all different rearrangements; a number: so many, the trials as they are among
        them, at random unless no more than that are possible; ``auto``: all where there are at
        most 20,000, else 10,000 at random.
    seed
        Makes the random ones the same again; drawn and kept in the result when not given.
    alternative
        For the coefficients: ``two-sided``, ``greater`` or ``less``.
    progress
        Show how far it is; on a terminal only when not given.

    Returns
    -------
    PermutationTest

    Raises
    ------
    InputError
        Own weights, Kenward–Roger intervals, an estimator that is not refitted in bulk, or fewer
        than two iterations.
    NotEstimableError
        More rearrangements than can be enumerated.

    Notes
    -----
    Each refit estimates tau² anew and uses the standard errors of the fit's kind of interval. Rows
    with the same moderators are interchangeable and counted once. P values are never below 1 over
    the number of rearrangements; a Monte Carlo p value p has the standard error
    ``sqrt(p (1 - p) / n)``.

    Checked against metafor's ``permutest`` in ``validation/``.
    """
    if alternative not in ALTERNATIVES:
        raise UnknownNameError("alternative", alternative, ALTERNATIVES)
    if isinstance(fit, PairwiseFit):
        fit = _as_regression(fit)
    if len(fit.weights):
        raise InputError("a permutation test with own weights", hint="regress() without weights=")
    if fit.interval == "KR":
        raise InputError("a permutation test with Kenward–Roger", hint="interval='HK'")
    refits = Permuted(
        fit.yi,
        fit.vi,
        fit.X,
        fit.tau2_method if fit.model == "random" else "",
        fit.interval,
        list(fit.design.moderators()),
    )
    signs = fit.p == 1 and bool((fit.X[0] == fit.X).all())
    groups = _groups(fit.X)
    possible = 2.0**fit.k if signs else _possible(groups)
    exact, count = _plan(iterations, possible)
    used = None if exact else (int(np.random.SeedSequence().entropy) if seed is None else seed)  # type: ignore[arg-type]
    batches = _sign_batches if signs else _order_batches
    run = refits.by_sign if signs else refits.by_order
    own = next(iter(_observed(signs, fit.k)))
    statistic, qm = (values[0] for values in run(own))
    hits, qm_hits, done = np.zeros(fit.p), 0.0, 0
    if not exact:
        hits, qm_hits, done = hits + 1.0, 1.0, 1
    shown = Progress("rearrangements", count, show=progress)
    for batch in batches(groups, fit.k, refits.batch, count - done, used):
        found, omnibus = run(batch)
        hits = hits + _extreme(found, statistic, alternative).sum(0)
        qm_hits += float((omnibus >= qm - 1e-8 * max(1.0, abs(float(qm)))).sum())
        done += len(batch)
        shown.update(done)
    shown.close()
    p, qm_p = hits / done, qm_hits / done
    return PermutationTest(
        names=fit.names,
        statistic=read_only(statistic),
        p_value=read_only(p),
        mc_se=read_only(np.zeros(fit.p) if exact else np.sqrt(p * (1.0 - p) / done)),
        p_usual=fit.p_value,
        qm=float(qm),
        qm_p=qm_p,
        qm_mc_se=0.0 if exact else math.sqrt(qm_p * (1.0 - qm_p) / done),
        qm_p_usual=fit.qm_p,
        alternative=alternative,
        rearranged="signs" if signs else "rows",
        exact=exact,
        iterations=done,
        possible=possible,
        seed=used,
        notes=tuple(_about(exact, possible, done)),
        methods=(_METHOD, *fit.methods),
    )


def _as_regression(fit: PairwiseFit) -> RegressionFit:
    if fit.asked["weighting"] != "inverse variance":
        raise InputError("a permutation test with own weights", hint="pairwise() without weights=")
    settings = {
        "model": fit.model,
        "tau2": fit.tau2_method if fit.model == "random" else "REML",
        "interval": fit.interval,
        "pi": "t",
    }
    if settings["tau2"] not in RESIDUAL_ESTIMATORS or fit.interval not in ("Wald", "t", *_HK):
        raise InputError(
            f"a permutation test with tau² by {fit.tau2_method} and the interval {fit.interval}",
            hint="tau2='REML' and interval='HK'",
        )
    made = design(None, None, fit.k, fit.study)
    return fit_design(
        fit.measure, fit.study, fit.yi, fit.vi, made, settings, fit.level, "cochrane-2025"
    )


def _extreme(found: Floats, own: Floats, alternative: str) -> NDArray[np.bool_]:
    slack = 1e-8 * np.maximum(1.0, np.abs(own))
    if alternative == "greater":
        return np.asarray(found >= own - slack)
    if alternative == "less":
        return np.asarray(found <= own + slack)
    return np.asarray(np.abs(found) >= np.abs(own) - slack)


def _groups(X: Floats) -> NDArray[np.intp]:
    """For each row, the number of its group of equal rows."""
    _, inverse = np.unique(X, axis=0, return_inverse=True)
    return np.asarray(inverse, dtype=np.intp).reshape(-1)


def _possible(groups: NDArray[np.intp]) -> float:
    log = math.lgamma(len(groups) + 1.0)
    log -= sum(math.lgamma(c + 1.0) for c in np.bincount(groups).tolist())
    return float(round(math.exp(log))) if log < 34.0 else math.exp(min(log, 709.0))


def _plan(iterations: int | str, possible: float) -> tuple[bool, int]:
    """Whether to enumerate, and how many rearrangements to look at."""
    if iterations == "auto":
        iterations = "exact" if possible <= _FEW else _RANDOM
    if iterations == "exact":
        if possible > _MOST:
            raise NotEstimableError(
                f"{possible:.3g} rearrangements are too many to enumerate",
                hint=f"iterations={_RANDOM}, at random",
            )
        return True, int(possible)
    if isinstance(iterations, bool) or not isinstance(iterations, int):
        raise UnknownNameError("number of iterations", iterations, ("auto", "exact"))
    if iterations < 2:
        raise InputError(f"{iterations} iterations", hint="some thousands")
    return (True, int(possible)) if possible <= iterations else (False, iterations)


def _observed(signs: bool, k: int) -> Iterator[Any]:
    yield np.ones((1, k)) if signs else np.arange(k, dtype=np.intp)[None, :]


def _sign_batches(
    groups: NDArray[np.intp], k: int, size: int, count: int, seed: int | None
) -> Iterator[Any]:
    rng = None if seed is None else np.random.default_rng(seed)
    for start in range(0, count, size):
        rows = min(size, count - start)
        if rng is None:
            codes = np.arange(start, start + rows, dtype=np.int64)
            yield 1.0 - 2.0 * ((codes[:, None] >> np.arange(k)) & 1)
        else:
            yield 1.0 - 2.0 * rng.integers(0, 2, (rows, k))


def _order_batches(
    groups: NDArray[np.intp], k: int, size: int, count: int, seed: int | None
) -> Iterator[Any]:
    """Orders of the trials: all that differ in the moderators they meet, or random ones."""
    rng = None if seed is None else np.random.default_rng(seed)
    for start in range(0, count, size):
        rows = min(size, count - start)
        if rng is None:
            dealt = _unranked(groups, np.arange(start, start + rows, dtype=np.int64))
            # Trial i gets a row of group dealt[b, i]; its row among those of the group does not
            # matter. The inverse says which trial stands in each row of the design.
            places = np.argsort(groups, kind="stable")
            order = np.empty((rows, k), dtype=np.intp)
            np.put_along_axis(
                order,
                np.broadcast_to(places, (rows, k)),
                np.argsort(dealt, axis=1, kind="stable"),
                axis=1,
            )
            yield order
        else:
            yield rng.permuted(np.broadcast_to(np.arange(k), (rows, k)), axis=1)


def _unranked(groups: NDArray[np.intp], ranks: NDArray[np.int64]) -> NDArray[np.intp]:
    """The arrangements of the groups with these numbers in lexicographic order."""
    k = len(groups)
    left = np.broadcast_to(np.bincount(groups), (len(ranks), groups.max() + 1)).copy()
    total = np.full(len(ranks), round(_possible(groups)), dtype=np.int64)
    rest = ranks.copy()
    out = np.empty((len(ranks), k), dtype=np.intp)
    for place in range(k):
        # Arrangements that start with a group: the whole number times its share of what is left.
        shares = total[:, None] * left // (k - place)
        ends = np.cumsum(shares, axis=1)
        chosen = (rest[:, None] >= ends).sum(1)
        row = np.arange(len(ranks))
        total = shares[row, chosen]
        rest = rest - (ends[row, chosen] - total)
        left[row, chosen] -= 1
        out[:, place] = chosen
    return out


def _about(exact: bool, possible: float, done: int) -> list[Note]:
    if possible < 20.0:
        text = (
            f"Only {possible:g} rearrangements differ, so that no p value can be below "
            f"{significant(1.0 / possible, 2)}."
        )
        return [Note("few-rearrangements", text)]
    if exact:
        return []
    text = (
        f"{done:,} of {possible:.4g} rearrangements were looked at, at random: p values have a "
        "Monte Carlo error."
    )
    return [Note("monte-carlo", text)]
