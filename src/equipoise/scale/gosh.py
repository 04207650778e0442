"""Every subset of the trials: does the result come from two populations, or from one trial?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from equipoise.core.arguments import typed_late
from equipoise.core.errors import InputError
from equipoise.core.progress import Report
from equipoise.core.result import Interval, Method, Note, Result
from equipoise.core.table import Column, Table, count, counted, percent
from equipoise.effects.columns import Floats, make_frame, read_only
from equipoise.effects.measures import measure_of
from equipoise.models.intervals import shown
from equipoise.models.pairwise import PairwiseFit
from equipoise.scale.batch import pairwise

OLKIN = Method(
    "the fits of all subsets of the trials (GOSH)",
    "Olkin, Dahabreh, Trikalinos 2012, Res Synth Methods 3:214",
    "10.1002/jrsm.1053",
)

#: Up to this many subsets, all of them are fitted; beyond, as many are drawn.
ALL_UP_TO = 2**15
#: Estimators that a batch knows.
_KNOWN = ("REML", "ML", "DL", "PM")


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Gosh(Result):
    """The synthesis of many subsets of the trials.

    Attributes
    ----------
    measure, study
        Code of the measure, and the trials.
    whole
        Whether these are all subsets of at least two trials, or a random sample of them.
    member
        Which trials are in each subset, shape (subsets, trials).
    k, estimate, tau2, i2, q
        Trials, mean (on the scale of analysis), tau², I² in percent and Q of each subset.
    notes, methods
        What to know; the paper.
    """

    measure: str
    level: float
    study: tuple[str, ...]
    whole: bool
    member: NDArray[np.bool_]
    k: Floats
    estimate: Floats
    tau2: Floats
    i2: Floats
    q: Floats
    notes: tuple[Note, ...]
    methods: tuple[Method, ...] = (OLKIN,)

    def __len__(self) -> int:
        return len(self.k)

    def table(self) -> Table:
        """For each trial, the middle result of the subsets with it and of those without."""
        m = measure_of(self.measure)
        columns = (
            Column("study", "trial"),
            Column("with", f"{m.name}, subsets with it", align="right"),
            Column("without", "without it", align="right"),
            Column("i2_with", "I², subsets with it", "percent", "right"),
            Column("i2_without", "without it", "percent", "right"),
        )
        rows = []
        for j, name in enumerate(self.study):
            inside = self.member[:, j]
            cells: list[Any] = []
            for values in (self.estimate, self.i2):
                cells += [_median(values[inside]), _median(values[~inside])]
            ends = [None if math.isnan(x) else self._text(x) for x in cells[:2]]
            shares = [None if math.isnan(x) else x for x in cells[2:]]
            rows.append((name, *ends, *shares))
        caption = f"Middle result of {counted(len(self), 'subset')}"
        return Table(caption, columns, tuple(rows), missing="none")

    def _text(self, value: float) -> str:
        from_to = np.quantile(self.estimate, [0.025, 0.975])
        m = measure_of(self.measure)
        ci = m.back_interval(Interval(float(from_to[0]), float(from_to[1]), self.level))
        return shown(m, m.back(float(value)), ci)[0]

    def summary(self) -> str:
        """The table, then what to know."""
        return "\n".join([self.table().to_text(), *(f"Note: {note}" for note in self.notes)])

    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row a subset, uncut, and a column for each trial."""
        names = ("k", "estimate", "tau2", "i2", "q")
        members = {name: self.member[:, j] for j, name in enumerate(self.study)}
        return make_frame({n: getattr(self, n) for n in names} | members, backend)

    def __repr__(self) -> str:
        low, high = float(self.estimate.min()), float(self.estimate.max())
        kind = "all" if self.whole else "some"
        return (
            f"<Gosh {self.measure}: {kind} {counted(len(self), 'subset')}, "
            f"{self._text(low)} to {self._text(high)}, I² {percent(float(self.i2.max()))} at most>"
        )

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return self.table().to_html()


@typed_late
def gosh(
    fit: PairwiseFit,
    *,
    subsets: int | None = None,
    seed: int = 1,
    backend: str = "auto",
    progress: bool | Report | None = None,
) -> Gosh:
    """Fit every subset of the trials, or a random sample of them.

    Parameters
    ----------
    fit
        What :func:`equipoise.pairwise` gave, of at least three trials; its model and estimator of
        tau² are used (``REML``, ``ML``, ``DL`` or ``PM``).
    subsets
        How many to draw where there are more. When not given, all are fitted up to 32,768, and
        that many are drawn beyond.
    seed
        Of the draws; the same seed gives the same subsets.
    backend, progress
        As for :func:`equipoise.batch.pairwise`.

    Returns
    -------
    Gosh
        Subsets of one trial are not among them, since they say nothing about heterogeneity.

    Raises
    ------
    InputError
        With fewer than three trials, an estimator that a batch does not know, or fewer than one
        subset.

    Notes
    -----
    Drawn subsets are distinct, and each is as likely as any other.

    Source: Olkin, Dahabreh & Trikalinos 2012, Res Synth Methods 3:214, doi:10.1002/jrsm.1053.
    Checked against one fit at a time in ``tests/scale/test_gosh.py``.
    """
    k = fit.k
    if k < 3:
        raise InputError(f"subsets of {counted(k, 'trial')}", hint="at least three trials")
    if fit.model == "random" and fit.tau2_method not in _KNOWN:
        raise InputError(
            f"subsets with tau² by {fit.tau2_method}", hint=f"a fit by {', '.join(_KNOWN)}"
        )
    if subsets is not None and subsets < 1:
        raise InputError(counted(subsets, "subset"), hint="at least one")
    wanted = ALL_UP_TO if subsets is None else subsets
    there = 2**k - k - 1 if k < 60 else math.inf
    member = _every(k) if there <= wanted else _drawn(k, wanted, seed)
    y = np.where(member, np.asarray(fit.yi), np.nan)
    v = np.where(member, np.asarray(fit.vi), np.nan)
    found = pairwise(
        y,
        v,
        model=fit.model,
        tau2=fit.tau2_method if fit.model == "random" else "REML",
        interval="Wald",
        backend=backend,
        progress=progress,
    )
    whole = there <= wanted
    notes = []
    if not whole:
        text = (
            f"{count(wanted)} of the {_number(k)} subsets of at least two trials, drawn with seed "
            f"{seed}."
        )
        notes.append(Note("sampled", text))
    text = (
        "Two clouds of results point to two kinds of trials, or to one trial that pulls. Subsets "
        "share trials, so their spread is no uncertainty."
    )
    notes.append(Note("subsets-overlap", text))
    member.setflags(write=False)
    return Gosh(
        measure=fit.measure,
        level=fit.level,
        study=fit.study,
        whole=whole,
        member=member,
        k=read_only(found.k),
        estimate=found.estimate,
        tau2=found.tau2,
        i2=found.i2,
        q=found.q,
        notes=tuple(notes),
    )


def _every(k: int) -> NDArray[np.bool_]:
    """All subsets of at least two of k, shape (2**k - k - 1, k)."""
    codes = np.arange(2**k)
    member = (codes[:, None] >> np.arange(k)) & 1 > 0
    return np.asarray(member[member.sum(axis=1) > 1])


def _drawn(k: int, wanted: int, seed: int) -> NDArray[np.bool_]:
    """That many different subsets of at least two of k."""
    random = np.random.default_rng(seed)
    found = np.empty((0, k), dtype=bool)
    while len(found) < wanted:
        more = random.random((wanted, k)) < 0.5
        both = np.concatenate([found, more[more.sum(axis=1) > 1]])
        _, first = np.unique(np.packbits(both, axis=1), axis=0, return_index=True)
        found = both[np.sort(first)][:wanted]
    return found


def _median(values: Floats) -> float:
    return float(np.median(values)) if len(values) else math.nan


def _number(k: int) -> str:
    return count(2**k - k - 1) if k <= 40 else f"about 2^{k}"
