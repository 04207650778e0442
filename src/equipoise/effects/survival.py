"""Times to an event in two groups: hazard ratios."""

from __future__ import annotations

from equipoise.core.result import Method
from equipoise.effects.columns import Floats
from equipoise.effects.measure import How, Measure, Values


def hazard_ratio(c: Values, how: How) -> tuple[Floats, Floats]:
    """``(O − E)/V`` with ``1/V``, of the log-rank test."""
    return c["o_minus_e"] / c["v"], 1.0 / c["v"]


MEASURES = (
    Measure(
        "HR",
        "hazard ratio",
        "log",
        "survival",
        "times the hazard",
        Method(
            "log hazard ratio from observed minus expected events",
            "Parmar, Torri, Stewart 1998, Stat Med 17:2815",
            "10.1002/(SICI)1097-0258(19981230)17:24<2815::AID-SIM110>3.0.CO;2-8",
        ),
        hazard_ratio,
        above="the event comes sooner in group 1",
    ),
)
