"""Intervals of residual heterogeneity from a generalised Q, in meta-regression.

Jackson D, Turner R, Rhodes K, Viechtbauer W (2014). Methods for calculating confidence and credible
intervals for the residual between-study variance in random effects meta-regression models.
BMC Med Res Methodol 14:103, doi:10.1186/1471-2288-14-103, both examples.
"""

from __future__ import annotations

import numpy as np
import pytest

from equipoise.models.residual import Residual
from equipoise.models.residual_tau2 import residual_interval

ONE = (
    "0.0267 0.8242 0.3930 2.4405 2.1401 1.2528 2.4849 0.3087 1.4246 0.1823 1.1378 1.2321 2.0695 "
    "4.0237 1.4383 1.6021",
    "0.1285 0.0315 0.0931 2.0967 1.0539 0.1602 1.0235 0.0218 0.5277 0.0556 0.3304 0.1721 0.4901 "
    "2.0200 0.3399 0.1830",
    "0 0 0 0 0 0 0 0 0 0 1 1 1 1 1 1",
)
TWO = (
    "0.54 0.4 0.64 0.365 0.835 0.02 0.12 0.085 1.18 0.08 0.18 0.325 0.06 0.715 0.065 0.245 0.24 "
    "0.06 0.19",
    "0.0176 0.019 0.0906 0.0861 0.0063 0.0126 0.0126 0.0041 0.0759 0.0126 0.0104 0.0242 0.0026 "
    "0.2629 0.0169 0.0156 0.0481 0.0084 0.0044",
    "1986 1987 1988 1988 1998 1999 2000 2000 2000 2001 2001 2001 2002 2002 2002 2002 2003 2003 "
    "2003",
)
Example = tuple[str, str, str]


def column(text: str) -> np.ndarray:
    return np.array([float(x) for x in text.split()])


def data(example: Example) -> Residual:
    y, v, x = (column(text) for text in example)
    return Residual(y, v, np.column_stack([np.ones(len(y)), x]))


@pytest.mark.parametrize(
    ("example", "power", "expected"),
    [
        (ONE, 1.0, (0.0029, 0.6907)),
        (ONE, 0.5, (0.0000, 1.1245)),
        (TWO, 1.0, (0.0170, 0.1393)),
        (TWO, 0.5, (0.0180, 0.1375)),
    ],
)
def test_generalised_q(
    example: Example,
    power: float,
    expected: tuple[float, float],
) -> None:
    at = data(example)
    own = at.weighted((1.0 / column(example[1])) ** power)
    ci, _ = residual_interval(at, 0.95, "GENQ", own=own)
    # The paper's program narrows its search to 6.1e-5 and prints four decimals.
    assert [ci.low, ci.high] == pytest.approx(expected, abs=6.1e-5 + 5e-5)


@pytest.mark.parametrize(
    ("example", "expected"), [(ONE, (0.0023, 1.4871)), (TWO, (0.0178, 0.1564))]
)
def test_q_profile(example: Example, expected: tuple[float, float]) -> None:
    ci, _ = residual_interval(data(example), 0.95)
    assert (round(ci.low, 4), round(ci.high, 4)) == expected
