"""Two groups with events in person-time: rate ratios and differences."""

from __future__ import annotations

from equipoise.core.result import Method
from equipoise.effects.measure import Measure
from equipoise.effects.single import log_rate, rate, root_rate

_PAPER = "Rothman, Greenland, Lash 2008, Modern Epidemiology, 3rd edition, chapter 14"
_MORE = "events are more frequent in group 1"

MEASURES = (
    Measure(
        "IRR",
        "rate ratio",
        "log",
        "rates",
        "times the rate",
        Method("log rate ratio with its large-sample variance", _PAPER),
        arm=log_rate,
        above=_MORE,
    ),
    Measure(
        "IRD",
        "rate difference",
        "natural",
        "rates",
        "events in one unit of person-time",
        Method("rate difference with its large-sample variance", _PAPER),
        arm=rate,
        above=_MORE,
    ),
    Measure(
        "IRSD",
        "difference of square roots of rates",
        "natural",
        "rates",
        "square root of a rate",
        Method("variance-stabilised rate difference", _PAPER),
        arm=root_rate,
        above=_MORE,
    ),
)
