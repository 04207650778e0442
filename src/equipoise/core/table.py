"""Where digits are cut: numbers as a reader sees them, and the immutable `Table` that holds them.

Everything else in the program keeps full precision. The rules are those of the Cochrane Handbook
and of the field's house styles: ratios and standardised differences with two decimals (three below
0.10), points with one, "per 1000" and percentages as integers, intervals with "to", a true minus
sign, a bound never rounded across the value of no effect, and upper bounds rounded up.
"""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_UP, Context, Decimal
from functools import lru_cache
from html import escape
from typing import Any, Literal

from equipoise.core.errors import InputError, UnknownNameError
from equipoise.core.provenance import Quantity

MINUS = "\u2212"
NOT_ESTIMABLE = "not estimable"
#: Numbers that are smaller, or as large, are written by their power of ten.
_SMALL, _LARGE = 1e-6, 1e15
#: Room for all digits of any float.
_ROOMY = Context(prec=400)

Kind = Literal[
    "ratio", "standardised", "points", "per 1000", "percent", "count", "p", "share", "plain"
]

RATIOS = frozenset(
    {
        *("RR", "OR", "PETO", "HR", "IRR", "ROM", "IOR", "RATIO", "REH", "D2ORL", "D2ORN"),
        *("VR", "CVR", "ROMC", "VRC", "CVRC", "MPRR", "MPOR", "MPORC", "MPORM", "MPPETO"),
    }
)
STANDARDISED = frozenset(
    {
        *("SMD", "ISMD", "SMDH", "SMD1", "SMD1H", "SMN", "OR2DL", "OR2DN", "PBIT"),
        *("SMCC", "SMCR", "SMCRH", "SMCRP", "SMCRPH"),
    }
)
_BACKENDS: tuple[Literal["pandas", "polars", "pyarrow"], ...] = ("pandas", "polars", "pyarrow")
_COUNTED = frozenset(
    {
        *("people", "trials", "reports", "events", "studies", "arms"),
        *("months", "weeks", "years", "cells", "cases"),
    }
)


def fixed(value: float, decimals: int, *, up: bool = False) -> str:
    """Write `value` with that many decimals: halves away from zero, a minus sign, never "-0".

    `up` rounds towards plus infinity, for upper bounds. Thousands are grouped from 10,000 on;
    from ten to the 15th on a power of ten stands for the digits.
    """
    if math.isnan(value):
        return NOT_ESTIMABLE
    if math.isinf(value):
        return "infinity" if value > 0 else f"{MINUS}infinity"
    if not up and decimals <= 9:
        size = abs(value) * 10.0**decimals
        # Away from a half, where binary and decimal digits may round to different sides, the
        # digits are those of the plain format.
        if 0.5 < size < 1e6 and abs(size % 1.0 - 0.5) > 1e-5 and abs(value) < 9999.0:
            return f"{MINUS if value < 0.0 else ''}{abs(value):.{decimals}f}"
    if abs(value) >= _LARGE:
        return _by_power(value, 3)
    # Twelve significant digits first: 30.000000000000004 is 30, also when rounding up.
    exact = Decimal(f"{value:.12g}")
    how = ROUND_CEILING if up else ROUND_HALF_UP
    cut = exact.quantize(Decimal(1).scaleb(-decimals), how, _ROOMY)
    if cut == 0:
        cut = abs(cut)
    text = f"{abs(cut):,f}" if abs(cut) >= 10_000 else f"{abs(cut):f}"
    return f"{MINUS}{text}" if cut < 0 else text


def _by_power(value: float, digits: int) -> str:
    """Write with that many significant digits and a power of ten."""
    mantissa, power = f"{value:.{digits - 1}e}".split("e")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa} × 10^{int(power)}".replace("-", MINUS)


def _side(value: float, mark: float) -> int:
    return (value > mark) - (value < mark)


def _number(text: str) -> float:
    return float(text.replace(MINUS, "-").replace(",", ""))


def kept(value: float, decimals: int, marks: Sequence[float] = ()) -> str:
    """Round without changing on which side of any of `marks` the value lies.

    A digit is added, up to three decimals; where that does not help, words do it:
    ``kept(0.998, 2, [1])`` is ``0.998`` and ``kept(0.9998, 2, [1])`` is ``1.00 (just below 1)``.
    """
    if not abs(value) < _LARGE:
        return fixed(value, decimals)
    for digits in range(decimals, max(decimals, 3) + 1):
        text = fixed(value, digits)
        unit = 10.0**-digits
        for m in marks:
            if abs(value - m) < unit and _side(_number(text), m) != _side(value, m):
                break
        else:
            return text
    text = fixed(value, decimals)
    mark = next(m for m in marks if _side(_number(text), m) != _side(value, m))
    where = "above" if value > mark else "below"
    return f"{text} (just {where} {significant(mark, 3)})"


def ratio(value: float, *, null: float | None = 1.0) -> str:
    """Write a ratio: two decimals, three below 0.10, none from 100 on."""
    if math.isfinite(value) and 0 < value < 0.0005:
        return "< 0.001"
    decimals = 3 if value < 0.10 else (0 if value >= 100 else 2)
    return kept(value, decimals, () if null is None else (null,))


def standardised(value: float, *, null: float | None = 0.0) -> str:
    """Write a standardised mean difference: two decimals, three where it is within 0.10 of zero."""
    return kept(value, 3 if 0 < abs(value) < 0.10 else 2, () if null is None else (null,))


def points(value: float, *, marks: Sequence[float] = (0.0,), decimals: int = 1) -> str:
    """Write a difference in points: one decimal more than the scale is read with."""
    return kept(value, decimals, marks)


def share(value: float) -> str:
    """Write a difference of shares: three decimals, never rounded to the other side of none."""
    return kept(value, 3, (0.0,)) if abs(value) < 1 else significant(value, 4)


def count(value: float) -> str:
    """Write a number of people, trials or events."""
    return fixed(value, 0)


def counted(value: float, noun: str) -> str:
    """Write a number of something: ``1 trial``, ``2 trials``, ``2 studies``, ``2 analyses``."""
    more = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    more = f"{noun[:-2]}es" if noun.endswith("sis") else more
    return f"{count(value)} {noun if value == 1 else more}"


def percent(value: float) -> str:
    """Write a percentage as an integer, with its sign; a small share is never printed as none."""
    if math.isnan(value):
        return NOT_ESTIMABLE
    if 0 < value < 0.5:
        return "< 1%"
    return "> 99%" if 99.5 <= value < 100 * (1 - 1e-12) else f"{fixed(value, 0)}%"


def p_value(value: float) -> str:
    """Write a p value: three decimals, never zero and never one."""
    if math.isnan(value):
        return NOT_ESTIMABLE
    if value < 0.001:
        return "< 0.001"
    return "> 0.999" if value > 0.9995 else fixed(value, 3)


#: How houses print: ``plain`` as everywhere here, and the styles of two journals.
STYLES = ("plain", "bmj", "jama")


def p_statement(value: float, style: str = "plain") -> str:
    """Write a p value with its sign: ``p = 0.002``; ``P=0.002`` (bmj), ``P = .002`` (jama).

    ``jama`` gives two decimals from 0.01 on, unless that would carry the value across 0.05, and no
    zero before the point.
    """
    text = p_value(value)
    if style == "jama" and 0.01 <= value <= 0.99:
        cut = (fixed(value, decimals) for decimals in (2, 3, 4, 5))
        text = next((t for t in cut if _side(_number(t), 0.05) == _side(value, 0.05)), text)
    elif style == "jama" and value > 0.99:
        text = "> 0.99"
    if style == "plain":
        return f"p = {text}" if text[0].isdigit() else f"p {text}"
    joined = f"P = {text}" if text[0].isdigit() else f"P {text}"
    return joined.replace(" 0.", " .") if style == "jama" else joined.replace(" ", "")


def range_text(bounds: str, style: str = "plain") -> str:
    """Write bounds joined by "to" as a house does: ``jama`` joins positive numbers by a hyphen."""
    if style != "jama" or MINUS in bounds or bounds.count(" to ") != 1:
        return bounds
    low, high = bounds.split(" to ")
    return f"{low}-{high}" if low[:1].isdigit() and high[:1].isdigit() else bounds


def significant(value: float, digits: int = 3) -> str:
    """Write with that many significant digits, without trailing zeros (tau², thresholds).

    Below a millionth, and from ten to the 15th on, by its power of ten.
    """
    if not math.isfinite(value):
        return fixed(value, 0)
    if value == 0:
        return "0"
    if not _SMALL <= abs(value) < _LARGE:
        return _by_power(value, digits)
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    text = fixed(value, decimals)
    return text.rstrip("0").rstrip(".") if "." in text else text


def upper_bound(proportion: float, denominator: int = 1000) -> str:
    """Write an upper bound of a proportion per `denominator`, rounded up and never down."""
    return fixed(proportion * denominator, 0, up=True)


def largest_remainder(parts: Sequence[float], total: int) -> tuple[int, ...]:
    """Share `total` out in integers in proportion to `parts`, so that they add up to it.

    Raises
    ------
    InputError
        When a part is negative or not a number, or all are zero.
    """
    whole = math.fsum(parts)
    if not parts or any(not p >= 0 for p in parts) or not 0 < whole < math.inf:
        raise InputError(f"cannot share {total} out over {list(parts)}", hint="parts of 0 or more")
    exact = [p / whole * total for p in parts]
    shares = [math.floor(e) for e in exact]
    by_rest = sorted(range(len(parts)), key=lambda i: (-(exact[i] - shares[i]), i))
    for i in by_rest[: total - sum(shares)]:
        shares[i] += 1
    return tuple(shares)


@dataclass(frozen=True, slots=True)
class Shown:
    """A quantity as a reader sees it: its number, its interval ("" without one) and its unit."""

    value: str
    interval: str
    unit: str

    def __str__(self) -> str:
        return f"{self.value} ({self.interval})" if self.interval else self.value


@lru_cache(maxsize=256)
@lru_cache(maxsize=512)
def kind_of(unit: str) -> Kind:
    """Which rounding rule a unit calls for."""
    plain = unit.strip()
    if plain.upper() in RATIOS:
        return "ratio"
    if plain.upper() in STANDARDISED:
        return "standardised"
    lowered = plain.casefold()
    rules: tuple[tuple[bool, Kind], ...] = (
        ("per 1000" in lowered or "in 1000" in lowered or "of 1000" in lowered, "per 1000"),
        (lowered.startswith("point") or lowered == "md", "points"),
        (lowered in {"%", "percent"}, "percent"),
        (lowered in {"p", "p value"}, "p"),
        (lowered in _COUNTED or lowered.split(" ")[0] in _COUNTED, "count"),
    )
    return next((kind for hit, kind in rules if hit), "plain")


def is_bound(q: Quantity) -> bool:
    """Whether a quantity is an upper bound, to be rounded up."""
    return q.unit.startswith(("at most", "up to")) or q.id.rsplit(".", 1)[-1] == "bound"


def _is_difference(q: Quantity) -> bool:
    last = q.id.rsplit(".", 1)[-1]
    return last in {"difference", "excess", "effect"} or min(q.value, q.low or 0.0) < 0


def show(q: Quantity, *, marks: Sequence[float] = ()) -> Shown:
    """Round a quantity by the rule of its unit.

    Parameters
    ----------
    q
        The quantity.
    marks
        Further values, such as thresholds, on whose side the bounds must stay.

    Returns
    -------
    Shown
        Number, interval with "to", and unit; "per 1000" becomes "per 10,000" where the number
        is below 1 per 1000.
    """
    kind = kind_of(q.unit)
    if is_bound(q):
        return Shown(fixed(q.value, 0, up=True), "", q.unit)
    if kind == "per 1000":
        return _show_rate(q, marks)
    write = _writer(kind, marks)
    bounds = [write(b) for b in (q.low, q.high) if b is not None]
    interval = " to ".join(bounds) if len(bounds) == 2 else ""
    # The estimate itself may print as the null: it has no side to keep.
    return Shown(_writer(kind, (), null=False)(q.value), interval, q.unit)


def _show_rate(q: Quantity, marks: Sequence[float]) -> Shown:
    numbers = [v for v in (q.value, q.low, q.high) if v is not None]
    switch = 0 < abs(q.value) < 1 and max(abs(v) for v in numbers) < 10
    factor, unit = (10, q.unit.replace("1000", "10,000")) if switch else (1, q.unit)
    sides = [*marks, 0.0] if _is_difference(q) else list(marks)
    sides = [m * factor for m in sides]
    interval = ""
    if q.low is not None and q.high is not None:
        interval = f"{kept(q.low * factor, 0, sides)} to {kept(q.high * factor, 0, sides)}"
    return Shown(fixed(q.value * factor, 0), interval, unit)


def _writer(kind: Kind, marks: Sequence[float], *, null: bool = True) -> Callable[[float], str]:
    if kind == "ratio":
        return lambda v: ratio(v, null=1.0 if null else None)
    if kind == "standardised":
        return lambda v: standardised(v, null=0.0 if null else None)
    if kind == "points":
        return lambda v: points(v, marks=(*marks, 0.0) if null else marks)
    if kind == "plain":
        return lambda v: significant(v, 4)
    if kind == "share":
        return share
    return {"percent": percent, "p": p_value}.get(kind, count)


@dataclass(frozen=True, slots=True)
class Link:
    """Text that leads somewhere."""

    text: str
    href: str


Part = str | Quantity | Link
Value = str | int | float | None | Quantity | Link | tuple[Part, ...]
Anchor = Callable[[Quantity, str], str]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: `key` names it in a data frame, `label` heads it, `kind` rounds bare numbers."""

    key: str
    label: str
    kind: Kind = "plain"
    align: Literal["left", "right"] = "left"


def plain_anchor(q: Quantity, text: str) -> str:
    """Write a quantity's text without a link."""
    return escape(text)


def _part_text(part: Part) -> str:
    if isinstance(part, Quantity):
        return str(show(part))
    return part.text if isinstance(part, Link) else part


def _part_html(part: Part, anchor: Anchor) -> str:
    if isinstance(part, Quantity):
        return anchor(part, str(show(part)))
    if isinstance(part, Link):
        return f'<a href="{escape(part.href)}">{escape(part.text)}</a>'
    return escape(part)


@dataclass(frozen=True, slots=True, repr=False)
class Table:
    """An immutable table: a caption, columns, rows and notes.

    A value is text, a number (rounded by its column's kind), None (printed as `missing`), a
    `Quantity` (rounded by its unit and, in HTML, linked to where it came from), a `Link`, or a
    tuple of such parts. The first column heads its row. `groups` holds (index of the first row,
    heading) pairs.
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]
    groups: tuple[tuple[int, str], ...] = ()
    notes: tuple[str, ...] = ()
    missing: str = "not reported"

    def __post_init__(self) -> None:
        for number, row in enumerate(self.rows):
            if len(row) != len(self.columns):
                raise InputError(
                    f"row {number} has {len(row)} values for {len(self.columns)} columns",
                    where=f"table {self.caption!r}",
                )

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        size = f"{counted(len(self.rows), 'row')}, {counted(len(self.columns), 'column')}"
        return f"<Table {self.caption!r}: {size}>"

    def column(self, key: str) -> tuple[Value, ...]:
        """The values of one column, unrounded."""
        keys = [c.key for c in self.columns]
        if key not in keys:
            raise UnknownNameError("column", key, keys)
        at = keys.index(key)
        return tuple(row[at] for row in self.rows)

    def text(self, value: Value, column: Column) -> str:
        """Write one value as a reader sees it."""
        if value is None:
            return self.missing
        if isinstance(value, str):
            return value
        if isinstance(value, (Quantity, Link)):
            return _part_text(value)
        if isinstance(value, tuple):
            return "".join(_part_text(part) for part in value)
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, int):
            return count(value)
        return _writer(column.kind, ())(value)

    def _texts(self) -> list[list[str]]:
        return [
            [self.text(v, c) for v, c in zip(row, self.columns, strict=True)] for row in self.rows
        ]

    def _grouped(self) -> Iterator[tuple[str, range]]:
        """Headings ("" for none) with the rows under them."""
        starts = [*self.groups, (len(self.rows), "")]
        if starts[0][0] > 0:
            yield "", range(starts[0][0])
        for (start, heading), (end, _) in itertools.pairwise(starts):
            yield heading, range(start, end)

    def to_text(self) -> str:
        """Write plain text with aligned columns."""
        body = self._texts()
        heads = [c.label for c in self.columns]
        widths = [max(len(line[i]) for line in [heads, *body]) for i in range(len(heads))]

        def line(cells: Sequence[str]) -> str:
            padded = [
                cell.rjust(w) if c.align == "right" else cell.ljust(w)
                for cell, w, c in zip(cells, widths, self.columns, strict=True)
            ]
            return "  ".join(padded).rstrip()

        lines = [self.caption, "", line(heads), "  ".join("-" * w for w in widths)]
        for heading, rows in self._grouped():
            lines += [heading] if heading else []
            lines += [line(body[i]) for i in rows]
        return "\n".join([*lines, *self.notes])

    def to_markdown(self) -> str:
        """Write a Markdown table, with the caption above and the notes below."""
        body = self._texts()

        def line(cells: Sequence[str]) -> str:
            return "| " + " | ".join(c.replace("|", "\\|").replace("\n", " ") for c in cells) + " |"

        rule = ["---:" if c.align == "right" else "---" for c in self.columns]
        lines = [f"**{self.caption}**", "", line([c.label for c in self.columns]), line(rule)]
        for heading, rows in self._grouped():
            if heading:
                lines.append(line([f"*{heading}*", *[""] * (len(self.columns) - 1)]))
            lines += [line(body[i]) for i in rows]
        notes = ["", *(f"- {note}" for note in self.notes)] if self.notes else []
        return "\n".join([*lines, *notes])

    def to_html(self, *, anchor: Anchor = plain_anchor, css: str = "", said: bool = False) -> str:
        """Write an HTML table with a caption and scoped headings.

        Parameters
        ----------
        anchor
            Writes the HTML of a quantity from it and its text; the default writes no link.
        css
            Class of the table. Cells carry ``data-label``, so that a style can stack them.
        said
            Mark text cells as computed (``<span class="n">``), not as prose that a person typed.
        """
        klass = f' class="{escape(css)}"' if css else ""
        out = [f"<table{klass}><caption>{escape(self.caption)}</caption>"]
        heads = "".join(f'<th scope="col"{_right(c)}>{escape(c.label)}</th>' for c in self.columns)
        out.append(f"<thead><tr>{heads}</tr></thead>")
        for heading, rows in self._grouped():
            out.append("<tbody>")
            if heading:
                out.append(
                    f'<tr class="group"><th scope="rowgroup" '
                    f'colspan="{len(self.columns)}">{escape(heading)}</th></tr>'
                )
            out += [self._row_html(self.rows[i], anchor, said) for i in rows]
            out.append("</tbody>")
        out.append("</table>")
        if self.notes:
            items = "".join(f"<li>{escape(note)}</li>" for note in self.notes)
            out.append(f'<ul class="table-notes">{items}</ul>')
        return "".join(out)

    def _row_html(self, row: tuple[Value, ...], anchor: Anchor, said: bool) -> str:
        cells = []
        for i, (value, c) in enumerate(zip(row, self.columns, strict=True)):
            if isinstance(value, (Quantity, Link)):
                inner = _part_html(value, anchor)
            elif isinstance(value, tuple):
                inner = "".join(_part_html(part, anchor) for part in value)
            else:
                inner = escape(self.text(value, c))
                inner = f'<span class="n">{inner}</span>' if said and inner else inner
            if i == 0:
                cells.append(f'<th scope="row"{_right(c)}>{inner}</th>')
            else:
                label = f' data-label="{escape(c.label)}"'
                cells.append(f"<td{label}{_right(c)}>{inner}</td>")
        return f"<tr>{''.join(cells)}</tr>"

    def _repr_html_(self) -> str:
        return self.to_html()

    def __str__(self) -> str:
        return self.to_text()

    def records(self) -> list[dict[str, Any]]:
        """Rows as dicts of plain values, unrounded; a quantity gives its value and interval."""
        return [self._record(row) for row in self.rows]

    def _record(self, row: tuple[Value, ...]) -> dict[str, Any]:
        record: dict[str, Any] = {}
        for c, value in zip(self.columns, row, strict=True):
            if isinstance(value, Quantity):
                record[c.key] = value.value
                record[f"{c.key}_low"], record[f"{c.key}_high"] = value.low, value.high
            elif isinstance(value, (Link, tuple)):
                record[c.key] = self.text(value, c)
            else:
                record[c.key] = value
        return record

    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame of unrounded values.

        Parameters
        ----------
        backend
            ``pandas``, ``polars`` or ``pyarrow``; None takes the first that is installed.

        Raises
        ------
        InputError
            When none of them, or not the one asked for, is installed.
        UnknownNameError
            For another name.
        """
        import narwhals

        if backend is not None and backend not in _BACKENDS:
            raise UnknownNameError("backend", backend, _BACKENDS)
        records = self.records()
        keys = list(dict.fromkeys(key for record in records for key in record))
        data = {key: [record.get(key) for record in records] for key in keys or self._keys()}
        for name in _BACKENDS:
            if backend in (None, name):
                with contextlib.suppress(ImportError):
                    return narwhals.from_dict(data, backend=name).to_native()
        wanted = backend or "data frame library"
        raise InputError(f"no {wanted} is installed", hint="pip install pandas, polars or pyarrow")

    def _keys(self) -> list[str]:
        return [c.key for c in self.columns]


def _right(column: Column) -> str:
    return ' class="num"' if column.align == "right" else ""
