"""In which order the treatments of a network stand on their ring, so that few lines cross.

Treatments are put in one after another, those of most comparisons first, each where it adds the
fewest crossings; then each is moved where that helps. The order depends on nothing but the graph,
and an order that was drawn before is kept.

Source: sifting as Baur, Brandes 2005, LNCS 3353:332, doi:10.1007/978-3-540-30559-0_28.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Neighbours = Mapping[int, Mapping[int, float]]

#: Rounds in which every treatment may move, in small networks and in those of more than 40.
_ROUNDS, _FEWER = 12, 4


def ring_order(
    nodes: Sequence[int], neighbours: Neighbours, *, kept: Sequence[int] = ()
) -> list[int]:
    """Order `nodes` around a ring.

    Parameters
    ----------
    nodes
        Treatments by number, in the order of their names.
    neighbours
        For each treatment those that it was compared with, with the number of trials.
    kept
        An order to keep: what is not in it is put in where it adds the fewest crossings.

    Returns
    -------
    list of int
        The order, the treatment of most comparisons first where none was to be kept.
    """
    degree = {v: len(neighbours[v]) for v in nodes}
    first = sorted(nodes, key=lambda v: (-degree[v], v))
    order = [v for v in kept if v in degree]
    held = set(order)
    for v in first:
        if v not in held:
            order.insert(_best(order, v, neighbours), v)
            held.add(v)
    if kept:
        return order
    for _ in range(_ROUNDS if len(order) <= 40 else _FEWER):
        before = list(order)
        for v in first:
            order.remove(v)
            order.insert(_best(order, v, neighbours), v)
        if _same_ring(before, order):
            break
    at = order.index(first[0])
    return order[at:] + order[:at]


def crossings(order: Sequence[int], neighbours: Neighbours) -> int:
    """How many pairs of lines cross when the treatments stand in this order."""
    place = {v: i for i, v in enumerate(order)}
    lines = sorted(
        (min(place[a], place[b]), max(place[a], place[b]))
        for a in order
        for b in neighbours[a]
        if a < b and b in place
    )
    return sum(a < c < b < d for i, (a, b) in enumerate(lines) for c, d in lines[i + 1 :] if c < b)


def _best(order: list[int], v: int, neighbours: Neighbours) -> int:
    """Where to put `v` into a ring that lacks it: the fewest crossings, then the shortest lines."""
    n = len(order)
    if n < 2:
        return n
    place = {u: i for i, u in enumerate(order)}
    mine = [place[u] for u in neighbours[v] if u in place]
    weights = {place[u]: w for u, w in neighbours[v].items() if u in place}
    # Crossings relative to standing before the first; each step past one changes them by pairs.
    change = 0
    best = (0, _length(weights, 0, n), 0)
    for step, u in enumerate(order):
        theirs = [place[x] for x in neighbours[u] if x in place]
        change += _passing(mine, theirs, step, n)
        score = (change, _length(weights, step + 1, n), step + 1)
        if score[:2] < best[:2]:
            best = score
    return best[2]


def _passing(mine: Sequence[int], theirs: Sequence[int], step: int, n: int) -> int:
    """How crossings change when a treatment moves past the one at `step` of the ring."""
    change = 0
    for p in mine:
        a = (p - step) % n
        if not a:
            continue
        for q in theirs:
            b = (q - step) % n
            if b and a != b:
                # Of two that stand side by side the lines cross when the first one's end is nearer.
                change += 1 if b < a else -1
    return change


def _length(weights: Mapping[int, float], gap: int, n: int) -> float:
    """How long the lines are from a gap of the ring, each by its trials."""
    total = 0.0
    for p, w in weights.items():
        # The gap lies between the treatments at gap - 1 and gap.
        away = (p - gap + 0.5) % n
        total += w * min(away, n - away)
    return total


def _same_ring(one: Sequence[int], two: Sequence[int]) -> bool:
    at = two.index(one[0])
    return list(one) == [*two[at:], *two[:at]]
