"""The Mantel–Haenszel risk difference for the harms of an answer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from equipoise.core.errors import InputError
from equipoise.core.result import Method
from equipoise.num.dist import normal_quantile

SATO_1989 = Method(
    "Mantel–Haenszel risk difference",
    "Sato T, Greenland S, Robins JM (1989). Biometrics 45:1323–1324",
    "",
)


@dataclass(frozen=True, slots=True)
class RiskDifference:
    """A pooled risk difference (a proportion, not per 1000) with its interval."""

    estimate: float
    se: float
    low: float
    high: float


def mantel_haenszel_rd(
    events1: Sequence[int],
    n1: Sequence[int],
    events2: Sequence[int],
    n2: Sequence[int],
    *,
    level: float = 0.95,
) -> RiskDifference:
    """Pool risk differences (group 1 minus group 2) without a continuity correction.

    Parameters
    ----------
    events1, n1, events2, n2
        Events and people of each trial, shape (k,).
    level
        Confidence level.

    Raises
    ------
    InputError
        If a count exceeds its group or a group is empty.

    Notes
    -----
    Trials without any event count in full, as zero difference. Variance of Sato, Greenland and
    Robins (1989), which holds for few large and for many small trials. Checked against
    ``validation/values`` in ``tests/models/counts/test_difference.py``.
    """
    weight = difference = p_sum = q_sum = 0.0
    for i, (a, m, c, n) in enumerate(zip(events1, n1, events2, n2, strict=True), start=1):
        if not (0 <= a <= m and 0 <= c <= n and m > 0 and n > 0):
            raise InputError(
                f"counts {a}/{m} and {c}/{n} are impossible",
                where=f"trial {i}",
                hint="events between 0 and the number of people, and people in both groups",
            )
        total = m + n
        weight += m * n / total
        difference += (a * n - c * m) / total
        p_sum += c * (m / total) ** 2 - a * (n / total) ** 2 + m * n * (n - m) / (2 * total**2)
        q_sum += (a * (n - c) + c * (m - a)) / (2 * total)
    if weight == 0:
        raise InputError("no trial to pool", hint="at least one trial with two groups")
    estimate = difference / weight
    se = math.sqrt(max(0.0, estimate * p_sum + q_sum)) / weight
    half = normal_quantile(1 - (1 - level) / 2) * se
    return RiskDifference(estimate, se, estimate - half, estimate + half)
