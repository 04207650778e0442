"""Where treatments and lines of a network graph stand on the paper.

Each piece of the network is a ring, and a treatment that most others were compared with may stand
in its middle. Few treatments stand at equal angles; many share the two sides, top to bottom, at
heights that give every name lines of its own. So names stand outside and cannot meet, however many
there are. A line that would run through a third treatment is bent until it is clear of it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from equipoise.present.figures.layout import EDGE
from equipoise.present.figures.net_parts import Graph
from equipoise.present.text import shortened, text_width, wrap

Point = tuple[float, float]
_Spot = tuple[float, float, int, float]

LEADING = 1.25
#: The widest ring, the largest disc, the smallest one.
_RING, _DISC, _DOT = 215.0, 20.0, 2.5
#: Room between a disc and its name, and how wide names may be on a page.
_GAP, _NAME = 7.0, 180.0
#: Names on a phone: how many treatments at most, and how wide; otherwise numbers with a key.
_FEW, _SHORT = 8, 88.0


@dataclass(frozen=True, slots=True)
class Spot:
    """A treatment on the paper.

    `way` is 1 for a name at its right, −1 at its left, 0 below; `shift` is how far the middle of
    the name is below that of the disc.
    """

    x: float
    y: float
    r: float
    way: int
    shift: float
    label: tuple[str, ...]
    cut: bool


@dataclass(frozen=True, slots=True)
class Places:
    """All treatments on the paper.

    Attributes
    ----------
    spots
        By the number of the treatment.
    heads
        Headings of pieces, with their baselines.
    numbered
        Whether treatments have numbers instead of names, which a key explains.
    bottom
        Where the graph ends.
    cap
        The radius of the largest disc.
    middle
        The middle of the ring of each treatment.
    """

    spots: Mapping[int, Spot]
    heads: tuple[tuple[float, str], ...]
    numbered: bool
    bottom: float
    cap: float
    middle: Mapping[int, Point]


@dataclass(frozen=True, slots=True)
class Ring:
    """A piece of the network: its treatments around the ring, and the one in the middle."""

    around: tuple[int, ...]
    centre: int | None = None

    @property
    def all(self) -> tuple[int, ...]:
        """Every treatment, the one in the middle first."""
        return self.around if self.centre is None else (self.centre, *self.around)


@dataclass(frozen=True, slots=True)
class _Laid:
    """A ring before it is placed.

    `spots` holds the place of each treatment around the ring, the middle of the ring being (0, 0),
    with the side of its name and how far that is shifted down.
    """

    ring: Ring
    labels: Mapping[int, tuple[str, ...]]
    heights: Mapping[int, float]
    spots: Mapping[int, _Spot]
    pitch: float

    def reach(self, way: int, cap: float) -> float:
        """How far discs and names reach above (−1) or below (1) the middle."""
        return 8 + max(
            way * y + max(cap, self.heights[v] / 2 + way * shift)
            for v, (_, y, _, shift) in self.spots.items()
        )


def place(graph: Graph, rings: Sequence[Ring], width: float, size: float, top: float) -> Places:
    """Place every ring below `top`, one under the other."""
    numbered = width < 520 and not _names_fit(graph, size)
    number = {v: str(i) for i, v in enumerate((v for ring in rings for v in ring.all), 1)}
    names = number if numbered else dict(enumerate(graph.treatments))
    most = _SHORT if width < 520 else _NAME
    room = min(max(text_width(name, size) for name in names.values()), most) + 2
    disc = min(_DISC, 0.045 * width)
    across = min(width / 2 - EDGE - room - _GAP - disc, _RING if graph.n <= 40 else 1.2 * _RING)
    made = [_laid(ring, names, across, room, size) for ring in rings]
    cap = min([disc, *(0.46 * laid.pitch for laid in made)])
    spots: dict[int, Spot] = {}
    middle: dict[int, Point] = {}
    heads: list[tuple[float, str]] = []
    for at, laid in enumerate(made):
        if len(made) > 1:
            heads.append((top + size, _head(graph, laid.ring.all, at, len(made))))
            top += 1.4 * size
        centre = (width / 2, top + laid.reach(-1, cap))
        _put(graph, laid, names, spots, centre, cap)
        middle |= dict.fromkeys(laid.ring.all, centre)
        top = centre[1] + laid.reach(1, cap)
    return Places(spots, tuple(heads), numbered, top, cap, middle)


def _names_fit(graph: Graph, size: float) -> bool:
    if graph.n > _FEW:
        return False
    for name in graph.treatments:
        long = any(text_width(word, size) > _SHORT for word in name.split())
        if long or len(wrap(name, _SHORT, size)) > 3:
            return False
    return True


def _head(graph: Graph, held: Sequence[int], at: int, of: int) -> str:
    inside = set(held)
    k = len({s for e in graph.edges if e.one in inside for s in e.trials})
    words = "treatment" if len(held) == 1 else "treatments"
    return f"Part {at + 1} of {of}: {len(held)} {words}, {k} {'trial' if k == 1 else 'trials'}"


def _laid(ring: Ring, names: Mapping[int, str], across: float, room: float, size: float) -> _Laid:
    most = 3 if len(names) <= 40 else 2
    labels = {v: tuple(shortened(names[v], room, size, most)) for v in ring.all}
    heights = {v: len(labels[v]) * size * LEADING + 4 for v in ring.all}
    n = len(ring.around)
    # A ring of few treatments is a small one.
    radius = min(across, 52.0 + 21.0 * n)
    spots = _at_angles(ring.around, heights, radius, size)
    if n > 1 and not _clear_of_each_other(spots, heights):
        spots = _at_heights(ring.around, heights, across, size)
    points = [spot[:2] for spot in spots.values()]
    nearest = min(math.dist(a, b) for a, b in itertools.pairwise([*points, points[0]]))
    return _Laid(ring, labels, heights, spots, nearest if n > 1 else math.inf)


def _at_angles(
    around: Sequence[int], heights: Mapping[int, float], radius: float, size: float
) -> dict[int, _Spot]:
    n = len(around)
    if n == 1:
        return {around[0]: (0.0, 0.0, 1, 0.0)}
    out = {}
    for i, v in enumerate(around):
        angle = 2 * math.pi * (i + 0.5) / n
        x, y = radius * math.sin(angle), -radius * math.cos(angle)
        # Above the middle a name of several lines ends beside its disc, below it begins there, so
        # that lines to the next treatment do not run through it.
        shift = y / radius * (heights[v] - 4 - size * LEADING) / 2
        shift += 0.6 * size if abs(x) < 1e-6 else 0.0
        out[v] = (x, y, 1 if x > -1e-6 else -1, shift)
    return out


def _clear_of_each_other(spots: Mapping[int, _Spot], heights: Mapping[int, float]) -> bool:
    """Whether no name at one side reaches into the lines of another."""
    for side in (1, -1):
        held = sorted((y + s, heights[v]) for v, (_, y, way, s) in spots.items() if way == side)
        for (y, high), (z, tall) in itertools.pairwise(held):
            if z - y < (high + tall) / 2:
                return False
    return True


def _at_heights(
    around: Sequence[int], heights: Mapping[int, float], across: float, size: float
) -> dict[int, _Spot]:
    half = (len(around) + 1) // 2
    sides = ((1, around[:half]), (-1, around[half:][::-1]))
    needed = max(math.fsum(heights[v] for v in held) for _, held in sides)
    tall = max(needed, min(2 * across, 74.0 * half))
    found = {}
    for way, held in sides:
        spare = (tall - math.fsum(heights[v] for v in held)) / max(len(held), 1)
        y = -tall / 2
        for v in held:
            high = heights[v] + spare
            middle = y + high / 2
            out = math.sqrt(max(0.0, 1 - (2 * middle / tall) ** 2))
            end = (v == held[-1]) - (v == held[0])
            shift = end * (heights[v] - 4 - size * LEADING) / 2
            found[v] = (way * across * out, middle, way, shift)
            y += high
    return {v: found[v] for v in around}


def _put(
    graph: Graph,
    laid: _Laid,
    names: Mapping[int, str],
    spots: dict[int, Spot],
    at: Point,
    cap: float,
) -> None:
    """Put the treatments of a ring around `at`."""
    largest = max(graph.size) or 1.0
    places = dict(laid.spots)
    if laid.ring.centre is not None:
        places[laid.ring.centre] = (0.0, 0.0, 0, 0.0)
    for v, (x, y, way, shift) in places.items():
        label = laid.labels[v]
        cut = label[-1].endswith("…") and not names[v].endswith("…")
        r = max(_DOT, cap * math.sqrt(graph.size[v] / largest))
        spots[v] = Spot(at[0] + x, at[1] + y, r, way, shift, label, cut)


# --- lines --------------------------------------------------------------------------------------


def line(places: Places, one: int, two: int, width: float) -> list[Point]:
    """The line between two treatments as points: straight, or bent where it must be."""
    a, b = places.spots[one], places.spots[two]
    ends = ((a.x, a.y), (b.x, b.y))
    others = [s for v, s in places.spots.items() if v not in (one, two)]
    straight = list(ends)
    hit = _hit(straight, others, width)
    if hit is None:
        return straight
    middle = places.middle[one]
    way = _towards(ends, middle)
    if hit.way == 0:
        way = -way
    for pull in (24.0, 44.0, 70.0, 100.0, 140.0, 190.0):
        points = _bent(*ends, way * pull)
        if _hit(points, others, width) is None:
            return points
    return _bent(*ends, way * 44.0)


def _hit(points: Sequence[Point], others: Sequence[Spot], width: float) -> Spot | None:
    """A disc that a line runs through or touches."""
    low_x, high_x = (f(p[0] for p in points) for f in (min, max))
    low_y, high_y = (f(p[1] for p in points) for f in (min, max))
    for s in others:
        gap = s.r + width / 2 + 1.5
        if not (low_x - gap < s.x < high_x + gap and low_y - gap < s.y < high_y + gap):
            continue
        pieces = itertools.pairwise(points)
        if any(distance(p, q, (s.x, s.y)) < gap for p, q in pieces):
            return s
    return None


def _towards(ends: tuple[Point, Point], middle: Point) -> float:
    """The side of a line, 1 or −1, on which the middle of the ring lies."""
    (x1, y1), (x2, y2) = ends
    turn = (x2 - x1) * (middle[1] - y1) - (y2 - y1) * (middle[0] - x1)
    return 1.0 if turn >= 0 else -1.0


def _bent(a: Point, b: Point, pull: float) -> list[Point]:
    """A parabola between two points, its handle pulled so far to the side (1: clockwise)."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    length = math.hypot(dx, dy) or 1.0
    x, y = (a[0] + b[0]) / 2 - pull * dy / length, (a[1] + b[1]) / 2 + pull * dx / length
    steps = 14
    out = []
    for i in range(steps + 1):
        t = i / steps
        p, q, r = (1 - t) ** 2, 2 * t * (1 - t), t * t
        out.append((p * a[0] + q * x + r * b[0], p * a[1] + q * y + r * b[1]))
    return out


def distance(a: Point, b: Point, p: Point) -> float:
    """How far a point is from a straight piece."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    length = dx * dx + dy * dy
    t = 0.0 if not length else ((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / length
    t = min(max(t, 0.0), 1.0)
    return math.hypot(a[0] + t * dx - p[0], a[1] + t * dy - p[1])


def along(points: Sequence[Point], start: float, end: float) -> list[Point]:
    """The part of a line between two shares of its length."""
    steps = [math.dist(points[i], points[i + 1]) for i in range(len(points) - 1)]
    total = math.fsum(steps) or 1.0
    low, high = start * total, end * total
    out: list[Point] = []
    gone = 0.0
    for i, step in enumerate(steps):
        for mark in (low, high):
            if gone <= mark <= gone + step and step:
                t = (mark - gone) / step
                a, b = points[i], points[i + 1]
                out.append((a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])))
        if low < gone + step < high:
            out.append(points[i + 1])
        gone += step
    return list(dict.fromkeys(out))
