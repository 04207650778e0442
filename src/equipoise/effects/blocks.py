"""`Contrasts`: differences between two treatments each, one of the two things that models take."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence, Sized
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from equipoise.core.errors import InputError
from equipoise.core.provenance import Cell
from equipoise.core.result import Note, Result, html_lines
from equipoise.core.table import count, counted, significant
from equipoise.effects.columns import Floats, Ints, make_frame, read_only
from equipoise.effects.measures import measure_of


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A study that gives no contrast, and why."""

    study: str
    why: str


_NO_NUMBERS = read_only(np.empty(0))
_NO_PLACES = read_only(np.empty(0), np.intp)


@lru_cache(maxsize=64)
def _unknown(k: int) -> Floats:
    """Numbers of people that nobody gave."""
    return read_only(np.full(k, np.nan))


def _none() -> Floats:
    return _NO_NUMBERS


def _nowhere() -> Ints:
    return _NO_PLACES


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Contrasts(Result):
    """Effects of one treatment against another, on the scale of analysis.

    Attributes
    ----------
    measure
        Code of :mod:`equipoise.effects.measures`.
    study
        A label per contrast; contrasts of one study carry the same label.
    yi, vi
        Estimates, `treat1` minus `treat2`, and their variances; logarithms for ratios.
        Not a number where a trial gives none.
    treat1, treat2
        What was compared; blank where nobody said. ``+`` joins components.
    n1, n2
        People in the two groups; not a number where unknown.
    raw
        What the estimates were computed from, by the name of its column (``events1``, ``mean2``),
        one value a contrast; empty where only estimates were given.
    cov_i, cov_j, cov
        Covariances of contrasts of one study that share a group: rows ``cov_i < cov_j``.
    marks
        For each contrast, what code can ask about it: ``corrected``, ``double-zero``,
        ``double-full``, ``zero-cell``, ``same-data``…; empty when nothing was marked.
    cells
        For each contrast, the cells of a folder that it came from; empty when it came from none.
    left_out
        Studies that give no contrast, and why.
    notes
        What a reader needs to know.

    Raises
    ------
    InputError
        On lengths that differ, and on covariances across studies or of the wrong order.
    """

    measure: str
    study: tuple[str, ...]
    yi: Floats
    vi: Floats
    treat1: tuple[str, ...] = ()
    treat2: tuple[str, ...] = ()
    n1: Floats = field(default_factory=_none)
    n2: Floats = field(default_factory=_none)
    raw: dict[str, Floats] = field(default_factory=dict)
    cov_i: Ints = field(default_factory=_nowhere)
    cov_j: Ints = field(default_factory=_nowhere)
    cov: Floats = field(default_factory=_none)
    cells: tuple[tuple[Cell, ...], ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[Note, ...] = ()
    marks: tuple[tuple[str, ...], ...] = ()

    def __post_init__(self) -> None:
        measure_of(self.measure)
        k = len(self.study)
        put = object.__setattr__
        put(self, "study", tuple(self.study))
        for name in ("yi", "vi", "cov"):
            put(self, name, read_only(getattr(self, name)))
        for name in ("cov_i", "cov_j"):
            put(self, name, read_only(getattr(self, name), np.intp))
        for name in ("treat1", "treat2"):
            put(self, name, tuple(getattr(self, name)) or ("",) * k)
        for name in ("n1", "n2"):
            people = read_only(getattr(self, name))
            put(self, name, people if people.size or not k else _unknown(k))
        for name in ("cells", "left_out", "notes", "marks"):
            put(self, name, tuple(getattr(self, name)))
        put(self, "raw", {name: read_only(values) for name, values in self.raw.items()})
        lengths: list[tuple[str, Sized]] = [
            ("yi", self.yi),
            ("vi", self.vi),
            ("treat1", self.treat1),
        ]
        lengths += [("treat2", self.treat2), ("n1", self.n1), ("n2", self.n2), *self.raw.items()]
        lengths += [(name, rows) for name in ("cells", "marks") if (rows := getattr(self, name))]
        for name, values in lengths:
            if len(values) != k:
                raise InputError(
                    f"{counted(k, 'study')} but {len(values)} of {name}",
                    hint="one value for each contrast",
                )
        if self.cov.size or self.cov_i.size or self.cov_j.size:
            self._check_covariances(k)

    def _check_covariances(self, k: int) -> None:
        if not self.cov_i.size == self.cov_j.size == self.cov.size:
            raise InputError("cov_i, cov_j and cov of different lengths", hint="one of each a pair")
        seen: set[tuple[int, int]] = set()
        for i, j in zip(self.cov_i.tolist(), self.cov_j.tolist(), strict=True):
            if not 0 <= i < j < k or (i, j) in seen:
                raise InputError(
                    f"a covariance of rows {i} and {j} of {k}", hint="each pair once, cov_i < cov_j"
                )
            if self.study[i] != self.study[j]:
                raise InputError(
                    f"a covariance between studies {self.study[i]} and {self.study[j]}",
                    hint="covariances only within a study",
                )
            seen.add((i, j))

    def __reduce__(self) -> tuple[Any, ...]:
        # Through the constructor, because NumPy forgets in pickling that an array is read-only.
        return _rebuild, ({f.name: getattr(self, f.name) for f in dataclasses.fields(self)},)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Contrasts) and self.to_dict() == other.to_dict()

    def __len__(self) -> int:
        return len(self.study)

    @property
    def sei(self) -> Floats:
        """Standard errors."""
        return read_only(np.sqrt(self.vi))

    def marked(self, mark: str) -> NDArray[np.bool_]:
        """Return, for each contrast, whether it carries that mark."""
        if not self.marks:
            return np.zeros(len(self), dtype=bool)
        return np.array([mark in row for row in self.marks], dtype=bool)

    def V(self) -> Floats:  # noqa: N802  # V is the field's name for it
        """Return the k × k covariance matrix of the estimates."""
        full = np.diag(self.vi)
        full[self.cov_i, self.cov_j] = self.cov
        full[self.cov_j, self.cov_i] = self.cov
        return full

    def take(self, indices: Sequence[int]) -> Self:
        """Return the contrasts at these places, in this order, with their covariances.

        Raises
        ------
        InputError
            On a place that does not exist or is named twice.
        """
        order = [int(i) for i in indices]
        k = len(self)
        if len(set(order)) != len(order) or not all(0 <= i < k for i in order):
            raise InputError(
                f"cannot take rows {order} of {k}", hint=f"each at most once, 0 to {k - 1}"
            )
        place = {old: new for new, old in enumerate(order)}
        pairs = [
            (*sorted((place[i], place[j])), c)
            for i, j, c in zip(
                self.cov_i.tolist(), self.cov_j.tolist(), self.cov.tolist(), strict=True
            )
            if i in place and j in place
        ]
        return dataclasses.replace(
            self,
            study=tuple(self.study[i] for i in order),
            yi=self.yi[order],
            vi=self.vi[order],
            treat1=tuple(self.treat1[i] for i in order),
            treat2=tuple(self.treat2[i] for i in order),
            n1=self.n1[order],
            n2=self.n2[order],
            raw={name: values[order] for name, values in self.raw.items()},
            cov_i=np.array([p[0] for p in pairs], dtype=np.intp),
            cov_j=np.array([p[1] for p in pairs], dtype=np.intp),
            cov=np.array([p[2] for p in pairs]),
            cells=tuple(self.cells[i] for i in order) if self.cells else (),
            marks=tuple(self.marks[i] for i in order) if self.marks else (),
        )

    @classmethod
    def stack(cls, blocks: Sequence[Self]) -> Self:
        """Return the contrasts of all blocks one after another.

        Raises
        ------
        InputError
            When there is no block, or the blocks have different measures.
        """
        if not blocks:
            raise InputError("no contrasts to stack", hint="at least one block")
        measures = list(dict.fromkeys(b.measure for b in blocks))
        if len(measures) > 1:
            raise InputError(
                f"cannot stack contrasts of {' and '.join(measures)}", hint="one measure"
            )
        if len(blocks) == 1:
            return blocks[0]
        starts = np.cumsum([0, *(len(b) for b in blocks)])
        cells: tuple[tuple[Cell, ...], ...] = ()
        if any(b.cells for b in blocks):
            cells = tuple(c for b in blocks for c in b.cells or ((),) * len(b))
        marks: tuple[tuple[str, ...], ...] = ()
        if any(b.marks for b in blocks):
            marks = tuple(m for b in blocks for m in b.marks or ((),) * len(b))
        return cls(
            measure=measures[0],
            study=tuple(s for b in blocks for s in b.study),
            yi=np.concatenate([b.yi for b in blocks]),
            vi=np.concatenate([b.vi for b in blocks]),
            treat1=tuple(t for b in blocks for t in b.treat1),
            treat2=tuple(t for b in blocks for t in b.treat2),
            n1=np.concatenate([b.n1 for b in blocks]),
            n2=np.concatenate([b.n2 for b in blocks]),
            raw=_stacked([b.raw for b in blocks]),
            cov_i=np.concatenate([b.cov_i + s for b, s in zip(blocks, starts, strict=False)]),
            cov_j=np.concatenate([b.cov_j + s for b, s in zip(blocks, starts, strict=False)]),
            cov=np.concatenate([b.cov for b in blocks]),
            cells=cells,
            left_out=tuple(row for b in blocks for row in b.left_out),
            notes=tuple(dict.fromkeys(note for b in blocks for note in b.notes)),
            marks=marks,
        )

    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row a contrast; covariances are in :meth:`V`.

        Parameters
        ----------
        backend
            ``pandas``, ``polars`` or ``pyarrow``; None takes the first that is installed.
        """
        return make_frame(
            {
                "study": self.study,
                "treat1": self.treat1,
                "treat2": self.treat2,
                "yi": self.yi,
                "vi": self.vi,
                "sei": self.sei,
                "n1": self.n1,
                "n2": self.n2,
            },
            backend,
        )

    def __repr__(self) -> str:
        studies = len(set(self.study))
        shared = f", {counted(self.cov.size, 'covariance')}" if self.cov.size else ""
        return f"Contrasts({self.measure}: {len(self)} from {counted(studies, 'study')}{shared})"

    def summary(self) -> str:
        """What is there, one line a contrast; digits are cut for reading."""
        m = measure_of(self.measure)
        scale = f"log {m.name}" if m.scale == "log" else m.name
        if m.scale_text and m.scale != "log":
            scale += f" ({m.scale_text})"
        studies = len(set(self.study))
        known = np.nansum(self.n1) + np.nansum(self.n2)
        lines = [f"{counted(len(self), 'contrast')} from {counted(studies, 'study')}, {scale}"]
        if known and not self.cov.size:
            lines[0] += f", {count(float(known))} people"
        lines.append("")
        width = max((len(s) for s in self.study), default=0)
        for study, one, two, y, se in zip(
            self.study, self.treat1, self.treat2, self.yi, self.sei, strict=True
        ):
            what = f"  {one or '?'} against {two or '?'}" if one or two else ""
            numbers = f"{significant(float(y), 4):>9}  SE {significant(float(se), 4):<8}"
            lines.append(f"{study:<{width}}  {numbers}{what}".rstrip())
        lines += [f"Left out: {row.study} ({row.why})" for row in self.left_out]
        lines += [f"Note: {note}" for note in self.notes]
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return html_lines(self.summary())


def _stacked(raw: Sequence[dict[str, Floats]]) -> dict[str, Floats]:
    """The columns that every block has; a column that one lacks would have holes."""
    shared = [name for name in raw[0] if all(name in columns for columns in raw)]
    return {name: np.concatenate([columns[name] for columns in raw]) for name in shared}


def _rebuild(values: dict[str, Any]) -> Contrasts:
    return Contrasts(**values)
