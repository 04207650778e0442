"""Ranks of treatments: a summary of the estimates and their uncertainty, never more than that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy import special

from equipoise.core.arguments import typed
from equipoise.core.errors import InputError, UnknownNameError
from equipoise.core.order import natural
from equipoise.core.result import Method, Note, Result
from equipoise.core.table import Column, Table, fixed
from equipoise.effects.columns import Floats, make_frame
from equipoise.models.network.core import Estimates, Net, frozen

Better = Literal["lower", "higher"]

P_SCORE = Method(
    "P-scores",
    "Rücker, Schwarzer 2015, BMC Med Res Methodol 15:58",
    "10.1186/s12874-015-0060-8",
)
SUCRA = Method(
    "rank probabilities and SUCRA from draws of the estimates",
    "Salanti, Ades, Ioannidis 2011, J Clin Epidemiol 64:163",
    "10.1016/j.jclinepi.2010.03.016",
)

#: Draws for the rank probabilities; their error is at most 0.5 / sqrt(draws).
DRAWS = 100_000


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Ranking(Result):
    """How the treatments of a network rank.

    Attributes
    ----------
    better
        ``lower`` or ``higher``: which values are good.
    treatments
        In the order of the network.
    p_score, sucra
        By treatment, 0 (surely the worst) to 1 (surely the best).
    probabilities
        Chance of each rank, shape (treatments, ranks), the best rank first.
    draws
        Draws that the probabilities rest on.
    certain
        Pairs (better, worse) whose interval excludes no difference: the only order that the
        estimates support.
    notes, methods
        What to know; the papers.
    """

    better: str
    treatments: tuple[str, ...]
    p_score: dict[str, float]
    sucra: dict[str, float]
    probabilities: Floats
    draws: int
    certain: tuple[tuple[str, str], ...]
    notes: tuple[Note, ...]
    methods: tuple[Method, ...] = (P_SCORE, SUCRA)

    def order(self) -> tuple[str, ...]:
        """Treatments by P-score, the best first."""
        return tuple(sorted(self.treatments, key=lambda t: (-self.p_score[t], natural(t))))

    def table(self) -> Table:
        """Treatments by P-score, with the chance of the best rank."""
        columns = (
            Column("treatment", "treatment"),
            Column("p_score", "P-score", align="right"),
            Column("sucra", "SUCRA", align="right"),
            Column("best", "chance of the best rank", "percent", "right"),
            Column("surely", "surely better than", "count", "right"),
        )
        number = {t: i for i, t in enumerate(self.treatments)}
        rows = tuple(
            (
                t,
                score_text(self.p_score[t]),
                score_text(self.sucra[t]),
                100.0 * float(self.probabilities[number[t], 0]),
                sum(a == t for a, _ in self.certain),
            )
            for t in self.order()
        )
        return Table(f"Ranks, {self.better} is better", columns, rows)

    def summary(self) -> str:
        """The table, then what to know."""
        return "\n".join([self.table().to_text(), *(f"Note: {note}" for note in self.notes)])

    @typed
    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row a treatment: scores and the chance of every rank."""
        columns: dict[str, Any] = {
            "treatment": self.treatments,
            "p_score": [self.p_score[t] for t in self.treatments],
            "sucra": [self.sucra[t] for t in self.treatments],
        }
        ranks = range(1, len(self.treatments) + 1)
        return make_frame(
            columns | {f"rank{r}": self.probabilities[:, r - 1] for r in ranks}, backend
        )

    def hasse(self) -> tuple[tuple[str, str], ...]:
        """The certain pairs without those that follow from others: the lines of a Hasse diagram."""
        pairs = set(self.certain)
        return tuple(
            (a, c)
            for a, c in self.certain
            if not any((a, b) in pairs and (b, c) in pairs for b in self.treatments)
        )

    def __repr__(self) -> str:
        first = self.order()[0]
        score = score_text(self.p_score[first])
        return f"<Ranking of {len(self.treatments)}: {first} first, P-score {score}>"

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return self.table().to_html()


def score_text(score: float) -> str:
    """A P-score or SUCRA as a reader sees it: 0 and 1 only where it is."""
    text = fixed(score, 2)
    if text == "1.00" and score < 1.0:
        return "> 0.99"
    return "< 0.01" if text == "0.00" and score > 0.0 else text


def ranking(
    net: Net, at: Estimates, better: str, level: float, *, draws: int = DRAWS, seed: int = 1
) -> Ranking:
    """Rank the treatments of a network.

    Parameters
    ----------
    net, at
        The network and its solution.
    better
        ``lower`` or ``higher``; asked for, never assumed.
    level
        Level at which two treatments count as surely different.
    draws, seed
        For the rank probabilities; the same seed gives the same numbers.

    Raises
    ------
    UnknownNameError
        When `better` is neither.
    InputError
        When `draws` is below 1000.

    Notes
    -----
    A treatment's P-score is the mean over the others of the one-sided p value for being better;
    its SUCRA, from the ranks of draws of all effects, is the same number but for the draws' error.

    Source: Rücker & Schwarzer 2015, doi:10.1186/s12874-015-0060-8.
    """
    if better not in ("lower", "higher"):
        raise UnknownNameError("direction of benefit", better, ("lower", "higher"))
    if draws < 1000:
        raise InputError(f"{draws} draws", where="argument draws", hint="at least 1000")
    if seed < 0:
        raise InputError(f"a seed of {seed}", where="argument seed", hint="0 or more")
    n = net.n
    sign = -1.0 if better == "lower" else 1.0
    d = sign * at.difference()
    se = np.sqrt(np.maximum(at.variance(), 0.0))
    np.fill_diagonal(se, 1.0)
    chance = special.ndtr(d / se)
    np.fill_diagonal(chance, 0.0)
    p = chance.sum(axis=1) / (n - 1)
    probabilities = _probabilities(at, sign, draws, seed)
    sucra = (np.cumsum(probabilities, axis=1)[:, :-1]).sum(axis=1) / (n - 1)
    z = -float(special.ndtri(0.5 * (1.0 - level)))
    names = net.treatments
    sure = np.argwhere(d / se > z)
    text = (
        "A rank says nothing about how large a difference is, or how sure the evidence on it is. "
        "Read it only beside the estimates and their certainty."
    )
    return Ranking(
        better=better,
        treatments=names,
        p_score=dict(zip(names, p.tolist(), strict=True)),
        sucra=dict(zip(names, sucra.tolist(), strict=True)),
        probabilities=frozen(probabilities),
        draws=draws,
        certain=tuple((names[i], names[j]) for i, j in sure.tolist()),
        notes=(Note("ranks-alone", text),),
    )


def _probabilities(at: Estimates, sign: float, draws: int, seed: int) -> Floats:
    n = len(at.theta)
    values, vectors = np.linalg.eigh(at.G)
    half = vectors * np.sqrt(np.maximum(values, 0.0))
    counts = np.zeros((n, n))
    random = np.random.default_rng(seed)
    left = draws
    while left:
        size = min(left, max(1, 2_000_000 // n))
        drawn = sign * (at.theta + random.standard_normal((size, n)) @ half.T)
        rank = np.argsort(np.argsort(-drawn, axis=1), axis=1)
        for i in range(n):
            counts[i] += np.bincount(rank[:, i], minlength=n)
        left -= size
    return counts / draws
