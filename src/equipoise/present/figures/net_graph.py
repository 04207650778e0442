"""The graph of a network: which treatments were compared, by how many trials, with how many people.

Source: PRISMA-NMA, Hutton et al. 2015, Ann Intern Med 162:777, doi:10.7326/M14-2385, items S3 and
S4, for what a graph must show.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from equipoise.certainty.rob2 import Rob
from equipoise.core.arguments import typed
from equipoise.core.errors import InputError, UnknownNameError
from equipoise.core.table import Column, Table, Value, count, counted
from equipoise.effects.blocks import Contrasts
from equipoise.models.network.reading import NetworkReading
from equipoise.present.drawing import Drawing, coord
from equipoise.present.figures.figure import NARROW, WIDE, Figure
from equipoise.present.figures.frame import Box
from equipoise.present.figures.layout import EDGE
from equipoise.present.figures.marks import ROB
from equipoise.present.figures.net_order import ring_order
from equipoise.present.figures.net_parts import Edge, Graph, Shares, graph_of
from equipoise.present.figures.net_places import (
    LEADING,
    Places,
    Point,
    Ring,
    Spot,
    along,
    distance,
    line,
    place,
)
from equipoise.present.text import text_width

#: Level → (filling of a disc, line, dashes of the line). Stripes and dashes carry the level too.
_LOOKS: dict[Rob, tuple[str, str, str]] = {
    "low": ("soft", "benefit", ""),
    "some concerns": ("hatch", "neutral", "8 3"),
    "high": ("harm", "harm", "3 2"),
    "not judged": ("paper", "icon", "1 3"),
}
_NAMES: dict[Rob, str] = {level: words for level, (_, words) in ROB.items()}
#: The widest line, and the thinnest.
_THICK, _THIN = 10.0, 1.0
#: Up to this many lines each has its number of trials written on it.
_NUMBERED = 15
#: Up to this many sets of treatments, trials of several groups are shaded.
_SHADED = 12
#: From this many treatments on, one that at least this share of the others was compared with
#: stands in the middle.
_HUB_FROM, _HUB = 9, 0.4
#: The longest name that may stand between the lines.
_HUB_NAME = 30


@dataclass(frozen=True, slots=True)
class _Shown:
    graph: Graph
    rings: tuple[Ring, ...]
    shaded: bool
    title: str
    desc: str
    most: int
    """The most trials that one line stands for."""

    def thick(self, edge: Edge, phone: bool) -> float:
        """How wide a line is."""
        dense = min(1.0, 60 / max(len(self.graph.edges), 1))
        widest = (0.7 if phone else 1.0) * max(_THICK * dense, 4.0)
        widest = min(widest, 2.0 * self.most * max(dense, 0.5)) if self.most > 1 else 1.6
        return max(_THIN, widest * edge.k / self.most)

    @property
    def order(self) -> tuple[int, ...]:
        """The treatments in the order of the drawing."""
        return tuple(v for ring in self.rings for v in ring.all)

    @property
    def composite(self) -> bool:
        """Whether some treatments are combinations."""
        return any(self.graph.composite(i) for i in range(self.graph.n))


@typed
def plot_network(
    what: NetworkReading | Contrasts,
    *,
    rob: Any = None,
    order: Sequence[str] | Figure | None = None,
    centre: str | None = "auto",
    multi_arm: bool | None = None,
    title: str | None = None,
    width: float | None = None,
    prefix: str = "network",
) -> Figure:
    """Draw which treatments trials compared: discs by people, lines by trials.

    Parameters
    ----------
    what
        What :func:`equipoise.network` gave; or contrasts with `treat1` and `treat2`, whose network
        may be in several parts: each is drawn by itself.
    rob
        Risk of bias: a level for each trial, as a mapping from its name or in the order of the
        trials. Lines are then parted by trials, discs by people.
    order
        The order around the ring: names, or an earlier figure of the network, whose order is kept;
        treatments that it lacks are put in where they cross the fewest lines.
    centre
        A treatment to stand in the middle of the ring; None for none; ``auto`` for one that most
        others were compared with, in a network of nine or more treatments.
    multi_arm
        Whether trials with three or more groups are shaded; None: where there are few.
    title
        Heading of the figure.
    width
        Natural width in pixels. None draws 720 and, as `narrow`, 320.
    prefix
        Begins the ids in the drawing; unique on a page.

    Returns
    -------
    Figure
        Its table lists the treatments in the order of the drawing, then the comparisons.

    Raises
    ------
    InputError
        For something that is no network, or levels of bias that do not fit the trials.
    UnknownNameError
        For an unknown treatment in `order`, trial, or level of bias.

    Notes
    -----
    The order depends on the network alone; a treatment that is added later is put in last where
    its comparisons are fewest, and the rest mostly stays where it was. Hand over the earlier figure
    as `order` to keep all of it.
    """
    if width is not None and not 280 <= width <= 2000:
        raise InputError(f"width={width!r}", hint="280 to 2000")
    graph = graph_of(what, rob)
    shaded = len(graph.multi) <= _SHADED if multi_arm is None else multi_arm
    shown = _Shown(
        graph,
        _rings(graph, _asked(order, graph), centre),
        shaded and bool(graph.multi),
        title or "Which treatments were compared",
        _said(graph),
        max((e.k for e in graph.edges), default=1),
    )
    wide = _draw(shown, WIDE if width is None else width, prefix)
    narrow = _draw(shown, NARROW, f"{prefix}-narrow") if width is None else ""
    return Figure(prefix, wide, _table(shown), shown.title, shown.desc, narrow)


def _asked(order: Sequence[str] | Figure | None, graph: Graph) -> list[int]:
    """The order to keep, as numbers of treatments."""
    number = {name: i for i, name in enumerate(graph.treatments)}
    if order is None:
        return []
    if isinstance(order, Figure):
        if "other" not in {c.key for c in order.table.columns}:
            raise InputError(f"the figure {order.name!r} draws no network", hint="plot_network()")
        rows = zip(order.table.column("treatment"), order.table.column("other"), strict=True)
        names = [str(one) for one, other in rows if other is None]
        return [number[name] for name in names if name in number]
    for name in order:
        if name not in number:
            raise UnknownNameError("treatment", name, graph.treatments)
    return [number[name] for name in dict.fromkeys(order)]


def _rings(graph: Graph, kept: Sequence[int], centre: str | None) -> tuple[Ring, ...]:
    if centre not in (None, "auto", *graph.treatments):
        raise UnknownNameError("treatment", str(centre), graph.treatments)
    neighbours: dict[int, dict[int, float]] = {i: {} for i in range(graph.n)}
    for e in graph.edges:
        neighbours[e.one][e.two] = neighbours[e.two][e.one] = float(e.k)
    out = []
    for piece in graph.pieces:
        hub = None
        if centre == "auto":
            hub = _hub(graph, piece, {v: len(neighbours[v]) for v in piece})
        elif centre is not None and graph.treatments.index(centre) in piece and len(piece) > 2:
            hub = graph.treatments.index(centre)
        around = [v for v in piece if v != hub]
        mine = [v for v in kept if v in around]
        out.append(Ring(tuple(ring_order(around, neighbours, kept=mine)), hub))
    return tuple(out)


def _hub(graph: Graph, piece: Sequence[int], degree: dict[int, int]) -> int | None:
    """The treatment that most others were compared with, where one stands out."""
    if len(piece) < _HUB_FROM:
        return None
    first, second = sorted(piece, key=lambda v: (-degree[v], v))[:2]
    stands_out = degree[first] >= 1.5 * degree[second]
    short = len(graph.treatments[first]) <= _HUB_NAME
    return first if stands_out and short and degree[first] >= _HUB * (len(piece) - 1) else None


# --- words --------------------------------------------------------------------------------------


def _said(graph: Graph) -> str:
    """The finding: how large the network is, what was compared most, what with one trial only."""
    pairs = graph.n * (graph.n - 1) // 2
    people = math.fsum(graph.people) if graph.counted else math.nan
    text = f"{_many(graph.k, 'trial')} of {_many(graph.n, 'treatment')}"
    text += f" with {count(people)} people" if graph.counted else ""
    text += f" compared {_many(len(graph.edges), 'pair')} of {count(pairs)} directly."
    if len(graph.pieces) > 1:
        sizes = ", ".join(str(len(p)) for p in graph.pieces)
        text += f" Nothing joins its {counted(len(graph.pieces), 'part')}, of {sizes} treatments."
    most = max(graph.edges, key=lambda e: e.k, default=None)
    if most is not None and most.k > 1 and len(graph.edges) > 1:
        one, two = graph.treatments[most.one], graph.treatments[most.two]
        text += f" Most trials compared {one} with {two}: {count(most.k)}."
        single = sum(e.k == 1 for e in graph.edges)
        text += f" {_many(single, 'pair')} rested on one trial." if single else ""
    if graph.multi:
        several = sum(k for _, k in graph.multi)
        text += f" {_many(several, 'trial')} had three or more groups."
    if graph.judged:
        high = len({s for e in graph.edges if dict(e.rob).get("high") == 1.0 for s in e.trials})
        if high:
            text += f" {_many(high, 'trial')} at high risk of bias stood alone on their pair."
    return text


def _many(n: int, word: str) -> str:
    return f"{count(n)} {word}{'' if n == 1 else 's'}"


def _caption(shown: _Shown) -> str:
    graph = shown.graph
    text = "Lines join treatments that trials compared; the more trials, the wider the line. "
    sized = "people given the treatment" if graph.counted else "trials of the treatment"
    text += f"The area of a disc is the number of {sized}"
    text += "." if graph.counted else " (people are not known for all)."
    if shown.shaded:
        text += " Shaded: treatments that one trial compared with each other at once."
    if shown.composite:
        text += " A ring marks a combination of treatments."
    if graph.judged:
        text += (
            " Lines are parted by the risk of bias of their trials, discs by that of their people."
        )
    return text


def _table(shown: _Shown) -> Table:
    graph = shown.graph
    levels = [
        x for x in ROB if any(x in dict(r) for r in (*graph.rob, *(e.rob for e in graph.edges)))
    ]
    columns = (
        Column("treatment", "Treatment"),
        Column("other", "Compared with"),
        Column("trials", "Trials", "count", "right"),
        Column("people", "People", "count", "right"),
        *(
            Column(f"rob_{x.split()[0]}", f"Risk of bias: {_NAMES[x]}", "percent", "right")
            for x in levels
        ),
    )

    def parts(shares: Shares) -> list[Value]:
        known = dict(shares)
        return [100 * known.get(x, 0.0) for x in levels]

    rows: list[tuple[Value, ...]] = []
    for v in shown.order:
        people = graph.people[v]
        known = None if math.isnan(people) else people
        rows.append((graph.treatments[v], None, graph.trials[v], known, *parts(graph.rob[v])))
    n = len(rows)
    for e in graph.edges:
        names = (graph.treatments[e.one], graph.treatments[e.two])
        rows.append((*names, e.k, None, *parts(e.rob)))
    groups = ((0, "Treatments, in the order of the drawing"), (n, "Comparisons"))
    notes = [
        f"{_many(k, 'trial')} compared {', '.join(graph.treatments[i] for i in arms)} at once."
        for arms, k in graph.multi
    ]
    return Table(
        shown.title,
        columns,
        tuple(rows),
        groups=groups if graph.edges else (),
        notes=(_caption(shown), *notes),
        missing="",
    )


# --- drawing ------------------------------------------------------------------------------------


def _draw(shown: _Shown, width: float, prefix: str) -> str:
    phone = width < 520
    d = Drawing(prefix, width, size=14 if phone else 13)
    inside = width - 2 * EDGE
    top = d.paragraph(EDGE, 22, shown.title, inside, size=d.size + 2, bold=True) - 4
    places = place(shown.graph, shown.rings, width, d.size, top)
    for y, words in places.heads:
        d.text(EDGE, y, words, role="neutral")
    if shown.shaded:
        _shades(d, shown, places)
    _lines(d, shown, places, phone)
    for v in shown.order:
        _disc(d, shown, places, v)
    y = _legend(d, shown, places, places.bottom + 1.3 * d.size, phone)
    if places.numbered:
        y = _key(d, shown, y + 4)
    y = d.paragraph(EDGE, y + 4, _caption(shown), inside, role="neutral")
    return d.svg(y, shown.title, shown.desc)


def _shades(d: Drawing, shown: _Shown, places: Places) -> None:
    rank = {v: i for i, v in enumerate(shown.order)}
    for arms, _ in shown.graph.multi:
        spots = [places.spots[v] for v in sorted(arms, key=lambda v: rank[v])]
        corners = "L".join(f"{coord(s.x)} {coord(s.y)}" for s in spots)
        d.path(f"M{corners}Z", "benefit", under=True, opacity=0.1)


def _lines(d: Drawing, shown: _Shown, places: Places, phone: bool) -> None:
    graph = shown.graph
    drawn: list[tuple[Edge, list[Point]]] = []
    for e in sorted(graph.edges, key=lambda e: (-e.k, e.one, e.two)):
        thick = shown.thick(e, phone)
        points = line(places, e.one, e.two, thick)
        drawn.append((e, points))
        one, two = graph.treatments[e.one], graph.treatments[e.two]
        d.begin(f"{one} and {two}: {_many(e.k, 'trial')}")
        if not e.rob:
            d.polyline(points, role="icon", width=thick)
        start = 0.0
        for level, share in e.rob:
            _, role, dash = _LOOKS[level]
            part = along(points, start, start + share)
            d.polyline(part, role=role, width=max(thick, 1.4), dash=dash)
            start += share
        d.end()
    if len(drawn) <= _NUMBERED:
        _numbers(d, drawn, places)


def _numbers(d: Drawing, drawn: Sequence[tuple[Edge, list[Point]]], places: Places) -> None:
    """Write the number of trials on each line, where it is clear of other lines and discs."""
    used = [Box.around(s.x, s.y, s.r + 1) for s in places.spots.values()]
    used += [_label_box(s, d.size) for s in places.spots.values()]
    for e, points in drawn:
        text = count(e.k)
        half = text_width(text, 12) / 2 + 3
        best: tuple[float, Point] | None = None
        for share in (0.5, 0.42, 0.58, 0.35, 0.65, 0.29, 0.71):
            x, y = along(points, share, share)[0]
            box = Box(x - half, y - 8, x + half, y + 8)
            if any(box.meets(other) for other in used):
                continue
            rest = (p for other, p in drawn if other is not e)
            clear = min((_clear(p, (x, y)) for p in rest), default=99.0)
            score = min(clear, 14.0) - 8 * abs(share - 0.5)
            if best is None or score > best[0] + 1e-9:
                best = (score, (x, y))
        if best is None:
            continue
        x, y = best[1]
        used.append(Box(x - half, y - 8, x + half, y + 8))
        d.rect(x - half, y - 8, 2 * half, 16, fill="paper", radius=4)
        d.text(x, y + 4.3, text, anchor="middle", size=12)


def _clear(points: Sequence[Point], at: Point) -> float:
    return min(distance(points[i], points[i + 1], at) for i in range(len(points) - 1))


def _disc(d: Drawing, shown: _Shown, places: Places, v: int) -> None:
    graph, spot = shown.graph, places.spots[v]
    people = "" if math.isnan(graph.people[v]) else f", {count(graph.people[v])} people"
    d.begin(f"{graph.treatments[v]}: {_many(graph.trials[v], 'trial')}{people}")
    if graph.composite(v):
        d.circle(spot.x, spot.y, spot.r + 3, fill="paper", stroke="ink", stroke_width=1.2)
    if graph.rob[v]:
        _pie(d, spot.x, spot.y, spot.r, graph.rob[v])
    else:
        d.circle(spot.x, spot.y, spot.r, fill="benefit", stroke="paper")
    _label(d, spot)
    d.end()


def _label_box(spot: Spot, size: float) -> Box:
    """Where the name of a treatment stands."""
    wide = max(text_width(words, size) for words in spot.label)
    tall = len(spot.label) * size * LEADING
    if spot.way == 0:
        top = spot.y + spot.r + 3
        return Box(spot.x - wide / 2 - 4, top, spot.x + wide / 2 + 4, top + tall + 4)
    near = spot.x + spot.way * (spot.r + 7)
    left, right = sorted((near, near + spot.way * wide))
    y = spot.y + spot.shift
    return Box(left, y - tall / 2, right, y + tall / 2)


def _label(d: Drawing, spot: Spot) -> None:
    step = d.size * LEADING
    if spot.way == 0:
        # In the middle lines run everywhere: the name stands on paper of its own.
        half = max(text_width(words, d.size) for words in spot.label) / 2 + 4
        top = spot.y + spot.r + 3
        d.rect(spot.x - half, top, 2 * half, len(spot.label) * step + 4, fill="paper", radius=4)
        for i, words in enumerate(spot.label):
            d.text(spot.x, top + d.size + i * step, words, anchor="middle")
        return
    x = spot.x + spot.way * (spot.r + 7)
    base = spot.y + spot.shift + d.size * 0.35 - (len(spot.label) - 1) * step / 2
    anchor = "start" if spot.way > 0 else "end"
    for i, words in enumerate(spot.label):
        d.text(x, base + i * step, words, anchor=anchor)


def _pie(d: Drawing, x: float, y: float, r: float, shares: Shares) -> None:
    if len(shares) == 1:
        d.circle(x, y, r, fill=_LOOKS[shares[0][0]][0], stroke="ink")
        return
    start = 0.0
    for level, share in shares:
        a, b = (2 * math.pi * t - math.pi / 2 for t in (start, start + share))
        x1, y1, x2, y2 = (
            coord(v)
            for v in (
                x + r * math.cos(a),
                y + r * math.sin(a),
                x + r * math.cos(b),
                y + r * math.sin(b),
            )
        )
        large = int(share > 0.5)
        arc = f"M{coord(x)} {coord(y)}L{x1} {y1}A{coord(r)} {coord(r)} 0 {large} 1 {x2} {y2}Z"
        d.path(arc, _LOOKS[level][0], "ink")
        start += share


def _legend(d: Drawing, shown: _Shown, places: Places, y: float, phone: bool) -> float:
    """Samples of lines, discs and levels of bias; return the next baseline."""
    graph, x = shown.graph, EDGE
    samples = sorted({1, shown.most}) if graph.edges else []
    for k in samples:
        words = _many(k, "trial")
        reach = 34 + text_width(words, d.size) + 18
        edge = Edge(0, 0, ("",) * k, ())
        role = "icon" if not graph.judged else "neutral"
        d.line(x, y - 4.5, x + 26, y - 4.5, role=role, width=shown.thick(edge, phone))
        d.text(x + 33, y, words)
        x += reach
    if graph.counted:
        n, r = _sample(max(graph.size), places.cap)
        words = f"{count(n)} people"
        x, y = _room(d, x, y, 2 * r + 8 + text_width(words, d.size))
        d.circle(x + r, y - 4.5, r, fill="soft" if graph.judged else "benefit", stroke="paper")
        d.text(x + 2 * r + 7, y, words)
        x += 2 * r + 7 + text_width(words, d.size) + 18
    if shown.composite:
        x, y = _room(d, x, y, 24 + text_width("a combination", d.size))
        d.circle(x + 9, y - 4.5, 8, fill="paper", stroke="ink", stroke_width=1.2)
        d.circle(x + 9, y - 4.5, 5, fill="benefit" if not graph.judged else "soft", stroke="paper")
        d.text(x + 24, y, "a combination")
        x += 24 + text_width("a combination", d.size) + 18
    if shown.shaded:
        words = "one trial of several groups"
        x, y = _room(d, x, y, 24 + text_width(words, d.size))
        corners = [(x, y + 1), (x + 9, y - 11), (x + 18, y + 1)]
        d.path(
            "M" + "L".join(f"{coord(a)} {coord(b)}" for a, b in corners) + "Z",
            "benefit",
            opacity=0.18,
        )
        d.text(x + 24, y, words)
    y += 1.7 * d.size
    return _bias(d, graph, y) if graph.judged else y


def _sample(largest: float, cap: float) -> tuple[float, float]:
    """A round number of people whose disc fits into a line, and its radius."""
    wanted = largest * min(1.0, (8.5 / cap) ** 2)
    power = 10.0 ** math.floor(math.log10(max(wanted, 1.0)))
    n = max((s * power for s in (1, 2, 5) if s * power <= wanted), default=max(1.0, wanted))
    return n, cap * math.sqrt(n / largest)


def _room(d: Drawing, x: float, y: float, reach: float) -> Point:
    """Where the next sample goes: on this line, or on the next one."""
    return (x, y) if x + reach <= d.width - EDGE else (EDGE, y + 1.7 * d.size)


def _bias(d: Drawing, graph: Graph, y: float) -> float:
    x = EDGE
    d.text(x, y, "Risk of bias:")
    x += text_width("Risk of bias:", d.size) + 14
    for level in _used(graph):
        fill, role, dash = _LOOKS[level]
        reach = 50 + text_width(_NAMES[level], d.size)
        x, y = _room(d, x, y, reach)
        d.circle(x + 7, y - 4.5, 7, fill=fill, stroke="ink")
        d.line(x + 17, y - 4.5, x + 43, y - 4.5, role=role, width=3, dash=dash)
        d.text(x + 49, y, _NAMES[level])
        x += reach + 16
    return y + 1.7 * d.size


def _used(graph: Graph) -> Iterable[Rob]:
    found = {level for shares in graph.rob for level, _ in shares}
    return [level for level in ROB if level in found]


def _key(d: Drawing, shown: _Shown, y: float) -> float:
    """The numbers of a phone's layout with the names that they stand for."""
    names = [shown.graph.treatments[v] for v in shown.order]
    left = EDGE + text_width(f"{len(names)}", d.size) + 8
    for i, name in enumerate(names, 1):
        d.text(left - 6, y, str(i), anchor="end", role="neutral")
        y = d.paragraph(left, y, name, d.width - left - EDGE)
    return y
