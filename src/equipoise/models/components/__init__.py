"""What each part of a combined treatment adds, and whether the trials can tell."""

from equipoise.models.components.fit import ComponentFit, components
from equipoise.models.components.reading import Effect, Identified

__all__ = ["ComponentFit", "Effect", "Identified", "components"]
