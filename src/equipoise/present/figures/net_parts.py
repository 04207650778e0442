"""What a network is made of, for those who look at it: treatments, comparisons, people, bias."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from equipoise.certainty.rob2 import Rob
from equipoise.core.errors import InputError, UnknownNameError
from equipoise.core.table import count, counted
from equipoise.effects.arms import Arms
from equipoise.effects.blocks import Contrasts
from equipoise.effects.reported import OTHER_NAME
from equipoise.models.network.core import make_net
from equipoise.present.figures.marks import ROB, rob_key

#: Joins the components of a treatment.
PLUS = "+"

Shares = tuple[tuple[Rob, float], ...]


@dataclass(frozen=True, slots=True)
class Edge:
    """Two treatments that trials compared, by number, with the trials and their risk of bias."""

    one: int
    two: int
    trials: tuple[str, ...]
    rob: Shares

    @property
    def k(self) -> int:
        """How many trials compared the two."""
        return len(self.trials)


@dataclass(frozen=True, slots=True)
class Graph:
    """A network as a graph.

    Attributes
    ----------
    treatments
        Names.
    people
        People given each, as far as their number is known; not a number where none is.
    trials
        Trials that had a group of each.
    rob
        For each treatment the shares of levels of risk of bias, by people, or by trials where
        people are unknown; empty where nobody judged.
    edges
        Pairs that trials compared.
    multi
        Sets of three or more treatments that one trial compared, with how many trials did.
    pieces
        Treatments that comparisons join with each other, the largest piece first.
    k
        Trials.
    judged
        Whether risk of bias was given.
    """

    treatments: tuple[str, ...]
    people: tuple[float, ...]
    trials: tuple[int, ...]
    rob: tuple[Shares, ...]
    edges: tuple[Edge, ...]
    multi: tuple[tuple[tuple[int, ...], int], ...]
    pieces: tuple[tuple[int, ...], ...]
    k: int
    judged: bool

    @property
    def n(self) -> int:
        """Number of treatments."""
        return len(self.treatments)

    @property
    def counted(self) -> bool:
        """Whether the people of every treatment are known."""
        return all(math.isfinite(v) for v in self.people)

    @property
    def size(self) -> tuple[float, ...]:
        """What the area of a disc stands for: people, or trials where people are unknown."""
        return self.people if self.counted else tuple(map(float, self.trials))

    def composite(self, i: int) -> bool:
        """Whether a treatment is a combination of components."""
        return PLUS in self.treatments[i]


def graph_of(what: Any, rob: Any = None) -> Graph:
    """The graph of a network, joined up or not.

    Parameters
    ----------
    what
        What :func:`equipoise.network` gave, or contrasts with `treat1` and `treat2`.
    rob
        Risk of bias: a level for each trial, as a mapping from its name or in the order of the
        trials.

    Raises
    ------
    InputError
        On something else, or contrasts that name no treatments.
    """
    es = what if isinstance(what, Contrasts) else getattr(what, "data", None)
    arms_of = getattr(what, "arms", None)
    if isinstance(arms_of, Arms):
        # A network of counts keeps its groups; what they show takes no part in the graph.
        es = arms_of.contrasts("OR")
    if not isinstance(es, Contrasts):
        raise InputError(
            f"no network can be drawn of a {type(what).__name__}",
            hint="what network() gives, or contrasts with treat1 and treat2",
        )
    es = _known(es)
    net = make_net(es)
    levels = _levels(rob, net.trials)
    groups = _people(es)
    number = {name: i for i, name in enumerate(net.treatments)}
    pairs: dict[tuple[int, int], dict[str, None]] = {}
    sets: dict[tuple[int, ...], int] = {}
    held: dict[int, dict[str, None]] = {i: {} for i in range(net.n)}
    for g in net.groups:
        for arms, trial in zip(g.arms.tolist(), g.trial.tolist(), strict=True):
            study, arms = net.trials[trial], sorted(arms)
            for pair in combinations(arms, 2):
                pairs.setdefault(pair, {})[study] = None
            for arm in arms:
                held[arm][study] = None
            if len(arms) > 2:
                sets[tuple(arms)] = sets.get(tuple(arms), 0) + 1
    people = [_sum(groups.get((s, name), math.nan) for s in held[i]) for name, i in number.items()]
    return Graph(
        net.treatments,
        tuple(people),
        tuple(len(held[i]) for i in range(net.n)),
        tuple(
            _shares(levels, [(s, groups.get((s, name), math.nan)) for s in held[i]])
            for name, i in number.items()
        ),
        tuple(
            Edge(*pair, tuple(studies), _shares(levels, [(s, 1.0) for s in studies]))
            for pair, studies in sorted(pairs.items())
        ),
        tuple(sorted(sets.items())),
        _pieces(net.n, pairs),
        len(net.trials),
        bool(levels),
    )


def _known(es: Contrasts) -> Contrasts:
    """The contrasts that can be drawn: a result, and two treatments."""
    if not any(es.treat1):
        raise InputError("contrasts without treatments", hint="treat1 and treat2 for each")
    for study, one, two in zip(es.study, es.treat1, es.treat2, strict=True):
        if one == two or not one or not two:
            what = f"{one!r} compared with itself" if one else "a contrast without its treatments"
            raise InputError(what, where=f"study {study}", hint=OTHER_NAME)
    keep = [
        i
        for i, (y, v) in enumerate(zip(es.yi.tolist(), es.vi.tolist(), strict=True))
        if math.isfinite(y) and math.isfinite(v)
    ]
    if not keep:
        raise InputError("no contrast has a result", hint="estimates with their variances")
    return es.take(keep)


def _levels(rob: Any, trials: Sequence[str]) -> dict[str, Rob]:
    if rob is None:
        return {}
    if isinstance(rob, Mapping):
        for name in rob:
            if name not in trials:
                raise UnknownNameError("trial", str(name), trials)
        return {t: rob_key(str(rob.get(t, ""))) for t in trials}
    if isinstance(rob, str) or not isinstance(rob, Iterable):
        raise InputError(
            f"{rob!r} as risk of bias",
            where="argument rob",
            hint="{'trial': 'low', …}, or a level for each trial in their order",
        )
    given = list(rob)
    if len(given) != len(trials):
        raise InputError(
            f"{counted(len(given), 'level')} of risk of bias for {counted(len(trials), 'trial')}",
            hint="one a trial, or a mapping from its name",
        )
    return {t: rob_key(str(level)) for t, level in zip(trials, given, strict=True)}


def _people(es: Contrasts) -> dict[tuple[str, str], float]:
    """People in each group of each trial, by the names of trial and treatment."""
    found: dict[tuple[str, str], float] = {}
    sides = ((es.treat1, es.n1.tolist()), (es.treat2, es.n2.tolist()))
    for names, sizes in sides:
        for study, treat, n in zip(es.study, names, sizes, strict=True):
            if math.isnan(found.get((study, treat), math.nan)):
                found[(study, treat)] = n
    return found


def _sum(values: Iterable[float]) -> float:
    known = [v for v in values if not math.isnan(v)]
    return math.fsum(known) if known else math.nan


def _shares(levels: Mapping[str, Rob], held: Sequence[tuple[str, float]]) -> Shares:
    """The share of each level among these trials, in the order from low to not judged."""
    if not levels:
        return ()
    sizes = [n for _, n in held]
    if any(math.isnan(n) for n in sizes) or not sum(sizes):
        sizes = [1.0] * len(held)
    total = math.fsum(sizes)
    out = []
    for level in ROB:
        mine = math.fsum(
            n for (study, _), n in zip(held, sizes, strict=True) if levels[study] == level
        )
        if mine:
            out.append((level, mine / total))
    return tuple(out)


def _pieces(n: int, pairs: Iterable[tuple[int, int]]) -> tuple[tuple[int, ...], ...]:
    parent = list(range(n))

    def top(i: int) -> int:
        while parent[i] != i:
            i = parent[i]
        return i

    for i, j in pairs:
        a, b = sorted((top(i), top(j)))
        parent[b] = a
    out: dict[int, list[int]] = {}
    for i in range(n):
        out.setdefault(top(i), []).append(i)
    return tuple(sorted((tuple(v) for v in out.values()), key=lambda p: (-len(p), p)))


def excluding(n: int) -> str:
    """How many intervals lie on one side of no difference, as a sentence."""
    if not n:
        return "No interval excludes no difference."
    return f"{count(n)} {'interval excludes' if n == 1 else 'intervals exclude'} no difference."
