"""What treatments are made of: names joined by ``+``, as rows of a design."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import Protocol

import numpy as np

from equipoise.core.errors import (
    InputError,
    NotEstimableError,
    UnknownNameError,
    nearest,
    other_evidence,
)
from equipoise.core.order import natural
from equipoise.core.result import Interval, Note, Result
from equipoise.effects.blocks import Contrasts, LeftOut
from equipoise.effects.columns import Floats
from equipoise.effects.suspects import name_twins
from equipoise.models.intervals import effect_said
from equipoise.num.linalg import cholesky, gls, rank

#: Joins the components of an interaction: what two of them do together beyond their sum.
TIMES = "*"


@dataclass(frozen=True, slots=True, repr=False)
class Effect(Result):
    """An effect on the scale of analysis, with a Wald interval and a two-sided p value.

    A note says so where it is that of a combination that no group had.
    """

    estimate: float
    se: float
    ci: Interval
    p_value: float
    notes: tuple[Note, ...] = ()

    def __repr__(self) -> str:
        never = "; never tried" if self.notes else ""
        return f"<Effect {effect_said(self.estimate, self.se, self.ci, self.p_value)}{never}>"


@dataclass(frozen=True, slots=True)
class Identified(Result):
    """Whether the trials can separate a component.

    Attributes
    ----------
    component
        Its name.
    separable
        Whether what adding it does can be estimated.
    trials, people
        Trials with groups that differ in it, and the people in all their groups, as far as their
        number is known.
    why
        In words, the reason for either.
    """

    component: str
    separable: bool
    trials: int
    people: int
    why: str


class FittedNetwork(Protocol):
    """What is taken of a network's fit, such as a ``NetworkFit``, which need not be loaded."""

    @property
    def model(self) -> str:
        """``random`` or ``common``."""

    @property
    def level(self) -> float:
        """Level of its intervals."""

    @property
    def tau2_method(self) -> str:
        """Estimator of tau²."""

    @property
    def data(self) -> Contrasts:
        """The contrasts that were given."""


def parts_of(names: str, inactive: str) -> tuple[str, ...]:
    """The components of a treatment, the inactive one left out.

    Raises
    ------
    InputError
        On something else than text, and on names that are not joined by single ``+``.
    """
    check_name(names)
    return _parts(names, inactive)


def check_name(names: object) -> None:
    """Refuse what is no name of a treatment."""
    if not isinstance(names, str):
        raise InputError(
            f"{reprlib.repr(names)} in the place of a component or combination",
            hint="text, such as 'A' or 'A+B'",
        )


@lru_cache(maxsize=4096)
def _parts(names: str, inactive: str) -> tuple[str, ...]:
    found = [part.strip() for part in names.split("+")] if names.strip() else []
    if "" in found or len(set(found)) < len(found):
        raise InputError(f"the treatment {names!r}", hint="different names joined by single +")
    return tuple(_sorted(part) for part in found if part != inactive)


def _sorted(part: str) -> str:
    """An interaction with its components in order; anything else as it is."""
    return (
        TIMES.join(sorted((p.strip() for p in part.split(TIMES)), key=natural))
        if TIMES in part
        else part
    )


def vector_of(names: str, components: Sequence[str], inactive: str) -> Floats:
    """A treatment as a row: 1 for each of its components, and for interactions among them."""
    check_name(names)
    return _vector(names, tuple(components), inactive)


@lru_cache(maxsize=4096)
def _vector(names: str, components: tuple[str, ...], inactive: str) -> Floats:
    held = set(parts_of(names, inactive))
    found = np.array(
        [
            1.0 if c in held or (TIMES in c and held.issuperset(c.split(TIMES))) else 0.0
            for c in components
        ]
    )
    found.setflags(write=False)
    return found


def interaction(text: str, components: Sequence[str]) -> str:
    """The canonical name of an interaction such as ``A*B``.

    Raises
    ------
    InputError
        When it does not name at least two different components that the trials have.
    """
    named = [part.strip() for part in text.split(TIMES)]
    if len(named) < 2 or "" in named or len(set(named)) < len(named):
        raise InputError(f"the interaction {text!r}", hint="different components joined by *")
    for part in named:
        if part not in components:
            raise UnknownNameError("component", part, components, where=f"interaction {text}")
    return TIMES.join(sorted(named, key=natural))


def identifiable(es: Contrasts, components: Sequence[str], inactive: str) -> tuple[str, ...]:
    """Interactions that the trials can tell beside the components, those of two first."""
    combined = [
        sorted(parts_of(t, inactive), key=natural) for t in dict.fromkeys((*es.treat1, *es.treat2))
    ]
    most = max((len(c) for c in combined), default=0)
    found: list[str] = []
    so_far = rank(design(es, components, inactive))
    for size in range(2, most + 1):
        wanted = {TIMES.join(sub) for c in combined for sub in combinations(c, size)}
        for name in sorted(wanted, key=natural):
            now = rank(design(es, (*components, *found, name), inactive))
            if now > so_far:
                found.append(name)
                so_far = now
    return tuple(found)


def design(es: Contrasts, columns: Sequence[str], inactive: str) -> Floats:
    """Components of `treat1` minus those of `treat2`, shape (contrasts, columns)."""
    treats = dict.fromkeys((*es.treat1, *es.treat2))
    made = {name: vector_of(name, columns, inactive) for name in treats}
    rows = [made[one] - made[two] for one, two in zip(es.treat1, es.treat2, strict=True)]
    return np.array(rows).reshape(len(es), len(columns))


def component_names(es: Contrasts, inactive: str) -> tuple[str, ...]:
    """All components of the contrasts, sorted."""
    found = {p for t in (*es.treat1, *es.treat2) for p in parts_of(t, inactive)}
    return tuple(sorted(found, key=natural))


def usable_rows(es: Contrasts, inactive: str) -> tuple[list[int], tuple[LeftOut, ...]]:
    """Rows to use, and the studies left out with the reason."""
    reasons: dict[int, str] = {}
    differs: set[str] = set()
    for i, (study, one, two) in enumerate(zip(es.study, es.treat1, es.treat2, strict=True)):
        if not one or not two:
            raise InputError(
                "a contrast without its treatments",
                where=f"study {study}",
                hint="treat1 and treat2 for each contrast, and inactive= for what is nothing",
            )
        if es.vi[i] <= 0.0:
            raise InputError(
                f"variance {es.vi[i]:g}", where=f"study {study}", hint="a variance above zero"
            )
        if not (math.isfinite(es.yi[i]) and math.isfinite(es.vi[i])):
            what = "estimate" if not math.isfinite(es.yi[i]) else "variance"
            reasons[i] = f"no {what} of {one} against {two}"
        elif set(parts_of(one, inactive)) != set(parts_of(two, inactive)):
            differs.add(study)
    for i, study in enumerate(es.study):
        if i not in reasons and study not in differs:
            reasons[i] = f"{es.treat1[i]} and {es.treat2[i]} have the same components"
    keep = [i for i in range(len(es)) if i not in reasons]
    if not keep:
        raise NotEstimableError(
            "no trial with a result has groups that differ in a component",
            hint="trials with different components in their groups",
        )
    return keep, (*es.left_out, *(LeftOut(es.study[i], why) for i, why in reasons.items()))


def check_evidence(es: object) -> None:
    """Refuse what is neither contrasts nor a network's fit."""
    if not (isinstance(es, Contrasts) or hasattr(es, "tau2_method")):
        raise other_evidence(es, "what network(), contrasts() or effect_sizes() give")


def inactive_absent(es: Contrasts, inactive: str) -> list[Note]:
    """What to know where no group had what counts as nothing, nor a part by its name."""
    treats = sorted({*es.treat1, *es.treat2})
    if not inactive or any(inactive in (p.strip() for p in t.split("+")) for t in treats):
        return []
    like = nearest(inactive, treats)
    meant = f" Was {like!r} meant?" if like else ""
    text = (
        f"No group had {inactive!r}, which counts as nothing: components are told by groups that "
        f"differ in them alone.{meant}"
    )
    return [Note("inactive-absent", text)]


def never_tried(es: Contrasts, sides: Sequence[str], inactive: str) -> tuple[Note, ...]:
    """What to know of combinations that no group had."""
    several = [side for side in sides if len(parts_of(side, inactive)) > 1]
    if not several:
        return ()
    tried = {frozenset(parts_of(t, inactive)) for t in {*es.treat1, *es.treat2}}
    text = "No group had {!r} and nothing else: its effect rests on what its parts do elsewhere."
    return tuple(
        Note("never-tried", text.format(side))
        for side in several
        if TIMES not in side and frozenset(parts_of(side, inactive)) not in tried
    )


def check_blocks(es: Contrasts, V: Floats) -> None:
    """Refuse covariances of a study that no data can have."""
    rows: dict[str, list[int]] = {}
    for i, study in enumerate(es.study):
        rows.setdefault(study, []).append(i)
    for study, r in rows.items():
        if len(r) == 1:
            continue
        try:
            cholesky(V[np.ix_(r, r)])
        except InputError as error:
            raise InputError(error.what, where=f"study {study}", hint=error.hint) from None


def chosen_interactions(
    asked: Sequence[str] | str | None, es: Contrasts, names: tuple[str, ...], inactive: str
) -> tuple[str, ...]:
    """The interactions that were asked for, each checked.

    Raises
    ------
    InputError, UnknownNameError
        On a name that is no interaction of the trials' components.
    NotEstimableError
        When no trial can tell one; names those that can be told.
    """
    if asked is None:
        return ()
    if isinstance(asked, str):
        if asked == "forward":
            raise InputError(
                "interactions='forward'",
                hint="forward_interactions(), which says how many it tried",
            )
        if asked != "identifiable":
            raise UnknownNameError("choice of interactions", asked, ("identifiable", "['A*B']"))
        return identifiable(es, names, inactive)
    found = tuple(dict.fromkeys(interaction(text, names) for text in asked))
    X = design(es, (*names, *found), inactive)
    for place, name in enumerate(found, start=len(names)):
        if not X[:, place].any():
            raise NotEstimableError(
                f"no trial can tell the interaction {name!r}",
                where="no group had all of its components and was compared with one that had not",
                hint=f"one of {', '.join(identifiable(es, names, inactive)) or 'none'}",
            )
    return found


def check_twins(names: tuple[str, ...]) -> None:
    """Refuse components that differ only in spelling: the likely typing error."""
    for twins in name_twins(names):
        raise InputError(
            "components that differ only in case, spaces or punctuation: "
            + " and ".join(map(repr, twins)),
            hint="one spelling for each component",
        )


def network_q(es: Contrasts) -> tuple[float, int]:
    """Q and degrees of freedom when every combination has an effect of its own."""
    treats = sorted({*es.treat1, *es.treat2})
    number = {name: i for i, name in enumerate(treats)}
    X = np.zeros((len(es), len(treats)))
    for row, (one, two) in enumerate(zip(es.treat1, es.treat2, strict=True)):
        X[row, number[one]] += 1.0
        X[row, number[two]] -= 1.0
    full = gls(X, es.yi, es.V())
    return (full.q, full.df) if full.df else (0.0, 0)
