"""One small drawing layer: shapes and words in, the same accessible SVG out every time.

Colours are roles, written as ``var(--role,#light)``: a page gives each role its colour for light,
dark and print by setting custom properties; without a page the light colours stand, and
:func:`resolved` writes them out for programs that know no custom properties. There is no style
element, no script and no font file; :mod:`equipoise.present.text` knows how wide words are.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from html import escape

from equipoise.core.errors import InputError
from equipoise.present.text import wrap

#: Role → colour on white paper. Text roles reach a contrast of 4.5, marks 3.
LIGHT: dict[str, str] = {
    "ink": "#1b1f24",
    "benefit": "#0b5cad",
    "harm": "#b34700",
    "neutral": "#5b6470",
    "unknown": "#6b3fa0",
    "icon": "#767d86",
    "rule": "#c9ced6",
    "band": "#e7eaef",
    "soft": "#d3e3f5",
    "warm": "#f7e1d0",
    "good": "#b7e0bd",
    "doubt": "#fbe592",
    "bad": "#f6b5ac",
    "paper": "#ffffff",
}

#: The same roles on dark paper.
DARK: dict[str, str] = {
    "ink": "#e9ecf0",
    "benefit": "#7fb9f5",
    "harm": "#f5a261",
    "neutral": "#aab3be",
    "unknown": "#c7a8f0",
    "icon": "#8b949f",
    "rule": "#454d57",
    "band": "#2b313a",
    "soft": "#1e3d5e",
    "warm": "#52331a",
    "good": "#1f5431",
    "doubt": "#5c4a0b",
    "bad": "#70292a",
    "paper": "#14171b",
}

FONT = (
    "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,'Liberation Sans',sans-serif"
)

#: The smallest text that may be drawn.
SMALLEST = 12.0

_VAR = re.compile(r"var\(--[a-z]+,(#[0-9a-f]{6})\)")


def colour(role: str) -> str:
    """Write a role as a custom property with its light colour as fallback."""
    return f"var(--{role},{LIGHT[role]})"


def resolved(svg: str) -> str:
    """Write the light colours out, for programs that do not know custom properties."""
    return _VAR.sub(r"\1", svg)


def palette_css() -> str:
    """Style rules that set every role for light, dark and print.

    Source: contrast as WCAG 2.2 computes it; the tests hold every pair to it.
    """
    light = "".join(f"--{role}:{value};" for role, value in LIGHT.items())
    dark = "".join(f"--{role}:{value};" for role, value in DARK.items())
    return (
        f":root{{{light}}}"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}"
        f"@media print{{:root{{{light}}}}}"
    )


def coord(value: float) -> str:
    """Write a coordinate with one decimal at most: few bytes, and the same ones every time."""
    if not math.isfinite(value):
        raise InputError(f"cannot draw at {value}", hint="clip to the axis first")
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


class Drawing:
    """A canvas that collects shapes; :meth:`svg` writes them once with title and description.

    Parameters
    ----------
    prefix
        Begins the ids of title, description and patterns; unique on a page.
    width
        In units that are pixels at natural size; the height is given to :meth:`svg`.
    size
        Font size of ordinary text.
    """

    def __init__(self, prefix: str, width: float, *, size: float = 14) -> None:
        if not re.fullmatch(r"[A-Za-z][\w-]*", prefix):
            raise InputError(
                f"{prefix!r} cannot begin an id", hint="a letter, then letters, digits, - or _"
            )
        self.prefix = prefix
        self.width = width
        self.size = size
        self._under: list[str] = []
        self._parts: list[str] = []
        self._defs: dict[str, str] = {}

    def line(
        self,
        x1: float,
        y1: float,
        x2: float,
        y2: float,
        *,
        role: str = "ink",
        width: float = 1,
        dash: str = "",
    ) -> None:
        """Draw a straight line."""
        self.path(f"M{coord(x1)} {coord(y1)}L{coord(x2)} {coord(y2)}", "", role, width, dash=dash)

    def rect(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        *,
        fill: str = "ink",
        stroke: str = "",
        stroke_width: float = 1,
        radius: float = 0,
        dash: str = "",
        opacity: float = 1,
    ) -> None:
        """Draw a rectangle; `fill` "" leaves it hollow, "hatch" fills it with stripes."""
        rounded = f' rx="{coord(radius)}"' if radius else ""
        self._parts.append(
            f'<rect x="{coord(x)}" y="{coord(y)}" width="{coord(max(width, 0))}"'
            f' height="{coord(max(height, 0))}"{rounded}'
            f"{self._paint(fill, stroke, stroke_width, dash, opacity)}/>"
        )

    def circle(
        self,
        x: float,
        y: float,
        r: float,
        *,
        fill: str = "ink",
        stroke: str = "",
        stroke_width: float = 1,
        dash: str = "",
        opacity: float = 1,
    ) -> None:
        """Draw a circle."""
        self._parts.append(
            f'<circle cx="{coord(x)}" cy="{coord(y)}" r="{coord(r)}"'
            f"{self._paint(fill, stroke, stroke_width, dash, opacity)}/>"
        )

    def polygon(
        self,
        points: Sequence[tuple[float, float]],
        *,
        fill: str = "ink",
        stroke: str = "",
        stroke_width: float = 1,
    ) -> None:
        """Draw a closed polygon."""
        corners = "L".join(f"{coord(x)} {coord(y)}" for x, y in points)
        self.path(f"M{corners}Z", fill, stroke, stroke_width)

    def path(
        self,
        d: str,
        fill: str = "",
        stroke: str = "",
        width: float = 1,
        *,
        dash: str = "",
        under: bool = False,
        opacity: float = 1,
    ) -> None:
        """Draw a path given in SVG's own notation; nothing where it is empty.

        `under` lays it beneath everything else, whenever it is drawn. `opacity` is that of the
        filling, so that marks on each other can be told apart.
        """
        if d:
            parts = self._under if under else self._parts
            parts.append(f'<path d="{d}"{self._paint(fill, stroke, width, dash, opacity)}/>')

    def polyline(
        self,
        points: Sequence[tuple[float, float]],
        *,
        role: str = "ink",
        width: float = 1.6,
        dash: str = "",
        under: bool = False,
    ) -> None:
        """Draw a line through points."""
        d = "L".join(f"{coord(x)} {coord(y)}" for x, y in points)
        self.path(f"M{d}" if d else "", "", role, width, dash=dash, under=under)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        anchor: str = "start",
        size: float | None = None,
        role: str = "ink",
        bold: bool = False,
        sup: str = "",
        after: str = "",
        halo: bool = False,
    ) -> None:
        """Write one line of text with its baseline at `y`.

        `sup` follows it raised, `after` follows it in the ordinary weight and a quieter colour.
        A `halo` of paper keeps what lies beneath from running through the letters.
        """
        size = size or self.size
        if size < SMALLEST:
            raise InputError(f"text of {size:g} is too small to read", hint=f"{SMALLEST:g} or more")
        extra = "" if anchor == "start" else f' text-anchor="{anchor}"'
        extra += f' font-size="{coord(size)}"' if size != self.size else ""
        extra += ' font-weight="600"' if bold else ""
        extra += "" if role == "ink" else f' fill="{colour(role)}"'
        if halo:
            extra += f' stroke="{colour("paper")}" stroke-width="4" stroke-linejoin="round"'
            extra += ' paint-order="stroke"'
        raised = (
            f' <tspan dy="-4" font-size="{coord(SMALLEST)}">{escape(sup)}</tspan>' if sup else ""
        )
        if after:
            quiet = f'font-weight="400" fill="{colour("neutral")}"'
            raised += f' <tspan dx="8" {quiet}>{escape(after)}</tspan>'
        self._parts.append(
            f'<text x="{coord(x)}" y="{coord(y)}"{extra}>{escape(text)}{raised}</text>'
        )

    def paragraph(
        self,
        x: float,
        y: float,
        text: str,
        width: float,
        *,
        size: float | None = None,
        role: str = "ink",
        bold: bool = False,
    ) -> float:
        """Write wrapped text; return the baseline that a next line would have."""
        size = size or self.size
        for line in wrap(text, width, size, bold=bold):
            self.text(x, y, line, size=size, role=role, bold=bold)
            y += size * 1.35
        return y

    def begin(self, title: str = "") -> None:
        """Open a group; its title is what a pointer resting on it shows."""
        self._parts.append(f"<g><title>{escape(title)}</title>" if title else "<g>")

    def end(self) -> None:
        """Close the group that was opened last."""
        self._parts.append("</g>")

    def svg(self, height: float, title: str, desc: str) -> str:
        """Write the SVG: title and description first, the finding in the description."""
        t, d = f"{self.prefix}-t", f"{self.prefix}-d"
        w, h = coord(self.width), coord(height)
        defs = f"<defs>{''.join(self._defs.values())}</defs>" if self._defs else ""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w} {h}"'
            f' width="{w}" height="{h}" role="img" aria-labelledby="{t} {d}">'
            f'<title id="{t}">{escape(title)}</title><desc id="{d}">{escape(desc)}</desc>{defs}'
            f'<rect width="{w}" height="{h}" fill="{colour("paper")}"/>'
            f'<g font-family="{FONT}" font-size="{coord(self.size)}" fill="{colour("ink")}">'
            f"{''.join(self._under)}{''.join(self._parts)}</g></svg>"
        )

    def _paint(
        self, fill: str, stroke: str, width: float, dash: str = "", opacity: float = 1
    ) -> str:
        if fill == "hatch":
            out = f' fill="url(#{self._hatch()})"'
        elif fill == "ink":
            out = ""  # inherited from the group around everything
        else:
            out = f' fill="{colour(fill) if fill else "none"}"'
        out += f' fill-opacity="{opacity:g}"' if opacity != 1 else ""
        if stroke:
            out += f' stroke="{colour(stroke)}"'
            out += f' stroke-width="{coord(width)}"' if width != 1 else ""
            out += f' stroke-dasharray="{dash}"' if dash else ""
        return out

    def _hatch(self) -> str:
        name = f"{self.prefix}-hatch"
        self._defs[name] = (
            f'<pattern id="{name}" width="6" height="6" patternUnits="userSpaceOnUse"'
            f' patternTransform="rotate(45)"><rect width="6" height="6" fill="{colour("paper")}"/>'
            f'<path d="M1 0v6" stroke="{colour("neutral")}" stroke-width="2"/></pattern>'
        )
        return name
