"""The kernels compiled by Numba, on first use."""

from __future__ import annotations

from functools import lru_cache
from types import FunctionType
from typing import Any

from equipoise.num.binding import Kernels, bind, kernels

#: Sums may be added up in another order, four at a time; nothing else is loosened.
_SUMS = {"slopes", "profile", "squares_about_mean", "log_weights", "sweep"}
_KEPT = {"analyse", "analyse_lanes"}
_LOOSE = {"reassoc", "contract", "nsz", "arcp"}


@lru_cache(maxsize=1)
def compiled() -> Kernels:
    """Return the kernels compiled.

    Raises
    ------
    ImportError
        When Numba is not installed.
    """
    import numba  # slow, and an extra

    def wrap(copy: FunctionType) -> Any:
        loose = _LOOSE if copy.__name__ in _SUMS else False
        return numba.njit(
            copy,
            cache=copy.__name__ in _KEPT,
            fastmath=loose,
            nogil=True,
            error_model="numpy",
        )

    return kernels(bind({}, wrap))
