"""Rare events and harms: methods that take the counts themselves, and add nothing to zero cells."""

from equipoise.models.counts.difference import (
    SATO_1989,
    RiskDifference,
    mantel_haenszel_rd,
)

__all__ = ["SATO_1989", "RiskDifference", "mantel_haenszel_rd"]
