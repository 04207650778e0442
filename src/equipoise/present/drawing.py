"""One small drawing layer: shapes and words in, the same accessible SVG out every time.

Colours are roles. Each shape carries the light colour as an attribute, so that a saved file looks
right anywhere, and a class, so that a page can give the role its own colour in a dark theme.
There is no style element, no script and no font file; text widths are estimated from a table.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

#: Role → colour on white. `tests/present/test_style.py` checks contrast and the page's own copy.
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
    "paper": "#ffffff",
}

FONT = "'Helvetica Neue', Arial, 'Liberation Sans', sans-serif"

_NARROW = {**dict.fromkeys("ijl|!.,:;'", 0.25), **dict.fromkeys("ftrI()[]-/ ", 0.32)}
_WIDE = {**dict.fromkeys("mMW@%", 0.87), **dict.fromkeys("wCDGHNOQRUABEKPSVXY+<>=~−", 0.68)}
_WIDTHS = {**_NARROW, **_WIDE}


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Estimate the width of `text` in a common sans serif, on the generous side."""
    units = sum(_WIDTHS.get(ch, 0.56) for ch in text)
    return units * size * (1.08 if bold else 1.0)


def wrap(text: str, width: float, size: float, *, bold: bool = False) -> list[str]:
    """Break `text` into lines that fit; a word too long for any line is broken, never cut."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        trial = f"{line} {word}".strip()
        if text_width(trial, size, bold=bold) <= width:
            line = trial
            continue
        if line:
            lines.append(line)
        while text_width(word, size, bold=bold) > width and len(word) > 1:
            cut = len(word) - 1
            while cut > 1 and text_width(word[:cut] + "-", size, bold=bold) > width:
                cut -= 1
            lines.append(word[:cut] + "-")
            word = word[cut:]
        line = word
    return [*lines, line] if line or not lines else lines


def coord(value: float) -> str:
    """Write a coordinate with one decimal at most: fewer bytes, and the same ones every time."""
    text = f"{value:.1f}"
    text = text.removesuffix(".0")
    return "0" if text == "-0" else text


class Drawing:
    """A canvas that collects shapes; :meth:`svg` writes them once with title and description.

    Parameters
    ----------
    id
        Prefix of the ids of title, description and patterns; unique on a page.
    width
        In units that are pixels at natural size; the height is given to :meth:`svg`.
    size
        Font size of ordinary text.
    """

    def __init__(self, id: str, width: float, *, size: float = 14) -> None:
        self.id = id
        self.width = width
        self.size = size
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
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        self._parts.append(
            f'<path d="M{coord(x1)} {coord(y1)}L{coord(x2)} {coord(y2)}"'
            f' {self._stroke(role, width)}{dashed}/>'
        )

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
    ) -> None:
        """Draw a rectangle; `fill` "" leaves it hollow, "hatch" fills it with grey stripes."""
        rounded = f' rx="{coord(radius)}"' if radius else ""
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        self._parts.append(
            f'<rect x="{coord(x)}" y="{coord(y)}" width="{coord(max(width, 0))}"'
            f' height="{coord(max(height, 0))}"{rounded} {self._paint(fill, stroke, stroke_width)}'
            f"{dashed}/>"
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
    ) -> None:
        """Draw a circle."""
        self._parts.append(
            f'<circle cx="{coord(x)}" cy="{coord(y)}" r="{coord(r)}"'
            f" {self._paint(fill, stroke, stroke_width)}/>"
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
        path = "L".join(f"{coord(x)} {coord(y)}" for x, y in points)
        self._parts.append(f'<path d="M{path}Z" {self._paint(fill, stroke, stroke_width)}/>')

    def dots(
        self, rows: Sequence[tuple[float, float, float]], *, role: str, width: float, dash: str
    ) -> None:
        """Draw rows of equal squares, each row (x, y, length) as one dashed line."""
        path = "".join(f"M{coord(x)} {coord(y)}h{coord(length)}" for x, y, length in rows)
        if path:
            self._parts.append(
                f'<path d="{path}" {self._stroke(role, width)} stroke-dasharray="{dash}"/>'
            )

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
        italic: bool = False,
    ) -> None:
        """Write one line of text with its baseline at `y`."""
        extra = "" if anchor == "start" else f' text-anchor="{anchor}"'
        extra += f' font-size="{coord(size)}"' if size and size != self.size else ""
        extra += ' font-weight="bold"' if bold else ""
        extra += ' font-style="italic"' if italic else ""
        extra += "" if role == "ink" else f' class="f-{role}" fill="{LIGHT[role]}"'
        self._parts.append(f'<text x="{coord(x)}" y="{coord(y)}"{extra}>{escape(text)}</text>')

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
        anchor: str = "start",
    ) -> float:
        """Write wrapped text; return the baseline that a next line would have."""
        size = size or self.size
        for line in wrap(text, width, size, bold=bold):
            self.text(x, y, line, size=size, role=role, bold=bold, anchor=anchor)
            y += size * 1.3
        return y

    def svg(self, height: float, title: str, desc: str, *, css: str = "fig") -> str:
        """Write the SVG: title and description first, the finding in the description."""
        t, d = f"{self.id}-t", f"{self.id}-d"
        w, h = coord(self.width), coord(height)
        defs = f"<defs>{''.join(self._defs.values())}</defs>" if self._defs else ""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="{css}" viewBox="0 0 {w} {h}"'
            f' width="{w}" height="{h}" role="img" aria-labelledby="{t} {d}">'
            f'<title id="{t}">{escape(title)}</title><desc id="{d}">{escape(desc)}</desc>{defs}'
            f'<rect width="{w}" height="{h}" class="f-paper" fill="{LIGHT["paper"]}"/>'
            f'<g font-family="{FONT}" font-size="{coord(self.size)}" class="f-ink"'
            f' fill="{LIGHT["ink"]}">{"".join(self._parts)}</g></svg>'
        )

    def _stroke(self, role: str, width: float) -> str:
        thick = "" if width == 1 else f' stroke-width="{coord(width)}"'
        return f'class="s-{role}" fill="none" stroke="{LIGHT[role]}"{thick}'

    def _paint(self, fill: str, stroke: str, width: float) -> str:
        classes, attributes = [], []
        if fill == "hatch":
            attributes.append(f'fill="url(#{self._hatch()})"')
        elif fill:
            classes.append(f"f-{fill}")
            attributes.append(f'fill="{LIGHT[fill]}"')
        else:
            attributes.append('fill="none"')
        if stroke:
            classes.append(f"s-{stroke}")
            attributes.append(f'stroke="{LIGHT[stroke]}"')
            if width != 1:
                attributes.append(f'stroke-width="{coord(width)}"')
        named = f'class="{" ".join(classes)}" ' if classes else ""
        return named + " ".join(attributes)

    def _hatch(self) -> str:
        name = f"{self.id}-hatch"
        self._defs[name] = (
            f'<pattern id="{name}" width="8" height="8" patternUnits="userSpaceOnUse"'
            f' patternTransform="rotate(45)"><rect width="8" height="8" class="f-paper"'
            f' fill="{LIGHT["paper"]}"/><path d="M0 0v8" class="s-rule" stroke="{LIGHT["rule"]}"'
            ' stroke-width="3"/></pattern>'
        )
        return name
