"""The kernels compiled by Numba, on first use."""

from __future__ import annotations

import hashlib
import marshal
from functools import lru_cache
from types import FunctionType
from typing import Any

from equipoise.num.binding import MODULES, PARTS, Kernels, bind, kernels

#: Sums may be added up in another order, four at a time; nothing else is loosened.
_SUMS = {"slopes", "profile", "squares_about_mean", "log_weights", "sweep"}
_KEPT = {"analyse", "analyse_lanes"}
_LOOSE = {"reassoc", "contract", "nsz", "arcp"}


def fingerprint() -> str:
    """Return a name for the sources as they are.

    Numba keeps on disk what it compiled, by the file and the code of that one function: a change in
    another that it calls would go unseen. So the name under which it is kept tells all of them.
    """
    facts = hashlib.sha256()
    for part in PARTS:
        facts.update(marshal.dumps(part.__code__))
    for module in MODULES:
        for name, value in sorted(vars(module).items()):
            if isinstance(value, (int, float)):
                facts.update(f"{module.__name__}.{name}={value!r};".encode())
    return facts.hexdigest()[:12]


@lru_cache(maxsize=1)
def compiled() -> Kernels:
    """Return the kernels compiled.

    Raises
    ------
    ImportError
        When Numba is not installed.
    """
    import numba  # slow, and an extra

    mark = fingerprint()

    def wrap(copy: FunctionType) -> Any:
        copy.__qualname__ = f"{copy.__name__}_{mark}"
        loose = _LOOSE if copy.__name__ in _SUMS else False
        return numba.njit(
            copy,
            cache=copy.__name__ in _KEPT,
            fastmath=loose,
            nogil=True,
            error_model="numpy",
        )

    return kernels(bind({}, wrap))
