"""Rankograms: for each treatment the chance of every rank, as small panels side by side.

Source: Salanti, Ades, Ioannidis 2011, J Clin Epidemiol 64:163, doi:10.1016/j.jclinepi.2010.03.016.
"""

from __future__ import annotations

import math

from equipoise.core.arguments import typed
from equipoise.core.table import Column, Table, Value, count, counted, fixed, percent
from equipoise.models.network.ranking import Ranking
from equipoise.present.drawing import Drawing, coord
from equipoise.present.figures.figure import PHONE, Figure, check_width, laid_out, refuse_other
from equipoise.present.figures.layout import EDGE
from equipoise.present.text import shortened, text_width

#: The least width of a panel on a page, there with many treatments, and on a phone.
_PANEL, _DENSE, _SMALL = 128.0, 104.0, 108.0
#: The height of bars, and with many treatments.
_HIGH, _LOW = 62.0, 44.0
_MANY = 40
_GAP = 18.0
#: So far down from the axis's end stand the words beside a bar that is cut.
_WORDS = 15.0
#: Round heights of the upright axis, as shares.
_TOPS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)


@typed
def plot_ranks(
    ranking: Ranking,
    *,
    title: str | None = None,
    width: float | None = None,
    prefix: str = "ranks",
) -> Figure:
    """Draw the chance of every rank for each treatment, those of the highest P-score first.

    Parameters
    ----------
    ranking
        What ``net.ranking()`` gave.
    title
        Heading of the figure.
    width
        Natural width in pixels. None draws 720 and, as `narrow`, 320.
    prefix
        Begins the ids in the drawing; unique on a page.

    Notes
    -----
    Source: Salanti et al. 2011, doi:10.1016/j.jclinepi.2010.03.016.
    """
    refuse_other(ranking, Ranking, "ranks", "what net.ranking() gives")
    check_width(width)
    heading = title or "How likely each treatment is to have each rank"
    table = _table(ranking, heading)
    desc = _said(ranking)

    def draw(wide: float, name: str) -> str:
        return _draw(ranking, heading, desc, wide, name)

    return laid_out(draw, table, desc, prefix=prefix, width=width)


def _table(ranking: Ranking, heading: str) -> Table:
    n = len(ranking.treatments)
    number = {t: i for i, t in enumerate(ranking.treatments)}
    columns = (
        Column("treatment", "Treatment"),
        Column("p_score", "P-score", align="right"),
        Column("sucra", "SUCRA", "percent", "right"),
        *(Column(f"rank{r}", f"Rank {r}", "percent", "right") for r in range(1, n + 1)),
    )
    rows: list[tuple[Value, ...]] = []
    for t in ranking.order():
        chances = [100 * float(v) for v in ranking.probabilities[number[t]]]
        rows.append((t, fixed(ranking.p_score[t], 3), 100 * ranking.sucra[t], *chances))
    return Table(heading, columns, tuple(rows), notes=tuple(note.text for note in ranking.notes))


def _said(ranking: Ranking) -> str:
    order = ranking.order()
    number = {t: i for i, t in enumerate(ranking.treatments)}
    told = []
    for t in order[:3]:
        chance = 100 * float(ranking.probabilities[number[t], 0])
        told.append(f"{t} (SUCRA {percent(100 * ranking.sucra[t])}, best {percent(chance)})")
    text = f"Ranks of {counted(len(order), 'treatment')}, {ranking.better} is better. "
    text += f"Highest: {', '.join(told)}. Lowest: {order[-1]} "
    text += f"(SUCRA {percent(100 * ranking.sucra[order[-1]])}). "
    k = len(ranking.certain)
    pairs = len(order) * (len(order) - 1) // 2
    return f"{text}{count(k)} of {counted(pairs, 'pair')} have an order that is sure."


def _draw(ranking: Ranking, title: str, desc: str, width: float, prefix: str) -> str:
    phone = width < PHONE
    d = Drawing(prefix, width, size=14 if phone else 13)
    inside = width - 2 * EDGE
    y = d.paragraph(EDGE, 22, title, inside, size=d.size + 2, bold=True)
    n = len(ranking.treatments)
    top = _top([float(v) for v in ranking.probabilities.max(axis=1)])
    high = _HIGH if n <= _MANY else _LOW
    least = _SMALL if phone else _PANEL if n <= _MANY else _DENSE
    left = EDGE + text_width("100%", 12) + 6
    room = width - left - EDGE
    columns = max(1, min(n, int((room + _GAP) // (least + _GAP))))
    panel = (room - (columns - 1) * _GAP) / columns
    number = {t: i for i, t in enumerate(ranking.treatments)}
    order = ranking.order()
    for start in range(0, n, columns):
        held = order[start : start + columns]
        names = [shortened(t, panel, d.size, 2, bold=True) for t in held]
        base = y + max(len(lines) for lines in names) * d.size * 1.25 + d.size * 1.35
        for column, (treat, lines) in enumerate(zip(held, names, strict=True)):
            x = left + column * (panel + _GAP)
            _head(d, ranking, treat, lines, x, y, base)
            chances = [float(v) for v in ranking.probabilities[number[treat]]]
            _bars(d, chances, (x, base + 10, panel, high), top, first=column == 0)
        y = base + 10 + high + 2.7 * d.size
    across = f"Across: rank, 1 is best ({ranking.better} is better). Up: chance."
    y = d.paragraph(EDGE, y, across, inside)
    for note in ranking.notes:
        y = d.paragraph(EDGE, y + 2, note.text, inside, role="neutral")
    return d.svg(y, title, desc)


def _head(
    d: Drawing, ranking: Ranking, treat: str, lines: list[str], x: float, y: float, base: float
) -> None:
    cut = lines[-1].endswith("…") and not treat.endswith("…")
    if cut:
        d.begin(treat)
    for i, words in enumerate(reversed(lines)):
        d.text(x, base - (i + 1.05) * d.size * 1.25, words, bold=True)
    if cut:
        d.end()
    d.text(x, base, f"SUCRA {percent(100 * ranking.sucra[treat])}", role="neutral")


def _bars(
    d: Drawing,
    chances: list[float],
    box: tuple[float, float, float, float],
    top: float,
    *,
    first: bool,
) -> None:
    """Draw the bars of one panel; `box` is its left, top, width and height.

    A bar that is higher than the axis is cut, and its chance written beside it.
    """
    x, y, wide, high = box
    foot = y + high
    n = len(chances)
    step = wide / n
    for share in (0.5, 1.0):
        at = foot - share * high
        d.path(f"M{coord(x)} {coord(at)}h{coord(wide)}", "", "band", under=True)
        if first:
            text = percent(100 * top * share)
            d.text(x - 5, at + 4, text, anchor="end", role="neutral", size=12)
    gap = min(2.0, 0.2 * step)
    bars = [
        f"M{x + i * step + gap / 2:.2f} {coord(foot)}v{-high * min(p / top, 1.0):.1f}"
        f"h{step - gap:.2f}V{coord(foot)}z"
        for i, p in enumerate(chances)
        if high * p / top >= 0.05
    ]
    d.path("".join(bars), "benefit")
    d.line(x, foot, x + wide, foot, role="neutral")
    highest = max(range(n), key=lambda i: chances[i])
    if chances[highest] > top * (1 + 1e-9):
        # The words stand where no other bar is as high.
        tall = [high * (1 - p / top) < _WORDS for p in chances]
        before = next((i + 1 for i in range(highest, -1, -1) if not tall[i]), 0)
        after = next((i for i in range(highest, n) if not tall[i]), n)
        bar = (x + highest * step, y, step)
        _cut(d, percent(100 * chances[highest]), bar, x + before * step, x + after * step, x + wide)
    for rank in _ticks(n, wide):
        at = x + (rank - 0.5) * step
        half = text_width(str(rank), 12) / 2
        at = min(at, d.width - half - 1)
        d.text(at, foot + 14, str(rank), anchor="middle", size=12, role="neutral")


def _cut(
    d: Drawing,
    text: str,
    bar: tuple[float, float, float],
    before: float,
    after: float,
    end: float,
) -> None:
    """Mark a bar that goes on above the axis; `bar` is its left, its top and its width.

    Its chance stands right of `after` where it ends before `end`, else left of `before`.
    """
    x, y, wide = bar
    d.polygon([(x, y + 8), (x + wide, y + 4), (x + wide, y + 7), (x, y + 11)], fill="paper")
    if after + 4 + text_width(text, 12) <= end:
        d.text(after + 4, y + 13, text, size=12)
    else:
        d.text(before - 4, y + 13, text, anchor="end", size=12)


def _top(highest: list[float]) -> float:
    """Where the upright axis ends: so that most panels can be read, not only the surest one."""
    middle = sorted(highest)[len(highest) // 2]
    wanted = min(max(highest), 2.0 * middle)
    return next(t for t in _TOPS if t >= wanted - 1e-12)


def _ticks(n: int, wide: float) -> list[int]:
    """Ranks with a number below: the first and the last, and round ones between."""
    if n * 20 <= wide:
        return list(range(1, n + 1))
    every = next(s for s in (5, 10, 20, 50, 100, 200, 500, math.inf) if wide / (n / s) >= 30)
    between = [r for r in range(0, n, int(min(every, n))) if r and n - r >= every / 2]
    return [1, *between, n]
