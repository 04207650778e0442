"""Pictures of shares and of disagreement: contributions to estimates, and the net heat plot."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from equipoise.core.arguments import typed
from equipoise.core.errors import InputError, UnknownNameError
from equipoise.core.table import (
    Column,
    Table,
    Value,
    count,
    counted,
    fixed,
    p_value,
    percent,
    significant,
)
from equipoise.effects.columns import Floats
from equipoise.models.network.contributions import Contributions, TrialContributions
from equipoise.models.network.heat import NetHeat
from equipoise.present.drawing import Drawing
from equipoise.present.figures.figure import NARROW, Figure, check_width, refuse_other
from equipoise.present.figures.layout import EDGE
from equipoise.present.figures.net_matrix import (
    Cell,
    Grid,
    Matrix,
    Sign,
    any_cut,
    draw_key,
    draw_matrix,
    lay_out,
)
from equipoise.present.text import text_width

#: How dark a cell may become; black words keep a contrast of 4.5 on it.
_DARK, _HEAT = 0.42, 0.38
#: What can still be read: rows, columns.
_ROWS, _COLUMNS = 120, 80
#: Up to this many elements the net heat plot writes its numbers.
_WRITTEN = 30


@typed
def plot_contributions(
    what: Contributions | TrialContributions,
    *,
    estimates: str | Sequence[tuple[str, str]] | None = None,
    least: float = 0.005,
    title: str | None = None,
    width: float | None = None,
    prefix: str = "contributions",
) -> Figure:
    """Draw what each estimate of a network rests on: rows of estimates, columns of evidence.

    Parameters
    ----------
    what
        What ``net.contributions()`` or ``net.trial_contributions()`` gave.
    estimates
        A treatment (its estimates against all others), or pairs. None: all.
    least
        Columns whose share is below this in every row drawn are left out of the drawing; the
        table keeps them.
    title
        Heading of the figure.
    width
        Natural width in pixels. None draws as wide as needed and, as `narrow`, 320.
    prefix
        Begins the ids in the drawing; unique on a page.

    Raises
    ------
    InputError
        For more rows or columns than can be read.
    UnknownNameError
        For an unknown treatment or estimate.
    """
    kinds = (Contributions, TrialContributions)
    refuse_other(what, kinds, "contributions", "what net.contributions() gives")
    check_width(width)
    if not 0.0 <= least <= 1.0:
        raise InputError(f"least={least:g}", where="argument least", hint="a share from 0 to 1")
    at = _wanted(what, estimates)
    if not at:
        raise InputError("no estimate to draw", hint="estimates=None draws all")
    if isinstance(what, TrialContributions):
        evidence, heads = "trial", what.trials
    else:
        evidence, heads = "direct comparison", tuple(" : ".join(c) for c in what.comparisons)
    shares = np.asarray(what.shares)[at]
    rows = tuple(" : ".join(what.estimates[i]) for i in at)
    shown = [j for j in range(len(heads)) if float(shares[:, j].max()) >= least]
    if len(rows) > _ROWS or len(shown) > _COLUMNS:
        raise InputError(
            f"contributions of {counted(len(shown), 'column')} to "
            f"{counted(len(rows), 'estimate')} cannot be read",
            hint="estimates='placebo' draws those against one treatment; least=0.05 the largest",
        )
    heading = title or f"What each {evidence} contributes to each estimate"
    desc = _said(rows, heads, shares, evidence)
    matrix = Matrix(
        rows,
        tuple(tuple(_share(float(row[j])) for j in shown) for row in shares),
        tuple(heads[j] for j in shown),
    )
    left_out = len(heads) - len(shown)
    caption = f"Percent of each estimate (row) that comes from each {evidence} (column); "
    caption += f"each row adds up to 100. Method: {what.method.replace('-', ' ')}."
    if left_out:
        caption += (
            f" {counted(left_out, 'column')} with less than {percent(100 * least)} are not drawn."
        )

    def draw(wide: float | None, name: str) -> str:
        return _draw_shares(matrix, heading, desc, caption, wide, name)

    table = Table(
        heading,
        (
            Column("estimate", "Estimate"),
            *(Column(f"c{j + 1}", head, "percent", "right") for j, head in enumerate(heads)),
        ),
        tuple(
            (name, *(100 * float(v) for v in row)) for name, row in zip(rows, shares, strict=True)
        ),
        missing="",
    )
    narrow = draw(NARROW, f"{prefix}-narrow") if width is None else ""
    return Figure(prefix, draw(width, prefix), table, heading, desc, narrow)


def _wanted(
    what: Contributions | TrialContributions, estimates: str | Sequence[tuple[str, str]] | None
) -> list[int]:
    if estimates is None:
        return list(range(len(what.estimates)))
    if isinstance(estimates, str):
        at = [i for i, pair in enumerate(what.estimates) if estimates in pair]
        if not at:
            names = list(dict.fromkeys(name for pair in what.estimates for name in pair))
            raise UnknownNameError("treatment", estimates, names)
        return at
    number = {frozenset(pair): i for i, pair in enumerate(what.estimates)}
    out = []
    for pair in estimates:
        if frozenset(pair) not in number:
            known = [" : ".join(p) for p in what.estimates]
            raise UnknownNameError("estimate", " : ".join(pair), known)
        out.append(number[frozenset(pair)])
    return out


def _said(rows: Sequence[str], heads: Sequence[str], shares: Floats, evidence: str) -> str:
    mean = shares.mean(axis=0)
    first = int(np.argmax(mean))
    text = f"{count(len(rows))} {'estimate' if len(rows) == 1 else 'estimates'} from "
    text += f"{count(len(heads))} {evidence}{'' if len(heads) == 1 else 's'}."
    text += f" On average {heads[first]} contributes most, {percent(100 * float(mean[first]))}."
    i, j = (int(v) for v in np.unravel_index(int(np.argmax(shares)), shares.shape))
    told = percent(100 * float(shares[i, j]))
    return f"{text} The largest share: {told} of {rows[i]} from {heads[j]}."


def _share(value: float) -> Cell:
    if value < 0.005:
        return Cell()
    return Cell((fixed(100 * value, 0),), "benefit", round(0.04 + (_DARK - 0.04) * value, 2))


def _draw_shares(
    matrix: Matrix, title: str, desc: str, caption: str, width: float | None, prefix: str
) -> str:
    grid = lay_out(matrix, width)
    d = Drawing(prefix, grid.width, size=grid.size)
    inside = grid.width - 2 * EDGE
    y = d.paragraph(EDGE, 22, title, inside, size=d.size + 2, bold=True)
    y = draw_matrix(d, matrix, grid, y - 4)
    y = _ramp(d, y)
    y = _keys(d, matrix, grid, y)
    y = d.paragraph(EDGE, y + 4, caption, inside, role="neutral")
    return d.svg(y, title, desc)


def _ramp(d: Drawing, y: float) -> float:
    """Samples of shades with the shares that they stand for."""
    x = EDGE
    for value in (0.0, 0.25, 0.5, 0.75, 1.0):
        text = f"{100 * value:g}%"
        d.rect(
            x, y - d.size - 1, 48, d.size + 7, fill="benefit", opacity=0.04 + (_DARK - 0.04) * value
        )
        d.text(x + 24, y, text, anchor="middle")
        x += 50
    return y + 1.8 * d.size


def _keys(d: Drawing, matrix: Matrix, grid: Grid, y: float) -> float:
    """What the numbers of rows and columns stand for, where there are numbers."""
    if grid.keyed:
        y = d.paragraph(EDGE, y + 4, "Rows", d.width - 2 * EDGE, bold=True)
        y = draw_key(d, matrix.rows, y)
    if grid.numbered and matrix.heads is not None:
        y = d.paragraph(EDGE, y + 4, "Columns", d.width - 2 * EDGE, bold=True)
        y = draw_key(d, matrix.heads, y)
    return y


# --- net heat -----------------------------------------------------------------------------------


@typed
def plot_net_heat(
    heat: NetHeat,
    *,
    title: str | None = None,
    width: float | None = None,
    prefix: str = "net-heat",
) -> Figure:
    """Draw which designs drive what inconsistency there is, and which estimates they touch.

    Parameters
    ----------
    heat
        What ``net.net_heat()`` gave.
    title
        Heading of the figure.
    width
        Natural width in pixels. None draws as wide as needed and, as `narrow`, 320.
    prefix
        Begins the ids in the drawing; unique on a page.

    Raises
    ------
    InputError
        For more elements than can be read.

    Notes
    -----
    Source: Krahn, Binder & König 2013, BMC Med Res Methodol 13:35, doi:10.1186/1471-2288-13-35.
    """
    refuse_other(heat, NetHeat, "a net heat plot", "what net.net_heat() gives")
    check_width(width)
    if len(heat) > _COLUMNS:
        raise InputError(f"a net heat plot of {len(heat)} elements", hint="net.decomposition()")
    _, change, hat = heat.ordered()
    names = tuple(_element(heat, i) for i in heat.order)
    largest = float(np.abs(change).max()) or 1.0
    written = len(names) <= _WRITTEN
    cells = tuple(
        tuple(
            _heat(float(change[i, j]), float(hat[i, j]), largest, written=written)
            for j in range(len(names))
        )
        for i in range(len(names))
    )
    matrix = Matrix(names, cells)
    heading = title or "Net heat: which comparisons disagree with the rest"
    desc = _heat_said(heat, names, change)
    caption = (
        "Warm, above 0 or a sign pointing up: detaching the column's design takes that much of the "
        "row's inconsistency away. Cool, below 0 or pointing down: the column supports the row. "
        "Grey squares: the share of the column's direct evidence in the row's network estimate."
    )
    if heat.left_out:
        caption += f" Nothing else tells about {', '.join(heat.left_out)}."

    def draw(wide: float | None, name: str) -> str:
        grid = lay_out(matrix, wide, least=16.0)
        d = Drawing(name, grid.width, size=grid.size)
        inside = grid.width - 2 * EDGE
        y = d.paragraph(EDGE, 22, heading, inside, size=d.size + 2, bold=True)
        y = draw_matrix(d, matrix, grid, y - 4)
        y = _heat_legend(d, largest, y)
        if grid.keyed or (grid.numbered and any_cut(matrix, grid)):
            y = draw_key(d, names, y + 4)
        y = d.paragraph(EDGE, y + 4, caption, inside, role="neutral")
        return d.svg(y, heading, desc)

    rows: list[tuple[Value, ...]] = [
        (names[i], names[j], significant(float(change[i, j]), 6), percent(100 * float(hat[i, j])))
        for i in range(len(names))
        for j in range(len(names))
    ]
    table = Table(
        heading,
        (
            Column("row", "Row"),
            Column("column", "Column"),
            Column("q_diff", "Change of Q", align="right"),
            Column("hat", "Share of evidence", align="right"),
        ),
        tuple(rows),
        notes=tuple(str(note) for note in heat.notes),
    )
    narrow = draw(NARROW, f"{prefix}-narrow") if width is None else ""
    return Figure(prefix, draw(width, prefix), table, heading, desc, narrow)


def _element(heat: NetHeat, i: int) -> str:
    """A comparison, and the design that it is of where that has several groups."""
    pair = f"{heat.treat1[i]}:{heat.treat2[i]}"
    return pair if heat.design[i] == heat.label[i] else f"{pair} (of {heat.design[i]})"


def _heat(change: float, hat: float, largest: float, *, written: bool) -> Cell:
    size = min(abs(change) / largest, 1.0)
    fill = "harm" if change > 0 else "benefit"
    places = max(0, 1 - math.floor(math.log10(largest)))
    lines = ("" if size < 0.02 else fixed(change, places),) if written else ()
    sign: Sign = "" if size < 0.1 else "up" if change > 0 else "down"
    shade = round(_HEAT * size, 2)
    return Cell(
        lines,
        fill if shade else "",
        shade,
        False,
        sign,
        square=min(abs(hat), 1.0),
    )


def _heat_legend(d: Drawing, largest: float, y: float) -> float:
    x = EDGE
    for share in (-1.0, -0.5, 0.0, 0.5, 1.0):
        text = significant(largest * share, 2)
        wide = max(48.0, text_width(text, d.size) + 10)
        fill = "" if not share else "harm" if share > 0 else "benefit"
        d.rect(
            x,
            y - d.size - 1,
            wide,
            d.size + 7,
            fill=fill,
            opacity=_HEAT * abs(share),
            stroke="rule",
        )
        d.text(x + wide / 2, y, text, anchor="middle")
        x += wide + 2
    return y + 1.8 * d.size


def _heat_said(heat: NetHeat, names: Sequence[str], change: Floats) -> str:
    q = heat.between
    text = f"{counted(len(names), 'comparison')} of designs. Q between designs "
    text += f"{significant(q.q, 4)} on {count(q.df)}\u00a0df, p\u00a0{p_value(q.p_value)}."
    first = int(np.argmin(heat.detached))
    text += f" It falls most, to {significant(float(heat.detached[first]), 4)}, without "
    text += f"{heat.design[first]}."
    off = np.array(change)
    np.fill_diagonal(off, -math.inf)
    i, j = (int(v) for v in np.unravel_index(int(np.argmax(off)), off.shape))
    if len(names) > 1 and off[i, j] > 0:
        text += f" The warmest cell: {names[i]} eases without {names[j]}."
    return text
