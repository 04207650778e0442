"""The methods for counts side by side: which suit the data, and whether they agree."""

from __future__ import annotations

from equipoise.core.arguments import typed_late
from equipoise.core.errors import InputError
from equipoise.models.counts.ladder import CountsLadder
from equipoise.present.figures.figure import Figure
from equipoise.present.figures.forest import forest


@typed_late
def plot_ladder(
    ladder: CountsLadder, *, title: str | None = None, prefix: str = "methods"
) -> Figure:
    """Draw the estimate and interval of every method for counts.

    Methods that are not recommended for the data are hollow, with the reason as a remark; one
    without a result is words and no mark. The same as :func:`equipoise.forest` of a ladder, which
    takes more.

    Parameters
    ----------
    ladder
        What :func:`equipoise.counts_ladder` gave.
    title
        Heading of the figure.
    prefix
        Begins the ids in the drawing; unique on a page.

    Raises
    ------
    InputError
        For something else than a ladder.
    """
    if not isinstance(ladder, CountsLadder):
        raise InputError(
            f"a ladder of methods cannot be drawn of a {type(ladder).__name__}",
            hint="what counts_ladder() gives",
        )
    return forest(ladder, title=title, prefix=prefix)
