"""The marginal likelihood of effects with known sampling covariances and random effects.

``y ~ N(X beta, M)`` with ``M = V + sum over terms of Z G Z'``. Rows fall into blocks that share no
covariance; blocks are padded to few sizes and handled in batches, so that the cost grows with the
number of blocks and not with the square of the number of rows.
"""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from equipoise.core.errors import InputError
from equipoise.effects.columns import Floats, Ints
from equipoise.models.structures import Structure
from equipoise.num.climb import Slope

_LOG_2PI = math.log(2.0 * math.pi)
#: Batches of padded blocks are joined while that costs fewer multiplications than this.
_CHEAP = 2e5
#: Stands for an infinite variance below a block: no finite part of it is ever seen.
_HUGE = 1e250
#: Numbers held at once while many places are looked at.
_ROOM = 2_000_000


@dataclass(frozen=True, slots=True)
class Term:
    """Random effects: rows of one `outer` level are correlated through their `inner` levels.

    Attributes
    ----------
    outer, inner
        Codes of the levels, one a row; `inner` is 0 throughout for a random intercept.
    structure
        Covariance of the inner levels.
    """

    outer: Ints
    inner: Ints
    structure: Structure


@dataclass(frozen=True, slots=True)
class Batch:
    """Blocks padded to one size: rows (B, n) with -1 for padding, and the data of these rows."""

    rows: Ints
    y: Floats
    X: Floats
    V: Floats
    same: tuple[Floats, ...]
    inner: tuple[Ints, ...]


@dataclass(frozen=True, slots=True)
class Moments:
    """The fit of the coefficients for one marginal covariance, with what it is made of.

    Attributes
    ----------
    ll
        Log-likelihood (restricted where asked for).
    beta, cov
        Coefficients in the working coordinates and their covariance.
    W, WX, Py
        For each batch the inverse covariance, its product with the design, and with the residuals.
    rss
        Weighted sum of squared residuals.
    """

    ll: float
    beta: Floats
    cov: Floats
    W: tuple[Floats, ...]
    WX: tuple[Floats, ...]
    Py: tuple[Floats, ...]
    rss: float


class Mixed:
    """Data, design and terms, ready to be evaluated; units are those of the most typical variance.

    Parameters
    ----------
    y, X, V
        Effects, design of full column rank, sampling covariance: shapes (k,), (k, p), and (k,) for
        variances alone or (k, k).
    terms
        Random effects.
    restricted
        Whether the likelihood is the restricted one.
    """

    __slots__ = (
        *("V", "X", "Q", "R", "batches", "k", "p", "restricted", "shift", "terms", "unit"),
        *("low", "high", "parts", "rest", "group"),
    )

    def __init__(
        self, y: Floats, X: Floats, V: Floats, terms: Sequence[Term], restricted: bool
    ) -> None:
        self.k, self.p = X.shape
        self.X, self.V = X, V
        self.restricted = restricted
        vi = V if V.ndim == 1 else np.diag(V)
        # A power of four, so that scaling does not round.
        self.unit = 4.0 ** round(math.log(float(np.exp(np.log(vi).mean())), 4.0))
        self.Q, self.R = np.linalg.qr(X)
        level = self.Q.T @ y
        rest = (y - self.Q @ level) / math.sqrt(self.unit)
        again = self.Q.T @ rest
        self.shift = level + again * math.sqrt(self.unit)
        self.rest = rest - self.Q @ again
        self._set(terms)

    def _set(self, terms: Sequence[Term]) -> None:
        self.terms = tuple(terms)
        self.low = np.concatenate([t.structure.low for t in self.terms] or [np.empty(0)])
        self.high = np.concatenate([t.structure.high for t in self.terms] or [np.empty(0)])
        ends = np.cumsum([0] + [t.structure.low.size for t in self.terms]).tolist()
        self.parts = [slice(a, b) for a, b in itertools.pairwise(ends)]
        self.batches = self._batches(self.rest, self.V / self.unit)
        self.group = self._grouping()

    def with_terms(self, terms: Sequence[Term]) -> Mixed:
        """The same data with other terms."""
        other = copy.copy(self)
        other._set(terms)
        return other

    def other_likelihood(self) -> Mixed:
        """The same model with the unrestricted likelihood for the restricted one, or vice versa."""
        other = copy.copy(self)
        other.restricted = not self.restricted
        return other

    @property
    def free(self) -> int:
        """Number of independent contrasts that the likelihood is of."""
        return int(self.k - self.p if self.restricted else self.k)

    def split(self, x: Floats) -> list[Floats]:
        """The parameters of each term."""
        return [x[part] for part in self.parts]

    def matrices(self, x: Floats) -> list[Floats]:
        """The covariance matrix of each term, in working units."""
        return [t.structure.matrix(x[part]) for t, part in zip(self.terms, self.parts, strict=True)]

    def _batches(self, y: Floats, V: Floats) -> tuple[Batch, ...]:
        blocks = connected(self.k, V, [t.outer for t in self.terms])
        return tuple(self._batch(group, y, V) for group in _grouped(blocks))

    def _batch(self, blocks: list[Ints], y: Floats, V: Floats) -> Batch:
        n = max(len(block) for block in blocks)
        rows = np.full((len(blocks), n), -1, dtype=np.intp)
        for b, block in enumerate(blocks):
            rows[b, : len(block)] = block
        real = rows >= 0
        pair = real[:, :, None] & real[:, None, :]
        eye = np.eye(n, dtype=bool)
        if V.ndim == 1:
            full = np.where(eye, V[rows][:, :, None], 0.0)
        else:
            full = V[rows[:, :, None], rows[:, None, :]]
        full = np.where(pair, full, np.where(eye, 1.0, 0.0))
        same, inner = [], []
        for t in self.terms:
            outer = t.outer[rows]
            same.append(((outer[:, :, None] == outer[:, None, :]) & pair).astype(np.float64))
            inner.append(t.inner[rows])
        return Batch(
            rows=rows,
            y=np.where(real, y[rows], 0.0),
            X=np.where(real[:, :, None], self.Q[rows], 0.0),
            V=full,
            same=tuple(same),
            inner=tuple(inner),
        )

    def _inverse(self, G: Sequence[Floats]) -> tuple[float, list[Floats]] | None:
        """log|M| and the inverse of M by batch; None where M is not positive definite."""
        logdet, inverses = 0.0, []
        for batch in self.batches:
            M = batch.V.copy()
            for g, same, at in zip(G, batch.same, batch.inner, strict=True):
                M += same * (g[0, 0] if g.size == 1 else g[at[:, :, None], at[:, None, :]])
            try:
                L = np.linalg.cholesky(M)
            except np.linalg.LinAlgError:
                return None
            logdet += 2.0 * float(np.log(np.diagonal(L, axis1=1, axis2=2)).sum())
            half = np.linalg.inv(L)
            inverses.append(half.swapaxes(1, 2) @ half)
        return logdet, inverses

    def moments(self, G: Sequence[Floats]) -> Moments | None:
        """The fit for these covariance matrices; None where M is not positive definite."""
        found = self._inverse(G)
        if found is None:
            return None
        logdet, W = found
        WX = tuple(w @ batch.X for w, batch in zip(W, self.batches, strict=True))
        XWX, XWy = np.zeros((self.p, self.p)), np.zeros(self.p)
        for wx, batch in zip(WX, self.batches, strict=True):
            flat = wx.reshape(-1, self.p)
            XWX += batch.X.reshape(-1, self.p).T @ flat
            XWy += batch.y.ravel() @ flat
        XWX = 0.5 * (XWX + XWX.T)
        low = np.linalg.cholesky(XWX)
        half = np.linalg.inv(low)
        cov = half.T @ half
        beta = cov @ XWy
        rss, Py = 0.0, []
        for w, batch in zip(W, self.batches, strict=True):
            rest = batch.y - batch.X @ beta
            Py.append((w @ rest[:, :, None])[:, :, 0])
            rss += float(rest.ravel() @ Py[-1].ravel())
        ll = -0.5 * (self.free * (_LOG_2PI + math.log(self.unit)) + logdet + rss)
        if self.restricted:
            ll -= float(np.log(np.diag(low)).sum())
        return Moments(ll, beta, cov, tuple(W), WX, tuple(Py), rss)

    def value(self, x: Floats) -> float:
        """The log-likelihood at these parameters."""
        found = self.moments(self.matrices(x))
        return -math.inf if found is None else found.ll

    def score(self, m: Moments) -> list[Floats]:
        """The derivative of the log-likelihood by each term's matrix, as if all were free."""
        out = [np.zeros((t.structure.q, t.structure.q)) for t in self.terms]
        for batch, w, wx, py in zip(self.batches, m.W, m.WX, m.Py, strict=True):
            K = py[:, :, None] * py[:, None, :] - w
            if self.restricted:
                K += wx @ m.cov @ wx.swapaxes(1, 2)
            for total, same, at in zip(out, batch.same, batch.inner, strict=True):
                part = 0.5 * same * K
                q = len(total)
                if q == 1:
                    total += part.sum()
                    continue
                pair = at[:, :, None] * q + at[:, None, :]
                total += np.bincount(pair.ravel(), part.ravel(), q * q).reshape(q, q)
        return out

    def slope(self, x: Floats) -> Slope:
        """The log-likelihood with its exact first and second derivatives."""
        parts = self.split(x)
        m = self.moments(self.matrices(x))
        if m is None:
            bad = np.full(x.size, math.nan)
            return Slope(-math.inf, bad, np.outer(bad, bad), np.outer(bad, bad))
        slopes = [t.structure.slopes(part) for t, part in zip(self.terms, parts, strict=True)]
        gradient, bent, at = np.zeros(x.size), np.zeros((x.size, x.size)), 0
        for S, (first, second) in zip(self.score(m), slopes, strict=True):
            end = at + len(first)
            gradient[at:end] = (first * S).sum((1, 2))
            bent[at:end, at:end] = (second * S).sum((2, 3))
            at = end
        trace, quadratic = self._second(m, [first for first, _ in slopes])
        return Slope(m.ll, gradient, 0.5 * trace - quadratic + bent, 0.5 * trace)

    def _second(self, m: Moments, first: list[Floats]) -> tuple[Floats, Floats]:
        """``tr P A_i P A_j`` (W for P when unrestricted) and ``y'P A_i P A_j P y``."""
        count = sum(len(f) for f in first)
        trace, quadratic = np.zeros((count, count)), np.zeros((count, count))
        lead, F = np.zeros((count, self.p)), np.zeros((count, self.p, self.p))
        for batch, w, wx, py in zip(self.batches, m.W, m.WX, m.Py, strict=True):
            A = np.concatenate(
                [
                    same[None]
                    if f.size == 1 and f[0, 0, 0] == 1.0
                    else same * f[:, at[:, :, None], at[:, None, :]]
                    for f, same, at in zip(first, batch.same, batch.inner, strict=True)
                ]
            )
            WA = w @ A
            trace += WA.reshape(count, -1) @ WA.swapaxes(2, 3).reshape(count, -1).T
            a = (A @ py[:, :, None])[..., 0]
            quadratic += a.reshape(count, -1) @ (w @ a[..., None]).reshape(count, -1).T
            flat = wx.reshape(-1, self.p)
            lead += a.reshape(count, -1) @ flat
            if self.restricted:
                AX = A @ wx
                F += flat.T @ AX.reshape(count, -1, self.p)
                half = (w @ AX) @ m.cov
                trace -= 2.0 * (AX.reshape(count, -1) @ half.reshape(count, -1).T)
        quadratic -= lead @ m.cov @ lead.T
        if self.restricted:
            FC = F @ m.cov
            trace += FC.reshape(count, -1) @ FC.swapaxes(1, 2).reshape(count, -1).T
        return 0.5 * (trace + trace.T), 0.5 * (quadratic + quadratic.T)

    def values(self, places: Sequence[Floats]) -> Floats:
        """The log-likelihood at many places, several at a time."""
        if self.group is not None:
            size = self.k * (self.p + 1)
            step = max(1, _ROOM // size)
            rough = [
                self._grouped_values(places[i : i + step]) for i in range(0, len(places), step)
            ]
            return np.concatenate(rough)
        size = sum(batch.V.size for batch in self.batches)
        step = max(1, _ROOM // max(size, 1))
        out = [self._values(places[i : i + step]) for i in range(0, len(places), step)]
        return np.concatenate(out) if out else np.empty(0)

    def _grouping(self) -> tuple[Ints, Ints, Ints] | None:
        """Order of rows by the one term with groups, where groups start, and which term it is.

        None unless the variances are alone and every other term has a level for each row: then a
        block is a diagonal plus a constant, whose inverse is known.
        """
        if self.V.ndim == 2 or any(t.structure.low.size != 1 or t.inner.any() for t in self.terms):
            return None
        rough = [i for i, t in enumerate(self.terms) if np.unique(t.outer).size < self.k]
        if len(rough) > 1 or not self.terms:
            return None
        code = self.terms[rough[0]].outer if rough else np.arange(self.k)
        order = np.argsort(code, kind="stable")
        starts = np.flatnonzero(np.r_[True, np.diff(code[order]) != 0])
        return order, starts, np.array(rough, dtype=np.intp)

    def _grouped_values(self, places: Sequence[Floats]) -> Floats:
        """Values where :meth:`_grouping` allows: each group's mean is taken out of it."""
        assert self.group is not None
        order, starts, rough = self.group
        every = np.array(places)
        shared = every[:, rough].sum(1)[:, None]
        d = self.V[order] / self.unit + (every.sum(1)[:, None] - shared)
        data = np.column_stack([self.Q, self.rest])[order]
        w = 1.0 / d
        total = np.add.reduceat(w, starts, axis=1)
        sums = np.add.reduceat(w[:, :, None] * data, starts, axis=1)
        sizes = np.diff(np.r_[starts, self.k])
        apart = data - np.repeat(sums / total[:, :, None], sizes, axis=1)
        # A group's mean has the variance 1 / total + shared; the rest does not see `shared`.
        level = sums / np.sqrt(total * (1.0 + shared * total))[:, :, None]
        inside = apart.swapaxes(1, 2) @ (w[:, :, None] * apart) + level.swapaxes(1, 2) @ level
        logdet = np.log(d).sum(1) + np.log1p(shared * total).sum(1)
        return self._from_sums(inside, logdet)

    def _values(self, places: Sequence[Floats]) -> Floats:
        every = np.array(places)
        stacks = [
            t.structure.matrices(every[:, part])
            for t, part in zip(self.terms, self.parts, strict=True)
        ]
        count = len(places)
        inside = np.zeros((count, self.p + 1, self.p + 1))
        logdet = np.zeros(count)
        for batch in self.batches:
            blocks, n = batch.rows.shape
            # Bordered by the design and the data, so that one factorisation whitens these too.
            M = np.zeros((count, blocks, n + self.p + 1, n + self.p + 1))
            M[..., :n, :n] = batch.V
            M[..., n : n + self.p, :n] = batch.X.swapaxes(1, 2)
            M[..., n + self.p, :n] = batch.y
            border = np.arange(n, n + self.p + 1)
            M[..., border, border] = _HUGE
            inner = M[..., :n, :n]
            for g, same, at in zip(stacks, batch.same, batch.inner, strict=True):
                if g.shape[1] == 1:
                    inner += g[:, :, :, None] * same
                else:
                    inner += same * g[:, at[:, :, None], at[:, None, :]]
            try:
                L = np.linalg.cholesky(M)
            except np.linalg.LinAlgError:
                return np.array([self.value(x) for x in places])
            own = np.diagonal(L, axis1=2, axis2=3)[..., :n]
            logdet += 2.0 * np.log(own).sum((1, 2))
            white = L[..., n:, :n].transpose(0, 2, 1, 3).reshape(count, self.p + 1, -1)
            inside += white @ white.swapaxes(1, 2)
        return self._from_sums(inside, logdet)

    def _from_sums(self, inside: Floats, logdet: Floats) -> Floats:
        """The log-likelihoods from the weighted squares and products of design and data."""
        top = np.linalg.cholesky(inside[:, : self.p, : self.p])
        part = np.linalg.solve(top, inside[:, : self.p, self.p :])[:, :, 0]
        rss = inside[:, self.p, self.p] - (part * part).sum(1)
        ll = -0.5 * (self.free * (_LOG_2PI + math.log(self.unit)) + logdet + rss)
        if self.restricted:
            ll = ll - np.log(np.diagonal(top, axis1=1, axis2=2)).sum(1)
        return np.asarray(ll)

    def coefficients(self, m: Moments) -> tuple[Floats, Floats]:
        """The coefficients of the design as given, and their covariance."""
        inverse = np.linalg.inv(self.R)
        beta = inverse @ (self.shift + m.beta * math.sqrt(self.unit))
        cov = inverse @ (m.cov * self.unit) @ inverse.T
        return beta, 0.5 * (cov + cov.T)

    def by_row(self, parts: Sequence[Floats]) -> Floats:
        """Put values of the batches, shape (B, n, ...), back into the order of the rows."""
        out = np.zeros((self.k, *parts[0].shape[2:]))
        for batch, part in zip(self.batches, parts, strict=True):
            real = batch.rows >= 0
            out[batch.rows[real]] = part[real]
        return out


def connected(k: int, V: Floats, codes: Sequence[Ints]) -> list[Ints]:
    """Blocks of rows that no covariance and no common level joins, in the order of first rows."""
    parent = list(range(k))

    def find(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    pairs: list[tuple[int, int]] = []
    for code in codes:
        first: dict[int, int] = {}
        pairs += [(i, first.setdefault(c, i)) for i, c in enumerate(code.tolist())]
    if V.ndim == 2:
        one, two = np.nonzero(np.triu(V, 1))
        pairs += zip(one.tolist(), two.tolist(), strict=True)
    for i, j in pairs:
        a, b = find(i), find(j)
        if a != b:
            parent[max(a, b)] = min(a, b)
    blocks: dict[int, list[int]] = {}
    for i in range(k):
        blocks.setdefault(find(i), []).append(i)
    return [np.array(block, dtype=np.intp) for block in blocks.values()]


def _grouped(blocks: list[Ints]) -> list[list[Ints]]:
    """Blocks of about equal size together; all together where padding costs next to nothing."""
    most = max(len(block) for block in blocks)
    if len(blocks) * most**3 <= _CHEAP:
        return [blocks]
    groups: dict[int, list[Ints]] = {}
    for block in blocks:
        size = 1
        while size < len(block):
            size = max(size + 1, int(1.5 * size))
        groups.setdefault(size, []).append(block)
    return [groups[size] for size in sorted(groups)]


def check_covariance(V: Floats, names: Sequence[str]) -> None:
    """Refuse a sampling covariance matrix that no data can have, naming the rows.

    Raises
    ------
    InputError
        `V` is not symmetric, or a block of it is not positive definite.
    """
    size = float(np.abs(V).max(initial=0.0))
    skew = np.abs(V - V.T)
    if float(skew.max(initial=0.0)) > 1e-8 * size:
        i, j = divmod(int(np.argmax(skew)), len(skew))
        raise InputError(
            f"V is not symmetric: {V[i, j]:g} and {V[j, i]:g}",
            where=f"{names[i]} and {names[j]}",
            hint="the same covariance above and below the diagonal",
        )
    for block in connected(len(V), V, []):
        if len(block) == 1:
            continue
        part = V[np.ix_(block, block)]
        sd = np.sqrt(np.diag(part))
        least = float(np.linalg.eigvalsh(part / np.outer(sd, sd))[0])
        if least <= 1e-12:
            listed = ", ".join(dict.fromkeys(names[i] for i in block[:6].tolist()))
            raise InputError(
                "covariances that no data can have: this part of V is not positive definite "
                f"(smallest eigenvalue of its correlations {least:.2g})",
                where=listed,
                hint="smaller correlations, or check for a row entered twice",
            )
