"""What each part of a combined treatment adds, and whether the trials can tell."""

from equipoise.models.components.fit import ComponentFit, Effect, Identified, components

__all__ = ["ComponentFit", "Effect", "Identified", "components"]
