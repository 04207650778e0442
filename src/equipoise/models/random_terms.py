"""Random effects as a user writes them: ``~ 1 | district/school`` and ``~ outcome | trial``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from equipoise.core.errors import InputError, UnknownNameError
from equipoise.core.result import Result
from equipoise.core.table import counted
from equipoise.effects.columns import Floats, Ints
from equipoise.models.mixed import Term
from equipoise.models.structures import (
    STRUCTURES,
    Scaled,
    Structure,
    correlations_of,
    structure_of,
    variances_of,
)

_HINT = "'~ 1 | study/estimate' or '~ outcome | trial'"


@dataclass(frozen=True, slots=True)
class Formula:
    """One term as written: the grouping variables from the outermost, and the inner variable."""

    groups: tuple[str, ...]
    inner: str
    struct: str
    rho: float | None = None

    @property
    def name(self) -> str:
        """What the term is called in a result."""
        outer = "/".join(self.groups)
        return f"{self.inner} | {outer}" if self.inner else outer


@dataclass(frozen=True, slots=True, eq=False)
class RandomTerm(Result):
    """A set of random effects, as fitted.

    Attributes
    ----------
    name
        ``district``, ``district/school`` or ``outcome | trial``.
    struct
        Code of the structure; "" for a single variance.
    groups, levels
        Labels of the outer levels, and of the inner ones (empty for a single variance).
    outer, inner
        The levels of each row.
    G
        Covariance of the random effects of one outer level.
    parameters
        Number of parameters that were estimated: 0 where the data cannot tell.
    rho
        The correlation, where it was given and not estimated.
    """

    name: str
    struct: str
    groups: tuple[str, ...]
    levels: tuple[str, ...]
    outer: Ints
    inner: Ints
    G: Floats
    parameters: int
    rho: float | None = None

    @property
    def variances(self) -> Floats:
        """The variances as the structure counts them."""
        return variances_of(self.struct, self.G)

    @property
    def correlations(self) -> Floats:
        """The correlations as the structure counts them."""
        return correlations_of(self.struct, self.G, self.times)

    @property
    def times(self) -> Floats | None:
        """The inner levels as numbers, if they are."""
        return _as_numbers(self.levels)

    def structure(self) -> Structure:
        """The structure that the covariance is of."""
        return structure_of(self.struct or "ID", len(self.G), self.times, self.rho)

    def as_term(self) -> Term:
        """The term as the likelihood takes it."""
        return Term(self.outer, self.inner, self.structure())


def read_formulas(random: object, struct: object, rho: object = None) -> list[Formula]:
    """Read the terms, from left to right and from the outermost to the innermost.

    Parameters
    ----------
    random
        One text or a list of them; None for no random effects.
    struct
        One code for all terms with an inner variable, or a list with one for each of them.
    rho
        The correlation of these terms where it is known: one number, or a list with a number or
        None for each of them.

    Raises
    ------
    InputError
        A text that is no term; another number of structures than terms that need one.
    UnknownNameError
        An unknown structure.
    """
    if random is not None and not isinstance(random, (str, list, tuple)):
        raise InputError(f"random cannot be a {type(random).__name__}", hint=_HINT)
    texts = [] if random is None else [random] if isinstance(random, str) else list(random)
    read = [_read(text) for text in texts]
    needing = [i for i, (inner, _) in enumerate(read) if inner]
    codes = [struct] * len(needing) if isinstance(struct, str) else list(struct)  # type: ignore[call-overload]
    if len(codes) != len(needing):
        raise InputError(
            f"{len(codes)} structures for {counted(len(needing), 'term')} with an inner variable",
            hint="one for all, or a list with one for each",
        )
    held = [_known(v) for v in rho] if isinstance(rho, (list, tuple)) else None
    if held is None:
        held = [_known(rho)] * len(needing)
    if len(held) != len(needing) or (rho is not None and not needing):
        raise InputError(
            f"rho for {counted(len(needing), 'term')} with an inner variable",
            hint="one number, or a list with a number or None for each of them",
        )
    for code in codes:
        if code not in STRUCTURES:
            raise UnknownNameError("structure", code, STRUCTURES)
    out = []
    for i, (inner, groups) in enumerate(read):
        if inner:
            at = needing.index(i)
            out.append(Formula(groups, inner, str(codes[at]), held[at]))
        else:
            out += [Formula(groups[: n + 1], "", "") for n in range(len(groups))]
    names = [f.name for f in out]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"the random effect {name!r} twice", hint="each term once")
    return out


def _known(rho: object) -> float | None:
    if rho is None or (isinstance(rho, (int, float)) and not isinstance(rho, bool)):
        return None if rho is None else float(rho)
    raise InputError(f"rho cannot be {rho!r}", hint="a correlation such as 0.5, or None")


def _read(text: object) -> tuple[str, tuple[str, ...]]:
    if not isinstance(text, str):
        raise InputError(f"a random effect cannot be a {type(text).__name__}", hint=_HINT)
    parts = text.strip().removeprefix("~").split("|")
    if len(parts) != 2 or not all(part.strip() for part in parts):
        raise InputError(f"the random effect {text!r} cannot be read", hint=_HINT)
    inner = parts[0].strip()
    groups = tuple(name.strip() for name in parts[1].split("/"))
    if "" in groups:
        raise InputError(f"the random effect {text!r} cannot be read", hint=_HINT)
    if inner == "1":
        return "", groups
    if len(groups) > 1:
        raise InputError(
            f"the random effect {text!r} has an inner variable and nested groups",
            hint="one outer variable, and further terms for the rest",
        )
    if not inner.isidentifier():
        raise InputError(
            f"the random effect {text!r}: {inner!r} is no variable",
            hint="1, or one variable whose levels are correlated within the outer one",
        )
    return inner, groups


def variables_of(formulas: Sequence[Formula]) -> list[str]:
    """Names of the columns that the terms need."""
    names = [n for f in formulas for n in (*f.groups, *([f.inner] if f.inner else []))]
    return list(dict.fromkeys(names))


def terms_of(formulas: Sequence[Formula], columns: dict[str, list[Any]]) -> list[RandomTerm]:
    """Code the levels of the rows; the covariances are 0 until they are fitted.

    Levels are sorted, as numbers where all are.
    """
    out = []
    for f in formulas:
        outer, groups = _coded([columns[name] for name in f.groups])
        inner: Ints = np.zeros(len(outer), dtype=np.intp)
        levels: tuple[str, ...] = ()
        struct = f.struct
        if f.inner:
            inner, levels = _coded([columns[f.inner]])
        q = max(1, len(levels))
        structure = structure_of(struct or "ID", q, _as_numbers(levels), f.rho)
        held = int(isinstance(structure, Scaled) and f.rho is not None)
        out.append(
            RandomTerm(
                f.name,
                struct,
                groups,
                levels,
                outer,
                inner,
                np.zeros((q, q)),
                structure.low.size - held,
                f.rho,
            )
        )
    return out


def _coded(columns: Sequence[Sequence[Any]]) -> tuple[Ints, tuple[str, ...]]:
    texts = [[_text(v) for v in column] for column in columns]
    orders = []
    for column in texts:
        names = sorted(set(column))
        values = _as_numbers(names)
        if values is not None:
            names = [names[i] for i in np.argsort(values, kind="stable")]
        orders.append({name: i for i, name in enumerate(names)})
    rows = [
        tuple(order[name] for order, name in zip(orders, row, strict=True))
        for row in zip(*texts, strict=True)
    ]
    found = sorted(set(rows))
    place = {key: i for i, key in enumerate(found)}
    backs = [list(order) for order in orders]
    labels = tuple("/".join(back[i] for back, i in zip(backs, key, strict=True)) for key in found)
    return np.array([place[row] for row in rows], dtype=np.intp), labels


def _text(value: object) -> str:
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value)) if whole else str(value).strip()  # type: ignore[call-overload]


def _as_numbers(names: Sequence[str]) -> Floats | None:
    try:
        return np.array([float(name) for name in names])
    except ValueError:
        return None
