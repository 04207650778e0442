"""The rows that a multilevel model uses: effects, covariances, design and levels, all checked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

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
from equipoise.models.design import Design, Moderators, design, full_rank
from equipoise.models.mixed import check_covariance
from equipoise.models.random_terms import RandomTerm, read_formulas, terms_of, variables_of


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows that are used."""

    study: tuple[str, ...]
    y: Floats
    V: Floats
    design: Design
    terms: list[RandomTerm]
    left_out: tuple[LeftOut, ...]
    notes: tuple[Note, ...]
    measure: str

    @property
    def vi(self) -> Floats:
        """Sampling variances."""
        return self.V if self.V.ndim == 1 else np.diag(self.V).copy()


def read_rows(
    es: Contrasts | None,
    given: Mapping[str, Column],
    V: object,
    random: object,
    struct: object,
    rho: object,
    mods: Moderators,
    data: object,
) -> Rows:
    """Read what :func:`equipoise.models.multilevel.multilevel` was given, and check it.

    Rows that lack something the model needs are left out and named; what no answer can be right
    with is an error that names the row.
    """
    formulas = read_formulas(random, struct, rho)
    y, vi, names, source = _effects(es, given, V, data)
    k = len(y)
    own_labels = names if given["study"] is not None else None
    if es is None and data is None and own_labels is not None:
        source = {"study": names}
    columns = _columns(variables_of(formulas), es, source, k, own_labels)
    full = _covariance(es, V, vi, k, names)
    made = design(mods, _with_contrasts(es, source), k, names)
    why = [""] * k
    for i in range(k):
        own = vi[i] if full is None else full[i, i]
        if own <= 0.0:
            raise InputError(
                f"variance {own:g}", where=f"study {names[i]}", hint="a variance above zero"
            )
        absent = [name for name, column in columns.items() if _missing(column[i])]
        checks = (
            (not math.isfinite(y[i]), "no estimate"),
            (not math.isfinite(own), "no variance"),
            (not np.isfinite(made.X[i]).all(), "no value of a moderator"),
            (bool(absent), f"no value of {', '.join(absent)}"),
        )
        why[i] = next((text for bad, text in checks if bad), "")
    refuse_far(names, y, vi if full is None else np.diag(full))
    keep = [i for i in range(k) if not why[i]]
    dropped = tuple(LeftOut(names[i], why[i]) for i in range(k) if why[i])
    if not keep:
        raise NotEstimableError(
            "no effect with a variance and all that the model needs",
            hint="values where there are gaps; " + "; ".join(sorted(set(why))[:3]),
        )
    notes = list(es.notes) if es is not None else []
    if dropped:
        listed = ", ".join(f"{row.study} ({row.why})" for row in dropped)
        notes.append(Note("left-out", f"Left out: {listed}."))
    kept, about = full_rank(made, keep)
    kept_names = tuple(names[i] for i in keep)
    used: Floats
    if full is None:
        used = vi[keep]
    else:
        used = full[np.ix_(keep, keep)]
        _finite(used, kept_names)
        check_covariance(used, kept_names)
        if not np.triu(used, 1).any():
            used = np.diag(used).copy()
    if len(keep) < kept.X.shape[1] + bool(formulas):
        raise NotEstimableError(
            f"{counted(len(keep), 'effect')} for {counted(kept.X.shape[1], 'coefficient')}"
            f"{' and their random effects' if formulas else ''}",
            hint="fewer moderators" if kept.X.shape[1] > 1 else "at least two effects",
        )
    terms = terms_of(formulas, {n: [c[i] for i in keep] for n, c in columns.items()})
    return Rows(
        kept_names,
        y[keep],
        used,
        kept,
        terms,
        ((*es.left_out, *dropped) if es is not None else dropped),
        (*notes, *about),
        es.measure if es is not None else "GEN",
    )


def _effects(
    es: Contrasts | None, given: Mapping[str, Column], V: object, data: object
) -> tuple[Floats, Floats, tuple[str, ...], object]:
    """Effects, variances (none where only `V` has them), labels, and what names are columns of."""
    named = [name for name in ("yi", "vi", "sei") if given[name] is not None]
    if es is not None:
        if named:
            raise InputError(f"es and {named[0]}", hint="one of them")
        return es.yi, es.vi, es.study, data
    if given["yi"] is None:
        raise InputError("no effects", hint="es, or yi with vi, sei or V")
    sources = [name for name in ("vi", "sei") if given[name] is not None]
    given_as = [*sources, *(["V"] if V is not None else [])]
    if len(given_as) != 1:
        raise InputError(
            f"yi with {' and '.join(given_as) or 'no variance'}",
            hint="one of vi, sei and V",
        )
    columns = read_columns(data, given)
    count = len(columns["yi"])
    names = labels(columns.get("study"), count) if "study" in columns else _row_names(data, count)
    y = numbers("yi", columns["yi"], names, blank=True)
    if not sources:
        return y, np.full(count, np.nan), names, data
    own = numbers(sources[0], columns[sources[0]], names, blank=True)
    if sources[0] == "sei":
        for i in np.flatnonzero(own <= 0.0).tolist():
            raise InputError(
                f"standard error {own[i]:g}", where=f"study {names[i]}", hint="above zero"
            )
        own = own * own
    return y, own, names, data


def _row_names(data: object, count: int) -> tuple[str, ...]:
    if data is not None:
        try:
            found = read_columns(data, {"study": "study"})["study"]
        except UnknownNameError:
            found = []
        if len(found) == count and not any(_missing(v) for v in found):
            return labels(found, count)
    return tuple(f"row {i + 1}" for i in range(count))


def _with_contrasts(es: Contrasts | None, data: object) -> object:
    """The data, with the labels of the contrasts where there is no frame."""
    if es is not None and data is None:
        return {"study": es.study, "treat1": es.treat1, "treat2": es.treat2}
    return data


def _columns(
    names: Sequence[str],
    es: Contrasts | None,
    data: object,
    count: int,
    study: Sequence[str] | None = None,
) -> dict[str, list[Any]]:
    """The variables of the formulas; `study` and the treatments also from the effects."""
    out: dict[str, list[Any]] = {}
    for name in names:
        try:
            out |= read_columns(data, {name: name})
        except InputError:
            if es is not None and name in ("study", "treat1", "treat2"):
                out[name] = list(getattr(es, name))
            elif study is not None and name == "study":
                out[name] = list(study)
            else:
                raise
        if len(out[name]) != count:
            raise InputError(
                f"{counted(len(out[name]), 'value')} of {name} for {counted(count, 'effect')}",
                hint="one for each",
            )
    return out


def _covariance(
    es: Contrasts | None, V: object, vi: Floats, k: int, names: Sequence[str]
) -> Floats | None:
    if V is None:
        return es.V() if es is not None and es.cov.size else None
    if isinstance(V, (list, tuple)) and V and np.ndim(V[0]) == 2:
        full = np.zeros((k, k))
        at = 0
        for block in V:
            part = read_array("a block of V", block)
            end = at + len(part)
            if part.ndim != 2 or part.shape[0] != part.shape[1] or end > k:
                raise InputError(
                    "blocks of V that do not fit the rows", hint=f"{counted(k, 'row')} in all"
                )
            full[at:end, at:end] = part
            at = end
        if at != k:
            raise InputError(
                f"blocks of V for {counted(at, 'row')} of {k}", hint="one block after another"
            )
        return full
    full = read_array("V", V, "vcalc(), or k × k")
    if full.ndim == 1 and len(full) == k:
        return np.diag(full)
    if full.shape != (k, k):
        raise InputError(
            f"V of shape {full.shape} for {counted(k, 'effect')}",
            hint=f"({k}, {k}), or a list of blocks",
        )
    return full


def _finite(V: Floats, names: Sequence[str]) -> None:
    bad = np.argwhere(~np.isfinite(V))
    for i, j in bad[:1].tolist():
        raise InputError(
            f"a covariance that is {V[i, j]:g}",
            where=f"V, {names[i]} and {names[j]}",
            hint="0 where effects are independent",
        )


def _missing(value: object) -> bool:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return True
    return type(value).__name__ in {"NAType", "NaTType"}
