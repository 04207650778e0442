"""Arguments of the wrong kind, refused at the door by what the function's own signature says."""

from __future__ import annotations

import functools
import inspect
import reprlib
from collections.abc import Callable, Mapping, Sized
from numbers import Integral, Real
from typing import Any, TypeVar

from equipoise.core.errors import EquipoiseError, InputError

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


def _named(value: object) -> bool:
    return isinstance(value, Mapping) and all(map(_text, value))


def _is(name: str) -> Callable[[object], bool]:
    """Whether a value's class, or one that it is derived from, has that name."""
    return lambda value: any(cls.__name__ == name for cls in type(value).__mro__)


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
    "tuple[float, float]": (lambda v: _several(v, _number, 2), "a pair of numbers"),
    "Sequence[float]": (lambda v: _several(v, _number), "a list of numbers"),
    "Floats": (lambda v: _several(v, _number), "a list of numbers"),
    "Sequence[Any]": (lambda v: isinstance(v, dict) or _several(v, lambda _: True), "a list"),
    "Sequence[Column]": (lambda v: _several(v, lambda _: True), "a list of columns"),
    "Mapping[str, object]": (_named, "a dict by name"),
    "Mapping[str, Any]": (_named, "a dict by name"),
    "Mapping[str, str]": (_named, "a dict by name"),
    "Upright": (_text, "text"),
    "To": (_text, "text"),
    "Correction": (_text, "text"),
    "Report": (callable, "a function that is told of progress"),
    **{
        name: (_is(name), words)
        for name, words in (
            ("Figure", "a figure"),
            ("Contrasts", "a result of effect_sizes()"),
            ("PairwiseFit", "a fit of pairwise()"),
            ("RegressionFit", "a fit of regress()"),
            ("TrimFill", "what trim_fill() found"),
            ("Influence", "what influence() found"),
            ("BaujatAxes", "what baujat() found"),
            ("CountsLadder", "what counts_ladder() found"),
            ("InformationSize", "what required_information() found"),
            ("Sequential", "what sequential() found"),
        )
    },
    "Subsets": (_is("Gosh"), "what gosh() found"),
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


def _seed(value: object) -> bool:
    return _whole(value) and int(value) >= 0  # type: ignore[call-overload]


_SEED = (_seed, "a whole number of at least 0")


def _refusal(function: Callable[..., Any]) -> Callable[[tuple[Any, ...], dict[str, Any]], None]:
    """What refuses arguments that are not of the kind that the signature names."""
    signature = inspect.signature(function)
    kinds: dict[str, list[tuple[Callable[[object], bool], str]]] = {}
    for name, parameter in signature.parameters.items():
        parts = _parts(str(parameter.annotation))
        if all(part in _KINDS for part in parts):
            kinds[name] = [_KINDS[part] for part in dict.fromkeys(parts)]
            if name == "seed":
                kinds[name] = [_SEED if part == "int" else _KINDS[part] for part in parts]
    order = list(signature.parameters)

    def refuse(args: tuple[Any, ...], given: dict[str, Any]) -> None:
        for name, value in (*zip(order, args, strict=False), *given.items()):
            if name in kinds and not any(fits(value) for fits, _ in kinds[name]):
                raise InputError(
                    f"{name}={reprlib.repr(value)}",
                    where=f"argument {name}",
                    hint=" or ".join(words for _, words in kinds[name] if words),
                )

    return refuse


def typed(function: F) -> F:
    """Refuse arguments that are not of the kind that the signature names.

    Text, numbers, whole numbers, switches, lists and pairs of names, pairs of numbers, and results
    of other functions are looked at; arguments of other types are the function's own to check, and
    so are values, but for seeds.

    Raises
    ------
    InputError
        From the function that it makes: names the argument, the value and what it may be.
    """
    refuse = _refusal(function)

    @functools.wraps(function)
    def checked(*args: Any, **given: Any) -> Any:
        refuse(args, given)
        return function(*args, **given)

    return checked  # type: ignore[return-value]


def typed_late(function: F) -> F:
    """As :func:`typed`, but looks only where a call has failed without words of its own.

    For functions that are called very often, and those that know better what is wrong.
    """
    refuse = _refusal(function)

    @functools.wraps(function)
    def checked(*args: Any, **given: Any) -> Any:
        try:
            return function(*args, **given)
        except EquipoiseError:
            raise
        except (TypeError, ValueError, AttributeError, LookupError):
            refuse(args, given)
            raise

    return checked  # type: ignore[return-value]
