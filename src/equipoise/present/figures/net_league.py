"""The league table as a picture: every treatment against every other, coloured by certainty.

Below the diagonal stands what the whole network says, above it what trials say that compared the
two. Mirrored cells are the same comparison: the treatment that comes first against the other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from equipoise.certainty.cinema import Cinema
from equipoise.core.arguments import typed
from equipoise.core.errors import InputError, UnknownNameError
from equipoise.core.order import natural
from equipoise.core.table import Column, Table, Value, count, counted, percent
from equipoise.effects.measures import Measure, measure_of
from equipoise.models.network.fit import NetworkFit
from equipoise.models.network.reading import NetworkEffect, NetworkReading
from equipoise.num.dist import critical
from equipoise.present.drawing import Drawing
from equipoise.present.figures.figure import NARROW, Figure, check_width, refuse_other
from equipoise.present.figures.layout import EDGE
from equipoise.present.figures.net_matrix import (
    Cell,
    Grid,
    Matrix,
    Sign,
    brief,
    draw_key,
    draw_matrix,
    draw_sign,
    lay_out,
)
from equipoise.present.figures.net_parts import excluding
from equipoise.present.figures.net_rows import RANK
from equipoise.present.figures.plot import Better, capital, check_better, kind_of_measure, writer
from equipoise.present.text import text_width

#: Certainty → (colour, dots in the corner).
_SURE: dict[str, tuple[str, int]] = {
    "high": ("good", 4),
    "moderate": ("soft", 3),
    "low": ("doubt", 2),
    "very low": ("bad", 1),
}
#: How dark a cell is by the size of its effect: up to a third of the largest, two thirds, beyond.
_SHADES = (0.1, 0.24, 0.42)
#: Up to this many treatments cells have numbers; beyond the last no league can be read.
_NUMBERS, _MOST = 30, 60

Bounds = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class _League:
    net: NetworkReading
    measure: Measure
    names: tuple[str, ...]
    network: Mapping[tuple[int, int], NetworkEffect]
    direct: Mapping[tuple[int, int], Bounds]
    sure: Mapping[tuple[int, int], str]
    better: Better | None
    title: str
    desc: str

    @property
    def largest(self) -> float:
        """The largest effect, on the scale of analysis."""
        return max((abs(e.estimate - self.null) for e in self.network.values()), default=1.0) or 1.0

    @property
    def null(self) -> float:
        """No effect, on the scale of analysis."""
        null = self.measure.no_effect
        return 0.0 if math.isnan(null) else null

    @property
    def numbers(self) -> bool:
        """Whether cells have numbers."""
        return len(self.names) <= _NUMBERS

    def good(self, estimate: float) -> bool:
        """Whether a value is one that favours the first treatment; a lower one where none is."""
        return (estimate < self.null) == (self.better != "higher")


@typed
def plot_league(
    net: NetworkReading,
    *,
    treatments: Sequence[str] | None = None,
    order: str = "given",
    better: Better | None = None,
    certainty: Cinema | Mapping[tuple[str, str], str] | None = None,
    title: str | None = None,
    width: float | None = None,
    prefix: str = "league",
) -> Figure:
    """Draw the effect of every treatment against every other.

    Parameters
    ----------
    net
        What :func:`equipoise.network` gave.
    treatments
        Those to draw, in the order wanted. None: all.
    order
        ``given``, or ``rank``: by P-score, the best first; needs `better`.
    better
        ``lower`` or ``higher``: which values are good. Without it colours say only what is lower.
    certainty
        What ``cinema()`` gave, or for pairs of treatments how sure the estimate is: ``high``,
        ``moderate``, ``low``, ``very low``. Cells are coloured by it, with as many dots; without
        it by the size of the effect.
    title
        Heading of the figure.
    width
        Natural width in pixels. None draws as wide as needed and, as `narrow`, 320.
    prefix
        Begins the ids in the drawing; unique on a page.

    Returns
    -------
    Figure
        Its table has one row a pair, the first treatment against the second.

    Raises
    ------
    InputError
        For more treatments than can be read (60), or ranks without a direction of benefit.
    UnknownNameError
        For an unknown treatment, order or level of certainty.
    """
    refuse_other(net, NetworkReading, "a league table", "what network() gives")
    check_width(width)
    check_better(better)
    names = _names(net, treatments, order, better)
    league = _gathered(net, names, better, _levels(certainty, net), title)
    wide = _draw(league, width, prefix)
    narrow = _draw(league, NARROW, f"{prefix}-narrow") if width is None else ""
    return Figure(prefix, wide, _table(league), league.title, league.desc, narrow)


def _names(
    net: NetworkReading, treatments: Sequence[str] | None, order: str, better: Better | None
) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(net.treatments if treatments is None else treatments))
    for name in names:
        if name not in net.treatments:
            raise UnknownNameError("treatment", name, net.treatments)
    if order not in ("given", RANK):
        raise UnknownNameError("order", order, ("given", RANK))
    if order == RANK:
        if better is None or not isinstance(net, NetworkFit):
            raise InputError("ranks without a direction of benefit", hint="better='lower'")
        scores = net.ranking(better, draws=1000).p_score
        names = tuple(sorted(names, key=lambda t: (-scores[t], natural(t))))
    if not 2 <= len(names) <= _MOST:
        raise InputError(
            f"a league table of {counted(len(names), 'treatment')}",
            hint="treatments= names those to draw; forest(net) draws all against one",
        )
    return names


def _levels(
    certainty: Cinema | Mapping[tuple[str, str], str] | None, net: NetworkReading
) -> dict[frozenset[str], str]:
    out: dict[frozenset[str], str] = {}
    if certainty is not None and not isinstance(certainty, (Cinema, Mapping)):
        raise InputError(
            f"certainty as a {type(certainty).__name__}",
            where="argument certainty",
            hint="what cinema() gives, or {('A', 'B'): 'low', …}",
        )
    if isinstance(certainty, Cinema):
        certainty = {(r.what[0], r.what[1]): r.level for r in certainty.rows if len(r.what) == 2}
    for pair, level in (certainty or {}).items():
        for name in (pair,) if isinstance(pair, str) else pair:
            if name not in net.treatments:
                raise UnknownNameError("treatment", name, net.treatments, where="certainty")
        if isinstance(pair, str) or len({*pair}) != 2:
            what = f"certainty of {pair!r}"
            raise InputError(what, where="argument certainty", hint="pairs: {('A', 'B'): 'low', …}")
        if not isinstance(level, str) or level not in _SURE:
            raise UnknownNameError("certainty", str(level), _SURE)
        out[frozenset(pair)] = level
    return out


def _gathered(
    net: NetworkReading,
    names: tuple[str, ...],
    better: Better | None,
    levels: Mapping[frozenset[str], str],
    title: str | None,
) -> _League:
    measure = measure_of(net.measure)
    pairs = [(i, j) for i in range(len(names)) for j in range(i + 1, len(names))]
    network = {(i, j): net.effect(names[i], names[j]) for i, j in pairs}
    sure = {
        (i, j): levels[key] for i, j in pairs if (key := frozenset((names[i], names[j]))) in levels
    }
    league = _League(
        net,
        measure,
        names,
        network,
        _direct(net, names),
        sure,
        better,
        title or f"{capital(measure.name)} of every treatment against every other",
        "",
    )
    fields = {name: getattr(league, name) for name in league.__slots__}
    return _League(**{**fields, "desc": _said(league)})


def _direct(net: NetworkReading, names: tuple[str, ...]) -> dict[tuple[int, int], Bounds]:
    """Direct estimates with their intervals, where the fit splits its evidence."""
    if not isinstance(net, NetworkFit):
        return {}
    split = net.split()
    reach = critical(split.level, split.df)
    number = {name: i for i, name in enumerate(names)}
    out = {}
    rows = zip(split.treat1, split.treat2, split.k, split.direct, split.direct_se, strict=True)
    for one, two, k, value, se in rows:
        if not k or one not in number or two not in number:
            continue
        i, j = number[one], number[two]
        value, half = float(value), reach * float(se)
        value = value if i < j else -value
        out[(min(i, j), max(i, j))] = (value, value - half, value + half)
    return out


def _said(league: _League) -> str:
    """The finding: how many pairs differ, and which most."""
    k, n = len(league.network), len(league.names)
    clear = [pair for pair, e in league.network.items() if _clear(league, e)]
    text = (
        f"{counted(n, 'treatment')}, {counted(k, 'pair')}, {count(len(league.direct))} compared "
        "directly."
    )
    text += f" {excluding(len(clear))}"
    if clear:
        i, j = max(clear, key=lambda pair: abs(league.network[pair].estimate - league.null))
        e = league.network[(i, j)]
        write = writer(league.measure)
        value = write(league.measure.back(e.estimate))
        text += f" The largest: {league.names[i]} against {league.names[j]}, {value}."
    if league.sure:
        levels = [sum(v == level for v in league.sure.values()) for level in _SURE]
        told = [f"{count(m)} {level}" for m, level in zip(levels, _SURE, strict=True) if m]
        text += f" Certainty: {', '.join(told)}."
    return text


def _clear(league: _League, effect: NetworkEffect) -> bool:
    return not effect.ci.low <= league.null <= effect.ci.high


def _caption(league: _League, grid: Grid) -> str:
    level = percent(100 * league.net.level)
    text = (
        "Each cell is the treatment that comes first in the order against the one that comes later"
    )
    text += ": below the diagonal what the whole network says, the column against the row"
    if league.direct:
        text += "; above it what trials say that compared the two, the row against the column"
    text += "."
    if grid.words:
        text += f" Estimate, then its {level} interval; bold where that excludes no difference."
    elif not league.sure:
        text += (
            f" A sign where the {level} interval excludes no difference; the table has the numbers."
        )
    else:
        text += " The table has the numbers."
    return text


# --- drawing ------------------------------------------------------------------------------------


def _matrix(league: _League, grid_words: bool) -> Matrix:
    n = len(league.names)
    rows: list[tuple[Cell | None, ...]] = []
    for i in range(n):
        row: list[Cell | None] = []
        for j in range(n):
            if i == j:
                row.append(None)
            elif j < i:
                e = league.network[(j, i)]
                row.append(_cell(league, (j, i), (e.estimate, e.ci.low, e.ci.high), grid_words))
            elif (i, j) in league.direct:
                row.append(_cell(league, (i, j), league.direct[(i, j)], grid_words, direct=True))
            else:
                row.append(Cell())
        rows.append(tuple(row))
    return Matrix(league.names, tuple(rows))


def _cell(
    league: _League,
    pair: tuple[int, int],
    bounds: Bounds,
    words: bool,
    *,
    direct: bool = False,
) -> Cell:
    mid, low, high = bounds
    clear = not low <= league.null <= high
    write = writer(league.measure)
    value, start, end = (brief(write(v), v) for v in map(league.measure.back, bounds))
    one, two = league.names[pair[0]], league.names[pair[1]]
    kind = "direct" if direct else "network"
    title = f"{one} against {two}, {kind}: {value} ({start} to {end})"
    lines: tuple[str, ...] = ()
    if words:
        short = len(league.names) <= 8
        lines = (value, f"{start} to {end}") if short else (value, f"{start} to", end)
    level = league.sure.get(pair)
    if league.sure:
        fill, dots = _SURE[level] if level and not direct else ("", 0)
        title += f"; certainty {level}" if level else ""
        return Cell(lines, fill, 1.0, clear, "dots" if dots else "", dots, title=title)
    third = min(2, int(3 * abs(mid - league.null) / league.largest - 1e-9))
    fill = "benefit" if league.good(mid) else "harm"
    sign: Sign = "up" if mid > league.null else "down"
    if not clear:
        sign = "up open" if sign == "up" else "down open"
    return Cell(lines, fill, _SHADES[max(third, 0)], clear, sign, title=title)


def _draw(league: _League, width: float | None, prefix: str) -> str:
    matrix = _matrix(league, league.numbers)
    grid = lay_out(matrix, width, least=15.0)
    d = Drawing(prefix, grid.width, size=grid.size)
    inside = grid.width - 2 * EDGE
    y = d.paragraph(EDGE, 22, league.title, inside, size=d.size + 2, bold=True)
    y = draw_matrix(d, matrix, grid, y - 4)
    y = _legend(d, league, grid, y)
    if grid.keyed:
        y = draw_key(d, league.names, y + 4)
    y = d.paragraph(EDGE, y + 4, _caption(league, grid), inside, role="neutral")
    return d.svg(y, league.title, league.desc)


def _legend(d: Drawing, league: _League, grid: Grid, y: float) -> float:
    if league.sure:
        return _legend_sure(d, league, y)
    write = writer(league.measure)
    first = {None: "lower", "lower": "the first is better", "higher": "the first is better"}
    other = {None: "higher", "lower": "the later is better", "higher": "the later is better"}
    down = league.better != "higher"
    for fill, words in (("benefit", first[league.better]), ("harm", other[league.better])):
        x = EDGE
        way = -1 if (fill == "benefit") == down else 1
        for third, shade in enumerate(_SHADES, 1):
            end = league.null + way * league.largest * third / 3
            text = write(league.measure.back(end))
            wide = max(44.0, text_width(text, d.size) + 10)
            d.rect(x, y - d.size - 1, wide, d.size + 7, fill=fill, opacity=shade)
            d.text(x + wide / 2, y, text, anchor="middle")
            x += wide + 2
        y = d.paragraph(x + 8, y, f"up to this: {words}", d.width - x - 8 - EDGE) + 6
    if not grid.words:
        return _legend_signs(d, y)
    return y


def _legend_signs(d: Drawing, y: float) -> float:
    x = EDGE
    signs: tuple[tuple[tuple[Sign, ...], str], ...] = (
        (("up",), "higher"),
        (("down",), "lower"),
        (("up open", "down open"), "may be no difference"),
    )
    for drawn, words in signs:
        reach = 15 * len(drawn) + 5 + text_width(words, d.size)
        if x > EDGE and x + reach > d.width:
            x, y = EDGE, y + 1.6 * d.size
        for sign in drawn:
            draw_sign(d, sign, x + 5.5, y - 4, 5.5)
            x += 15
        d.text(x + 2, y, words)
        x += reach + 14 - 15 * len(drawn)
    return y + 1.6 * d.size


def _legend_sure(d: Drawing, league: _League, y: float) -> float:
    x = EDGE
    d.text(x, y, "Certainty:")
    x += text_width("Certainty:", d.size) + 12
    for level, (fill, dots) in _SURE.items():
        if level not in league.sure.values():
            continue
        reach = 46 + text_width(level, d.size)
        if x + reach > d.width:
            x, y = EDGE, y + 1.7 * d.size
        d.rect(x, y - d.size, 38, d.size + 4, fill=fill, stroke="rule")
        for i in range(dots):
            d.circle(x + 8 + i * 7, y - 0.35 * d.size, 2.2)
        d.text(x + 45, y, level)
        x += reach + 14
    return y + 1.7 * d.size


# --- table --------------------------------------------------------------------------------------


def _table(league: _League) -> Table:
    kind = kind_of_measure(league.measure)
    level = percent(100 * league.net.level)
    columns = [
        Column("first", "First"),
        Column("second", "Against"),
        Column("network", f"{capital(league.measure.name)}: network", kind, "right"),
        Column("low", f"{level} interval from", kind, "right"),
        Column("high", "to", kind, "right"),
        Column("direct", "Direct", kind, "right"),
        Column("direct_low", f"{level} interval from", kind, "right"),
        Column("direct_high", "to", kind, "right"),
        Column("certainty", "Certainty"),
    ]
    back = league.measure.back
    rows: list[tuple[Value, ...]] = []
    for (i, j), e in league.network.items():
        own = league.direct.get((i, j))
        rows.append(
            (
                league.names[i],
                league.names[j],
                *(back(v) for v in (e.estimate, e.ci.low, e.ci.high)),
                *((None, None, None) if own is None else map(back, own)),
                league.sure.get((i, j)),
            )
        )
    at = [i for i in range(len(columns)) if i < 5 or any(row[i] is not None for row in rows)]
    return Table(
        league.title,
        tuple(columns[i] for i in at),
        tuple(tuple(row[i] for i in at) for row in rows),
        missing="",
    )
