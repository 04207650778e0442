"""A drawing as PNG or PDF, by the optional package vl-convert-python (extra ``[export]``).

It brings its own converter and Liberation Sans, so that a picture looks the same on every machine;
the words of a PDF stay words.
"""

from __future__ import annotations

import importlib
from typing import Any

from equipoise.core.errors import InputError
from equipoise.present.drawing import resolved

#: What a figure can be written as, by the ending of the file's name.
ENDINGS = (".svg", ".png", ".pdf")


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
        return bytes(convert.svg_to_png(plain, scale=scale))
    return bytes(convert.svg_to_pdf(plain))


def _converter(ending: str, where: str) -> Any:
    try:
        return importlib.import_module("vl_convert")
    except ImportError:
        raise InputError(
            f"writing {ending} needs the package vl-convert-python",
            where=where,
            hint="pip install 'equipoise[export]', or a name ending in .svg",
        ) from None
