"""Cut points between trivial, small, moderate and large effects, and what an effect is called.

A registry row (:class:`~equipoise.review.records.Threshold`) names its kind. A *between-group*
threshold says which difference between two groups' means matters; a *within-person* one says which
change one person notices. The second is larger and is no yardstick for group means, so the main
set of an outcome is always between-group; the others are shown beside it.
"""

from __future__ import annotations

from typing import Literal

from equipoise.review.records import Outcome, Threshold

EffectClass = Literal["worse", "none", "small", "moderate", "large"]
EFFECT_CLASSES: tuple[EffectClass, ...] = ("worse", "none", "small", "moderate", "large")


def classify(benefit: float, threshold: Threshold) -> EffectClass:
    """Name the size of an effect.

    Parameters
    ----------
    benefit
        The effect signed so that positive is better, on the outcome's scale (binary outcomes:
        risk difference per 1000 people).
    threshold
        The cut points. Sizes are closed above, as the source categories are printed
        (small 5 to 10, moderate over 10 to 20, large over 20).
    """
    if benefit <= -threshold.small:
        return "worse"
    if benefit < threshold.small:
        return "none"
    if threshold.moderate is None or benefit <= threshold.moderate:
        return "small"
    if threshold.large is None or benefit <= threshold.large:
        return "moderate"
    return "large"


def main_threshold(outcome: Outcome) -> Threshold | None:
    """The between-group set that the outcome's verdict uses; None when none is registered."""
    between = [t for t in outcome.thresholds if t.kind == "between-group"]
    return next((t for t in between if t.main), between[0] if between else None)


def signed(value: float, better: Literal["lower", "higher"]) -> float:
    """Turn an effect (treatment minus comparator) so that positive is better."""
    return -value if better == "lower" else value
