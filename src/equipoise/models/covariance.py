"""Covariances of sampling errors from what is known of a study, and effects combined by cluster."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from equipoise.core.arguments import typed_late
from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.core.result import Note
from equipoise.core.table import counted
from equipoise.effects.blocks import Contrasts, LeftOut
from equipoise.effects.columns import (
    Column,
    Floats,
    labels,
    numbers,
    read_array,
    read_columns,
    refuse_far,
)
from equipoise.models.mixed import connected

#: One correlation, one for each pair of labels, or a data frame or mapping of rows of them.
Correlations: TypeAlias = "float | Mapping[Any, Any] | object"


@typed_late
def vcalc(
    vi: Column | float = None,
    *,
    cluster: Column,
    subgroup: Column = None,
    obs: Column = None,
    type: Column = None,
    time1: Column = None,
    time2: Column = None,
    grp1: Column = None,
    grp2: Column = None,
    w1: Column = None,
    w2: Column = None,
    rho: Correlations | Sequence[Correlations] | None = None,
    phi: float | None = None,
    rvars: Sequence[Column] | None = None,
    data: object = None,
    check: bool = True,
) -> Floats:
    """Build the covariance matrix of the sampling errors of dependent effects.

    Parameters
    ----------
    vi
        Sampling variances; one number for all, such as 1 where `rvars` are covariances.
    cluster, subgroup
        Effects of different clusters, and of different subgroups of people within one, are
        independent.
    obs
        Tells apart measures of the same thing (two depression scales).
    type
        Tells apart what is measured (depression, anxiety).
    time1, time2
        When the first and the second condition of an effect were measured.
    grp1, grp2
        The groups that an effect compares: effects that share one are correlated.
    w1, w2
        Sizes of these groups, or other inverse variances; equal ones when not given.
    rho
        The correlation of effects that differ in `obs` or in `type`: a number, or correlations
        by pair of labels: ``{("BDI", "HDRS"): 0.7}`` or a data frame. With both, two of them: of
        the same type, and of different types. Without either, of all effects of a cluster.
    phi
        The correlation of two measurements one unit of time apart.
    rvars
        Columns that hold the correlations of each cluster: the first n of a cluster of n rows, of
        which the part below the diagonal is read. Everything else but `cluster` and `vi` is
        ignored.
    data
        Data frame that names of columns refer to.
    check
        Whether to refuse a matrix that is not positive definite.

    Returns
    -------
    array, shape (k, k)
        Read-only, in the order of the rows; what ``multilevel(V=...)`` takes.

    Raises
    ------
    InputError
        A missing argument, a correlation outside -1 to 1, a cluster whose matrix is not positive
        definite (naming it).
    UnknownNameError
        A pair of labels without a correlation.

    Notes
    -----
    The correlation of two effects is the product of that of their measures, `rho`, and that of
    what they compare. With c and d running over the two conditions of the effects, signs of 1 for
    the first and -1 for the second, the latter is the sum of ``sign phi^|time apart| / sqrt(w w')``
    over conditions of the same group, divided by the standard deviations made in the same way.

    Source: Gleser, Olkin 2009, in: The handbook of research synthesis and meta-analysis, 2nd ed.,
    chapter 19. Checked against metafor 3.8-1 in ``validation/values/vcalc.json``.
    """
    given: dict[str, Column] = {
        "cluster": cluster,
        "subgroup": subgroup,
        "obs": obs,
        "type": type,
        "time1": time1,
        "time2": time2,
        "grp1": grp1,
        "grp2": grp2,
        "w1": w1,
        "w2": w2,
    }
    alone = isinstance(vi, (int, float)) and not isinstance(vi, bool)
    columns = read_columns(data, given if alone else {"vi": vi, **given})  # type: ignore[dict-item]
    if "cluster" not in columns:
        raise InputError("no clusters", where="argument cluster", hint="one value for each effect")
    k = len(columns["cluster"])
    names = labels(columns["cluster"], k)
    if vi is None:
        raise InputError("no variances", hint="vi=, or vi=1 where rvars are covariances")
    own = np.full(k, float(vi)) if alone else numbers("vi", columns["vi"], names)  # type: ignore[arg-type]
    for i in np.flatnonzero(~((own > 0.0) & (own < math.inf))).tolist():
        raise InputError(
            f"variance {own[i]:g}", where=f"cluster {names[i]}", hint="above zero and finite"
        )
    refuse_far(names, np.zeros(k), own)
    if rvars is not None:
        R = _from_columns(rvars, data, names)
    else:
        R = _correlations(columns, names, rho, phi)
        np.fill_diagonal(R, 1.0)
    sd = np.sqrt(own)
    V = R * np.outer(sd, sd)
    V = 0.5 * (V + V.T)
    np.fill_diagonal(V, np.diag(R) * own)
    if check:
        _check(V, names)
    V.setflags(write=False)
    return V


def _correlations(
    columns: Mapping[str, list[Any]], names: Sequence[str], rho: Any, phi: float | None
) -> Floats:
    k = len(names)
    together = _same(names)
    if "subgroup" in columns:
        together &= _same([str(v) for v in columns["subgroup"]])
    out = together * _measures(columns, k, rho)
    if "grp2" in columns and "grp1" not in columns:
        raise InputError("grp2 without grp1", hint="both groups that an effect compares")
    if "time2" in columns and "time1" not in columns:
        raise InputError("time2 without time1", hint="both times that an effect compares")
    if ("w1" in columns) != ("w2" in columns) or ("w1" in columns and "grp1" not in columns):
        raise InputError("sizes without groups", hint="grp1, grp2, w1 and w2 together")
    if "time1" in columns and phi is None:
        raise InputError("times without phi", hint="phi=, the correlation one unit of time apart")
    if phi is not None and not -1.0 <= phi <= 1.0:
        raise InputError(f"phi {phi:g}", hint="a correlation between -1 and 1")
    if "grp1" in columns or "time1" in columns:
        out = out * _conditions(columns, names, 1.0 if phi is None else float(phi))
    return np.asarray(out)


def _same(values: Sequence[object]) -> Any:
    code: dict[object, int] = {}
    at = np.array([code.setdefault(v, len(code)) for v in values])
    return at[:, None] == at[None, :]


def _measures(columns: Mapping[str, list[Any]], k: int, rho: Any) -> Floats:
    """Correlations of what was measured."""
    by = [name for name in ("type", "obs") if name in columns]
    if rho is None:
        if by:
            raise InputError(f"{by[0]} without rho", hint="rho=, the correlation of the measures")
        return np.ones((k, k))
    pair = isinstance(rho, (list, tuple)) and len(rho) == 2
    if len(by) == 2:
        if not pair:
            raise InputError("type and obs with one rho", hint="rho=(within a type, between types)")
        types, measures = ([str(v) for v in columns[name]] for name in by)
        within = _pairwise(rho[0], measures)
        between = _pairwise(rho[1], types)
        return np.where(_same(types), within, between)
    if pair:
        raise InputError("two values of rho", hint="both type and obs, or one value")
    if by:
        return _pairwise(rho, [str(v) for v in columns[by[0]]])
    return _pairwise(rho, [str(i) for i in range(k)])


def _pairwise(rho: Any, values: list[str]) -> Floats:
    """One correlation for all pairs that differ, or that of each pair of labels; 1 where equal."""
    same = _same(values)
    if isinstance(rho, (int, float, np.floating)):
        r = float(rho)
        if not -1.0 <= r <= 1.0:
            raise InputError(f"rho {r:g}", hint="a correlation between -1 and 1")
        return np.where(same, 1.0, r)
    table = _table(rho)
    out = np.ones((len(values), len(values)))
    for i, a in enumerate(values):
        for j, b in enumerate(values):
            if same[i, j]:
                continue
            if (a, b) not in table:
                known = [f"{x}, {y}" for x, y in table]
                raise UnknownNameError("pair of labels", f"{a}, {b}", known, where="rho")
            out[i, j] = table[a, b]
    return out


def _table(rho: Any) -> dict[tuple[str, str], float]:
    table: dict[tuple[str, str], float] = {}
    if isinstance(rho, Mapping):
        for key, value in rho.items():
            if isinstance(key, tuple) and len(key) == 2:
                table[str(key[0]), str(key[1])] = table[str(key[1]), str(key[0])] = float(value)
            elif isinstance(value, Mapping):
                table |= {(str(key), str(other)): float(r) for other, r in value.items()}
    elif hasattr(rho, "columns") and hasattr(rho, "index"):
        rows = np.asarray(rho, dtype=np.float64)
        for a, row in zip(rho.index, rows, strict=True):
            table |= {
                (str(a), str(b)): float(r) for b, r in zip(rho.columns, row.tolist(), strict=True)
            }
    if not table:
        raise InputError(
            f"rho cannot be a {type(rho).__name__}",
            hint="a number, {('a', 'b'): 0.5}, or a data frame with labels on both sides",
        )
    for (a, b), r in table.items():
        if not -1.0 <= r <= 1.0:
            raise InputError(f"rho {r:g}", where=f"{a}, {b}", hint="between -1 and 1")
    return table


def _conditions(columns: Mapping[str, list[Any]], names: Sequence[str], phi: float) -> Floats:
    """Correlations of what was compared: shared groups, and times."""
    k = len(names)
    first = [str(v) for v in columns.get("grp1", ["the group"] * k)]
    second = [str(v) for v in columns["grp2"]] if "grp2" in columns else None
    groups = [first] if second is None else [first, second]
    count = len(groups)
    times: list[Floats] = []
    for name in ("time1", "time2")[:count]:
        values = columns.get(name, columns.get("time1"))
        times.append(np.zeros(k) if values is None else numbers(name, values, names))
    weights = [
        numbers(name, columns[name], names) if name in columns else np.ones(k)
        for name in ("w1", "w2")[:count]
    ]
    for name, w in zip(("w1", "w2"), weights, strict=False):
        for i in np.flatnonzero(w <= 0.0).tolist():
            raise InputError(f"{name} {w[i]:g}", where=f"cluster {names[i]}", hint="above zero")
    cov = np.zeros((k, k))
    for a in range(count):
        for b in range(count):
            same = np.array(groups[a])[:, None] == np.array(groups[b])[None, :]
            apart = np.abs(times[a][:, None] - times[b][None, :])
            size = _power(phi, apart) / np.sqrt(np.outer(weights[a], weights[b]))
            cov += (1.0 if a == b else -1.0) * np.where(same, size, 0.0)
    own = np.diag(cov)
    for i in np.flatnonzero(own <= 0.0).tolist():
        raise InputError(
            "an effect that compares a group with itself at the same time",
            where=f"cluster {names[i]}",
            hint="grp1 and grp2, or time1 and time2, that differ",
        )
    return np.asarray(cov / np.sqrt(np.outer(own, own)))


def _power(phi: float, apart: Floats) -> Floats:
    if phi < 0.0 and (apart != np.floor(apart)).any():
        raise InputError("a negative phi with times that are no whole numbers", hint="phi >= 0")
    return np.asarray(np.power(phi, apart))


def _from_columns(rvars: Sequence[Column], data: object, names: Sequence[str]) -> Floats:
    k = len(names)
    columns = read_columns(data, {f"rvars[{i}]": column for i, column in enumerate(rvars)})
    values = [numbers(n, column, names, blank=True) for n, column in columns.items()]
    R = np.zeros((k, k))
    for name in dict.fromkeys(names):
        rows = [i for i, other in enumerate(names) if other == name]
        if len(rows) > len(values):
            raise InputError(
                f"{counted(len(values), 'column')} of correlations for {counted(len(rows), 'row')}",
                where=f"cluster {name}",
                hint="as many rvars as the largest cluster has rows",
            )
        for a, i in enumerate(rows):
            for b, j in enumerate(rows[: a + 1]):
                r = float(values[b][i])
                if math.isnan(r):
                    raise InputError(
                        "a missing correlation",
                        where=f"cluster {name}, rvars[{b}]",
                        hint="a correlation for each pair of rows of the cluster",
                    )
                R[i, j] = R[j, i] = r
    return R


def _check(V: Floats, names: Sequence[str]) -> None:
    for block in connected(len(V), V, []):
        part = V[np.ix_(block, block)]
        sd = np.sqrt(np.diag(part))
        least = float(np.linalg.eigvalsh(part / np.outer(sd, sd))[0])
        if least <= 1e-12:
            raise InputError(
                f"these correlations cannot be those of any data (smallest eigenvalue {least:.2g})",
                where=f"cluster {names[int(block[0])]}",
                hint="obs to tell rows apart that measure the same, smaller or more alike "
                "correlations; check=False returns the matrix all the same",
            )


@dataclass(frozen=True, slots=True)
class _Given:
    names: tuple[str, ...]
    y: Floats
    vi: Floats
    measure: str


@typed_late
def aggregate(
    es: Contrasts | None = None,
    *,
    cluster: Column = None,
    yi: Column = None,
    vi: Column = None,
    V: object = None,
    rho: float | None = None,
    phi: float | None = None,
    time: Column = None,
    weighted: bool = True,
    data: object = None,
) -> Contrasts:
    """Combine the effects of each cluster into one.

    Parameters
    ----------
    es, yi, vi
        Effects with variances.
    cluster
        What to combine by; the study when not given.
    V
        Their covariance matrix, as :func:`vcalc` gives it.
    rho
        The correlation of all effects of a cluster, in place of `V`.
    phi, time
        The correlation of effects one unit of time apart, and when each was measured.
    weighted
        Whether to weigh by the inverse of the covariance; a plain mean otherwise.
    data
        Data frame that names of columns refer to.

    Returns
    -------
    Contrasts
        One row a cluster, in the order of their first rows.

    Raises
    ------
    InputError
        None, or more than one, of `V`, `rho` and `phi` where a cluster has several effects; a
        covariance that is not positive definite.

    Notes
    -----
    The generalised least squares mean of each cluster. Without `V`, `rho` or `phi` the effects of
    a cluster would count as independent, so ``rho=0`` has to be said.

    Checked against metafor 3.8-1 and 5.1.12 in ``validation/values/vcalc.json`` and
    ``validation/values/multilevel_assink2016.json``.
    """
    given = _given(es, cluster, yi, vi, data)
    k = len(given.y)
    full = _aggregation_covariance(es, given, V, rho, phi, time, data)
    refuse_far(given.names, given.y, np.diag(full))
    usable = np.isfinite(given.y) & np.isfinite(np.diag(full))
    groups: dict[str, list[int]] = {}
    for i in range(k):
        groups.setdefault(given.names[i], [])
        if usable[i]:
            groups[given.names[i]].append(i)
    out: list[tuple[str, float, float]] = []
    dropped: list[LeftOut] = []
    for name, rows in groups.items():
        if not rows:
            dropped.append(LeftOut(name, "no effect with a variance"))
            continue
        part = full[np.ix_(rows, rows)]
        _check(part, [name] * len(rows))
        if weighted:
            w = np.linalg.solve(part, np.ones(len(rows)))
            out.append((name, float(w @ given.y[rows] / w.sum()), float(1.0 / w.sum())))
        else:
            out.append((name, float(given.y[rows].mean()), float(part.mean())))
    if not out:
        raise NotEstimableError("no effect with a variance")
    many = sum(len(rows) > 1 for rows in groups.values())
    used = int(usable.sum())
    was = "was" if used == 1 else "were"
    text = f"{counted(used, 'effect')} {was} combined into {len(out)}, one a cluster."
    notes = [Note("aggregated", text)] if many else []
    lost = [given.names[i] for i in np.flatnonzero(~usable).tolist()]
    if lost:
        listed = ", ".join(dict.fromkeys(lost))
        notes.append(Note("left-out", f"Effects without estimate or variance: {listed}."))
    return Contrasts(
        measure=given.measure,
        study=tuple(name for name, _, _ in out),
        yi=np.array([y for _, y, _ in out]),
        vi=np.array([v for _, _, v in out]),
        left_out=tuple(dropped) + (es.left_out if es is not None else ()),
        notes=(*(es.notes if es is not None else ()), *notes),
    )


def _given(es: Contrasts | None, cluster: Column, yi: Column, vi: Column, data: object) -> _Given:
    if es is not None:
        if yi is not None or vi is not None:
            raise InputError("es and yi", hint="one of them")
        if cluster is None:
            return _Given(es.study, es.yi, es.vi, es.measure)
        names = labels(read_columns(data, {"cluster": cluster})["cluster"], len(es))
        if len(names) != len(es):
            raise InputError(
                f"{counted(len(names), 'cluster')} for {counted(len(es), 'effect')}",
                hint="one for each",
            )
        return _Given(names, es.yi, es.vi, es.measure)
    if yi is None or cluster is None:
        raise InputError("no effects or no clusters", hint="es, or yi with vi and cluster")
    columns = read_columns(data, {"cluster": cluster, "yi": yi, "vi": vi})
    names = labels(columns["cluster"], len(columns["yi"]))
    y = numbers("yi", columns["yi"], names, blank=True)
    v = numbers("vi", columns["vi"], names, blank=True) if vi is not None else np.full(len(y), 1.0)
    return _Given(names, y, v, "GEN")


def _aggregation_covariance(
    es: Contrasts | None,
    given: _Given,
    V: object,
    rho: float | None,
    phi: float | None,
    time: Column,
    data: object,
) -> Floats:
    k = len(given.y)
    said = [n for n, v in (("V", V), ("rho", rho), ("phi", phi)) if v is not None]
    several = len(set(given.names)) < k
    if len(said) > 1:
        raise InputError(f"{' and '.join(said)}", hint="one of V, rho and phi")
    if V is not None:
        full = read_array("V", V)
        if full.shape != (k, k):
            raise InputError(
                f"V of shape {full.shape} for {counted(k, 'effect')}", hint=f"({k}, {k})"
            )
        return full
    for i in np.flatnonzero(given.vi <= 0.0).tolist():
        where = f"cluster {given.names[i]}"
        raise InputError(f"variance {given.vi[i]:g}", where=where, hint="above zero")
    if es is not None and es.cov.size and not said:
        return es.V()
    if several and not said:
        raise InputError(
            "several effects of a cluster and nothing about their correlation",
            hint="rho=0.6, V=vcalc(...), or rho=0 if they are of different people",
        )
    sd = np.sqrt(given.vi)
    if phi is not None:
        if time is None:
            raise InputError("phi without time", hint="time=, when each effect was measured")
        when = numbers("time", read_columns(data, {"time": time})["time"], given.names)
        R = _power(float(phi), np.abs(when[:, None] - when[None, :]))
    else:
        r = 0.0 if rho is None else float(rho)
        if not -1.0 <= r <= 1.0:
            raise InputError(f"rho {r:g}", hint="a correlation between -1 and 1")
        R = np.where(np.eye(k, dtype=bool), 1.0, r)
    return np.asarray(np.where(_same(given.names), R * np.outer(sd, sd), 0.0))
