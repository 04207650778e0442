"""Arguments of the wrong kind, refused at the door by what the function's own signature says."""

from __future__ import annotations

import functools
import inspect
import reprlib
from collections.abc import Callable, Sized
from numbers import Integral, Real
from typing import Any, TypeVar

from equipoise.core.errors import InputError

F = TypeVar("F", bound=Callable[..., Any])


def _text(value: object) -> bool:
    return isinstance(value, str)


def _number(value: object) -> bool:
    if getattr(value, "shape", None) == ():
        value = getattr(value, "item", lambda: value)()
    return isinstance(value, Real) and not isinstance(value, bool)


def _whole(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _several(value: object, kind: Callable[[object], bool], size: int | None = None) -> bool:
    if isinstance(value, (str, bytes, dict)) or not isinstance(value, Sized):
        return False
    try:
        held = list(value)  # type: ignore[call-overload]
    except TypeError:
        return False
    return (size is None or len(held) == size) and all(map(kind, held))


def _pair(value: object) -> bool:
    return _several(value, _text, 2)


#: What an annotation allows, and its name in words.
_KINDS: dict[str, tuple[Callable[[object], bool], str]] = {
    "None": (lambda value: value is None, ""),
    "str": (_text, "text"),
    "Better": (_text, "'lower' or 'higher'"),
    "bool": (lambda v: isinstance(v, bool) or type(v).__name__ == "bool_", "True or False"),
    "int": (_whole, "a whole number"),
    "float": (_number, "a number"),
    "Sequence[str]": (lambda v: _several(v, _text), "a list of names"),
    "tuple[str, str]": (lambda v: _several(v, _text, 2), "a pair of names"),
    "Sequence[tuple[str, str]]": (lambda v: _several(v, _pair), "pairs of names"),
    "Figure": (lambda v: type(v).__name__ == "Figure", "a figure"),
    "tuple[float, float]": (lambda v: _several(v, _number, 2), "a pair of numbers"),
}


def _parts(annotation: str) -> list[str]:
    """The alternatives of an annotation, split where a bar stands outside brackets."""
    out, depth = [""], 0
    for letter in annotation:
        depth += (letter == "[") - (letter == "]")
        if letter == "|" and not depth:
            out.append("")
        else:
            out[-1] += letter
    return ["str" if part.strip().startswith("Literal[") else part.strip() for part in out]


def typed(function: F) -> F:
    """Refuse arguments that are not of the kind that the signature names.

    Text, numbers, whole numbers, switches, lists and pairs of names, and pairs of numbers are
    looked at; arguments of other types are the function's own to check, and so are values.

    Raises
    ------
    InputError
        From the function that it makes: names the argument, the value and what it may be.
    """
    signature = inspect.signature(function)
    kinds = {}
    for name, parameter in signature.parameters.items():
        parts = _parts(str(parameter.annotation))
        if all(part in _KINDS for part in parts):
            kinds[name] = [_KINDS[part] for part in dict.fromkeys(parts)]
    order = list(signature.parameters)

    @functools.wraps(function)
    def checked(*args: Any, **given: Any) -> Any:
        for name, value in (*zip(order, args, strict=False), *given.items()):
            if name in kinds and not any(fits(value) for fits, _ in kinds[name]):
                raise InputError(
                    f"{name}={reprlib.repr(value)}",
                    where=f"argument {name}",
                    hint=" or ".join(words for _, words in kinds[name] if words),
                )
        return function(*args, **given)

    return checked  # type: ignore[return-value]
