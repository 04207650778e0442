"""What every figure is: an SVG, the same laid out for a phone, and the table that says the same."""

from __future__ import annotations

import contextlib
import math
import os
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path

from equipoise.core.errors import InputError
from equipoise.core.table import Anchor, Table, plain_anchor
from equipoise.present.drawing import palette_css
from equipoise.present.figures.export import rendered

#: Natural widths. Their smallest text is 13 and 14, so it stays above 12 pixels down to 0.92 and
#: 0.86 of the natural size: the wide drawing from 665 pixels on, the narrow one from 275 on.
WIDE = 720.0
NARROW = 320.0
#: Widths below this are laid out for a phone.
PHONE = 520.0
#: Figures wider than the usual one change to the narrow layout earlier: one rule for each step.
_STEP, _STEPS = 120, range(840, 1801, 120)


def figure_css() -> str:
    """Style rules for figures: colours of the roles, and which of the two layouts is shown.

    The layouts are switched by the width of the figure's own box, so that a figure in a narrow
    column of a wide page is also the narrow one; paper always gets the wide one.
    """
    return (
        palette_css() + ".figure{container-type:inline-size;margin:0}"
        ".figure svg{display:block;max-width:100%;height:auto}"
        ".figure .halo{paint-order:stroke}"
        ".figure .narrow{display:none}"
        # A figure without a narrow layout keeps the wide one: its box is then the last.
        "@media screen{@container (max-width:664px){"
        ".figure .wide:not(:last-of-type){display:none}.figure .narrow{display:block}}"
        + "".join(
            f"@container (max-width:{round(0.92 * width)}px){{"
            f".figure .w{width}:not(:last-of-type){{display:none}}"
            f".figure .w{width}+.narrow{{display:block}}}}"
            for width in _STEPS
        )
        + "}"
    )


#: A table of more columns than this is shown as a card for each row.
_SIDE_BY_SIDE = 8


def _in_html(svg: str) -> str:
    """The drawing inside HTML, whose checkers know the attributes of SVG 1.1 only."""
    return svg.replace(' paint-order="stroke"', ' class="halo"')


def _wide_class(svg: str) -> str:
    """The class of the box of a wide drawing, by its natural width."""
    found = re.search(r' width="([\d.]+)"', svg)
    width = float(found[1]) if found else WIDE
    if width <= WIDE:
        return "wide"
    return f"wide w{min(math.ceil(width / _STEP) * _STEP, _STEPS[-1])}"


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its table twin.

    Attributes
    ----------
    name
        The prefix of its ids; the file name that a page gives it.
    svg
        The drawing, complete in itself.
    table
        The numbers of the drawing, unrounded.
    title
        What the reader looks at, in a few words.
    desc
        What the drawing shows, as sentences: the finding and not the kind of chart.
    narrow
        The same drawing laid out for a phone, with ids of its own; "" where one serves both.
    """

    name: str
    svg: str
    table: Table
    title: str
    desc: str
    narrow: str = ""

    def save(self, path: str | Path, *, scale: float = 3.0) -> Path:
        """Write the wide drawing to `path`, all of it or nothing, and return the path.

        Parameters
        ----------
        path
            Ends in ``.svg``; with the extra ``[export]`` also in ``.png`` or ``.pdf``.
        scale
            Of a PNG: 3 is about 300 dots per inch at the natural size of the figure.

        Raises
        ------
        InputError
            For another ending, or where the extra is not installed.
        """
        target = Path(path)
        data = rendered(self.svg, target.suffix.lower(), scale=scale, where=str(target))
        handle, beside = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            mask = os.umask(0)
            os.umask(mask)
            os.chmod(beside, 0o666 & ~mask)
            os.replace(beside, target)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(beside)
            raise
        return target

    def to_html(self, *, anchor: Anchor = plain_anchor, said: bool = False) -> str:
        """Write a ``<figure>`` with both layouts and the table behind a disclosure.

        Parameters
        ----------
        anchor, said
            As for :meth:`equipoise.core.table.Table.to_html`.
        """
        small = f'<div class="narrow">{_in_html(self.narrow)}</div>' if self.narrow else ""
        stacked = "stack" if len(self.table.columns) > _SIDE_BY_SIDE else ""
        return (
            f'<figure class="figure" id="{escape(self.name)}">'
            f'<div class="{_wide_class(self.svg)}">{_in_html(self.svg)}</div>{small}'
            f"<details><summary>{escape(self.title)}: the numbers as a table</summary>"
            f"{self.table.to_html(anchor=anchor, css=stacked, said=said)}</details></figure>"
        )

    def _repr_html_(self) -> str:
        return (
            f"<figure>{self.svg}<details><summary>The numbers as a table</summary>"
            f"{self.table.to_html()}</details></figure>"
        )

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return f"<Figure {self.name}: {self.title}>"


def laid_out(
    draw: Callable[[float, str], str],
    table: Table,
    desc: str,
    *,
    prefix: str,
    width: float | None = None,
) -> Figure:
    """The figure of a drawing that is made for any width.

    Parameters
    ----------
    draw
        Draws at a width with a prefix of ids.
    table
        The table twin; its caption is the title of the figure.
    desc
        The finding as sentences.
    prefix
        Begins the ids of the drawing; the narrow one has its own.
    width
        Natural width in pixels. None draws 720 and, as `narrow`, 320.
    """
    check_width(width)
    wide = draw(WIDE if width is None else width, prefix)
    narrow = draw(NARROW, f"{prefix}-narrow") if width is None else ""
    return Figure(prefix, wide, table, table.caption, desc, narrow)


def check_width(width: float | None) -> None:
    """Refuse a width that nothing fits into."""
    if width is not None and not 280 <= width <= 2000:
        raise InputError(f"width={width!r}", hint="280 to 2000")


def refuse_other(what: object, kinds: type | tuple[type, ...], plot: str, hint: str) -> None:
    """Refuse to draw a plot of something of another kind."""
    if not isinstance(what, kinds):
        raise InputError(f"{plot} cannot be drawn of a {type(what).__name__}", hint=hint)
