"""The kernels tied to each other, for each way of running them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from types import FunctionType
from typing import Any

from equipoise.num import abreast, lanes, survey
from equipoise.num import kernels as source


@dataclass(frozen=True, slots=True)
class Kernels:
    """The kernels that others call, for one way of running them."""

    slopes: Callable[..., tuple[float, float, float, float, float, float, float]]
    profile: Callable[..., tuple[float, float, float, float]]
    moments: Callable[..., tuple[float, float, float, float, float]]
    squares_about_mean: Callable[..., float]
    height: Callable[..., float]
    solve_q: Callable[..., float]
    optima: Callable[..., tuple[int, bool]]
    highest: Callable[..., float]
    analyse: Callable[..., None]
    analyse_lanes: Callable[..., None]


#: The sources, each of which calls only those before it.
MODULES = (source, lanes, survey, abreast)

#: All functions of the sources.
PARTS: tuple[FunctionType, ...] = tuple(
    part
    for module in MODULES
    for part in vars(module).values()
    if isinstance(part, FunctionType) and part.__module__ == module.__name__
)


def bind(
    exchanged: Mapping[str, Callable[..., Any]], wrap: Callable[[FunctionType], Callable[..., Any]]
) -> dict[str, Callable[..., Any]]:
    """Return the kernels by name, calling each other as `wrap` made them.

    Parameters
    ----------
    exchanged
        Functions to use in the place of those of the same name.
    wrap
        What to do with each copy, such as compile it.
    """
    made: dict[str, Callable[..., Any]] = {}
    names = {name: value for module in MODULES for name, value in vars(module).items()}
    names.update(exchanged)
    for part in PARTS:
        name = part.__name__
        copy = FunctionType(part.__code__, names, name, part.__defaults__, part.__closure__)
        made[name] = names[name] = exchanged.get(name) or wrap(copy)
    return made


def kernels(made: Mapping[str, Callable[..., Any]]) -> Kernels:
    """Pick out of `made` what others call."""
    return Kernels(**{f.name: made[f.name] for f in fields(Kernels)})


#: For a few dozen trials, held in lists of floats.
PLAIN = kernels({part.__name__: part for part in PARTS})
