"""Review folders: open one, list those shipped, write one back, begin a new one."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from equipoise.core.errors import FolderError, UnknownNameError
from equipoise.review.check import check_draft
from equipoise.review.problems import errors_of
from equipoise.review.reader import Draft, read_draft
from equipoise.review.records import Review

#: Where shipped reviews lie: in a wheel, and in a checkout.
_HOMES = (Path(__file__).parents[1] / "reviews", Path(__file__).parents[3] / "reviews")


@cache
def _home() -> Path | None:
    return next((home for home in _HOMES if home.is_dir()), None)


def shipped() -> tuple[str, ...]:
    """The slugs of the reviews that come with the program, sorted."""
    home = _home()
    if home is None:
        return ()
    return tuple(sorted(p.parent.name for p in home.glob("*/review.toml")))


def locate(where: str | Path) -> Path:
    """The folder that a path, or the slug of a shipped review, stands for.

    Raises
    ------
    UnknownNameError
        When there is no such folder and no such shipped review.
    """
    path = Path(where)
    if path.is_dir():
        return path
    home = _home()
    if home is not None and str(where) in shipped():
        return home / str(where)
    raise UnknownNameError("review", str(where), shipped())


def open_review(where: str | Path) -> Review:
    """Open a review by the path of its folder, or by the slug of one that is shipped.

    Raises
    ------
    UnknownNameError
        When there is no such folder and no such shipped review.
    FolderError
        With every problem that keeps the folder from being used.
    """
    return read_folder(locate(where))


def read_folder(path: str | Path) -> Review:
    """Read a review folder.

    Raises
    ------
    FolderError
        With every problem that keeps the folder from being used; warnings and notes do not.
    """
    draft = read_draft(Path(path))
    errors = errors_of(check_draft(draft))
    if errors:
        count = f"{len(errors)} problem{'' if len(errors) == 1 else 's'}"
        raise FolderError(
            f"the review folder has {count}",
            where=str(path),
            hint="mend what is listed here",
            problems=errors,
        )
    return as_review(draft)


def as_review(draft: Draft) -> Review:
    """Freeze a draft in which no error was found."""
    assert draft.question is not None
    assert draft.plan is not None
    assert draft.search is not None
    return Review(
        **draft.top,
        question=draft.question,
        plan=draft.plan,
        search=draft.search,
        options=tuple(draft.options),
        components=tuple(draft.components),
        outcomes=tuple(draft.outcomes),
        people=tuple(draft.people),
        red_flags=tuple(draft.red_flags),
        changes=tuple(draft.changes),
        trials=tuple(draft.trials),
        arms=tuple(draft.arms),
        results=tuple(draft.results),
        contrasts=tuple(draft.contrasts),
        harms=tuple(draft.harms),
        risk_of_bias=tuple(draft.risk_of_bias),
        judgements=tuple(draft.judgements),
        article=tuple(draft.article),
        text=dict(draft.text),
    )
