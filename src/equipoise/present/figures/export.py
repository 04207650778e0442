"""A drawing as PNG or PDF, by the optional package vl-convert-python (extra ``[export]``).

It brings its own converter and Liberation Sans, so that a picture looks the same on every machine;
the words of a PDF stay words.
"""

from __future__ import annotations

import importlib
import re
import struct
import zlib
from typing import Any

from equipoise.core.errors import InputError
from equipoise.present.drawing import resolved

#: What a figure can be written as, by the ending of the file's name.
ENDINGS = (".svg", ".png", ".pdf")
_SIZE = re.compile(r'width="(?P<width>[\d.]+)" height="(?P<height>[\d.]+)"')


def rendered(svg: str, ending: str, *, scale: float, where: str) -> bytes:
    """The bytes of a file with that ending.

    Raises
    ------
    InputError
        For another ending, a scale out of range, or a missing converter.
    """
    plain = resolved(svg)
    if ending == ".svg":
        return f'<?xml version="1.0" encoding="UTF-8"?>\n{plain}\n'.encode()
    if ending not in ENDINGS:
        raise InputError(
            f"cannot write a figure as {ending or 'a file without an ending'!r}",
            where=where,
            hint="a name ending in .svg; with the extra [export] also .png and .pdf",
        )
    if not 0.1 <= scale <= 20:
        raise InputError(f"scale={scale!r}", hint="0.1 to 20; 3 is about 300 dots per inch")
    convert = _converter(ending, where)
    if ending == ".png":
        return _packed(bytes(convert.svg_to_png(plain, scale=scale)), scale)
    return bytes(convert.svg_to_pdf(_SIZE.sub(_in_points, plain, count=1)))


def _in_points(size: re.Match[str]) -> str:
    """The size of a drawing in a PDF's points, 72 to the inch, from pixels, 96 to the inch."""
    return " ".join(f'{side}="{0.75 * float(size[side]):g}"' for side in ("width", "height"))


def _packed(png: bytes, scale: float) -> bytes:
    """The same picture in fewer bytes, with its natural size: a pixel of an SVG is 1/96 inch.

    Source: Portable Network Graphics (PNG) Specification, third edition, W3C 2025.
    """
    head, parts, held, at = png[:8], [], [], 8
    while at + 12 <= len(png):
        (size,) = struct.unpack(">I", png[at : at + 4])
        kind, body = png[at + 4 : at + 8], png[at + 8 : at + 8 + size]
        at += 12 + size
        if kind == b"IDAT":
            held.append(body)
        elif kind not in (b"pHYs", b"IEND"):
            parts.append((kind, body))
    if not held:
        return png
    metre = round(96 * scale / 0.0254)
    parts += [
        (b"pHYs", struct.pack(">IIB", metre, metre, 1)),
        (b"IDAT", zlib.compress(zlib.decompress(b"".join(held)), 9)),
        (b"IEND", b""),
    ]
    return head + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in parts
    )


def _converter(ending: str, where: str) -> Any:
    try:
        return importlib.import_module("vl_convert")
    except ImportError:
        raise InputError(
            f"writing {ending} needs the package vl-convert-python",
            where=where,
            hint="pip install 'equipoise[export]', or a name ending in .svg",
        ) from None
