"""Where the columns of a wide forest plot stand: measured from their words, so nothing overlaps."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from equipoise.core.table import percent
from equipoise.present.figures.plot import Beside, Line, Plot, letter
from equipoise.present.text import shortened, text_width, wrap

#: Room between the paper's edge and what stands at it, and between two columns.
EDGE = 6.0
GAP = 14.0
#: Height of a line of words, in sizes of the font.
LEADING = 1.3
#: The plot itself: as wide as this where the figure may grow, and never less than the other.
ROOMY, TIGHT = 250.0, 110.0
#: Beyond this number of trials raw numbers below the names stand in the table alone.
RAW_ROWS = 15
#: How wide a column of words may be before they are wrapped.
_WORDS = 150.0
_LIGHT = 18.0
#: What gives way first where a given width leaves the plot too little; "own" are the user's.
_GIVE_WAY = ("raw", "weight", "own", "rob")

ColumnKind = Literal["beside", "effect", "weight", "rob"]


@dataclass(frozen=True, slots=True)
class Col:
    """A column with its place: `x` is where its words begin, end or have their middle."""

    kind: ColumnKind
    width: float
    heads: tuple[str, ...]
    anchor: Literal["start", "middle", "end"]
    group: str = ""
    beside: Beside | None = None
    x: float = 0.0

    @property
    def span(self) -> tuple[float, float]:
        """Where the column begins and ends."""
        shift = {"start": 0.0, "middle": self.width / 2, "end": self.width}[self.anchor]
        return self.x - shift, self.x - shift + self.width

    def starting_at(self, left: float) -> Col:
        """The same column with its left side there."""
        shift = {"start": 0.0, "middle": self.width / 2, "end": self.width}[self.anchor]
        return replace(self, x=left + shift)

    def lines(self, line: Line, size: float) -> list[str]:
        """The words of a further column in a line of the plot."""
        assert self.beside is not None
        return shortened(self.beside.text(line), self.width, size, 2)


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of a wide forest plot, and where the plot lies between them."""

    width: float
    label: float
    raw: bool
    lefts: tuple[Col, ...]
    rights: tuple[Col, ...]
    left: float
    right: float

    @property
    def words(self) -> float:
        """How wide words may be that begin at the left and must not reach into the plot."""
        return self.left - GAP - EDGE

    @property
    def columns(self) -> tuple[Col, ...]:
        """All columns but the one of names, from left to right."""
        return (*self.lefts, *self.rights)


def lay_out(plot: Plot, columns: Sequence[str], size: float, width: float | None) -> Layout:
    """Place the columns; without a `width` the figure is as wide as they and the plot need.

    Where a given width leaves no room for the plot, columns give way, the least needed first; the
    table has them all.
    """
    raw_below = plot.raw_below and "raw" in columns and 0 < len(plot.trials) <= RAW_ROWS
    raw = raw_below and any(raw_text(line) for line in plot.trials)
    for gone in range(len(_GIVE_WAY) + 1):
        kept = {*columns, "own"} - {*_GIVE_WAY[:gone]}
        made = _placed(plot, kept, size, width, raw)
        if width is None or made.right - made.left >= TIGHT:
            break
    return made


def _placed(
    plot: Plot, columns: Collection[str], size: float, width: float | None, raw: bool
) -> Layout:
    lefts = _even(plot, [_beside(plot, b, size) for b in _shown(plot, columns, "left")], size)
    rights: list[Col] = []
    if "effect" in columns:
        rights.append(_effect(plot, size))
    if "weight" in columns and plot.weighted:
        rights.append(_weight(plot, size))
    rights += _even(plot, [_beside(plot, b, size) for b in _shown(plot, columns, "right")], size)
    if "rob" in columns and any(line.rob for line in plot.lines):
        rights.append(_rob(plot, size))
    taken = sum(col.width + GAP for col in (*lefts, *rights)) + 2 * EDGE + 2 * GAP
    most = 240.0 if width is None else width * 0.31
    label = _label(plot, size, most, raw)
    if width is None:
        width = max(720.0, round(taken + label + ROOMY))
    x = EDGE + label
    placed: list[Col] = []
    for col in lefts:
        placed.append(col.starting_at(x + GAP))
        x += GAP + col.width
    left = x + GAP
    x = width - EDGE
    right: list[Col] = []
    for col in reversed(rights):
        right.insert(0, col.starting_at(x - col.width))
        x -= col.width + GAP
    # A wide column of figures is set off from arrows at the end of the axis.
    return Layout(width, label, raw, tuple(placed), tuple(right), left, x - 2)


def _shown(plot: Plot, columns: Collection[str], side: str) -> list[Beside]:
    def stands(b: Beside) -> bool:
        if b.key in ("treated", "control", "n1", "n2"):
            return "raw" in columns and not plot.raw_below
        return "own" in columns

    return [b for b in plot.beside if b.side == side and stands(b)]


def _beside(plot: Plot, beside: Beside, size: float) -> Col:
    texts = [beside.text(line) for line in plot.lines]
    bold = [beside.text(line) for line in plot.lines if line.kind == "total"]
    wide = max(
        [
            *(text_width(text, size) for text in texts),
            *(text_width(text, size, bold=True) for text in bold),
            12.0,
        ]
    )
    width = min(wide, _WORDS)
    longest = max(text_width(word, size, bold=True) for word in beside.label.split() or [""])
    heads = wrap(beside.label, max(width, min(longest, _WORDS)), size, bold=True)
    width = max([width, *(text_width(h, size, bold=True) for h in heads)])
    anchor: Literal["start", "end"] = "start" if beside.align == "left" else "end"
    return Col("beside", width, tuple(heads), anchor, beside.group, beside)


def _even(plot: Plot, cols: list[Col], size: float) -> list[Col]:
    """The same columns, wide enough for the headings that neighbours share."""
    made = list(cols)
    for group in dict.fromkeys(col.group for col in cols if col.group):
        at = [i for i, col in enumerate(made) if col.group == group]
        own = sum(made[i].width for i in at) + GAP * (len(at) - 1)
        longest = max(text_width(word, size, bold=True) for word in group.split() or [""])
        words = wrap(group, max(own, min(longest, _WORDS)), size, bold=True)
        lacks = max(text_width(w, size, bold=True) for w in words) - own
        if lacks > 0:
            for i in at:
                made[i] = replace(made[i], width=made[i].width + lacks / len(at))
    return made


def _effect(plot: Plot, size: float) -> Col:
    wide = [text_width(plot.said(line), size, bold=line.main) for line in plot.lines]
    natural = max([*wide, 60.0])
    heads = [
        part
        for head in plot.effect_head
        for part in wrap(head, max(natural, 110.0), size, bold=True)
    ]
    wide += [text_width(head, size, bold=True) for head in heads]
    return Col("effect", max([*wide, 40.0]), tuple(heads), "end")


def _weight(plot: Plot, size: float) -> Col:
    wide = text_width(plot.weight_head, size, bold=True)
    wide = max([wide, *(text_width(weight_text(line), size) for line in plot.lines)])
    return Col("weight", wide, (plot.weight_head,), "end")


def weight_text(line: Line) -> str:
    """A weight as a reader sees it; "" where a line has none."""
    return percent(line.weight) if line.weight == line.weight else ""


def _rob(plot: Plot, size: float) -> Col:
    if plot.domains:
        return Col("rob", _LIGHT * len(plot.domains), ("",), "start", "Risk of bias")
    return Col("rob", max(30.0, text_width("Bias", size, bold=True)), ("Bias",), "middle")


def light_places(col: Col, plot: Plot) -> list[tuple[float, str]]:
    """Where the traffic lights of each domain stand, with their letters."""
    left = col.span[0]
    return [(left + _LIGHT * (i + 0.5), letter(i).upper()) for i in range(len(plot.domains))]


def _label(plot: Plot, size: float, most: float, raw: bool) -> float:
    wide = []
    for line in plot.lines:
        if line.kind == "words":
            continue
        bold = line.kind in ("total", "heading")
        wide.append(text_width(f"{line.label} {marks_of(plot, line)}", size, bold=bold))
        if raw:
            wide.append(text_width(raw_text(line), size))
    return min(max([120.0, *wide]), most)


#: Beyond this number of different remarks they stand in the table alone.
MOST_REMARKS = 8


def marks_of(plot: Plot, line: Line) -> str:
    """The letters of a line's remarks, or a star where there are too many to list."""
    if len(plot.flags) > MOST_REMARKS:
        return "*" if line.flags else ""
    return ",".join(letter(plot.flags.index(flag)) for flag in dict.fromkeys(line.flags))


def raw_text(line: Line) -> str:
    """The numbers of both groups in one line, for the place below a name."""
    treated, control = (str(line.cells.get(key) or "") for key in ("treated", "control"))
    if treated and control:
        return f"{treated} v {control}"
    return treated or control
