"""An answer as web pages: the page itself, the way back of every number, and the data.

The pages need no script, make no request to anybody else and work from a folder on a disk.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import shutil
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from equipoise.answer.answer import Answer
from equipoise.answer.claims import STATES, ClaimLine, judge_claims
from equipoise.answer.wording import CERTAINTY, HARM_MEANINGS, HARM_STATES
from equipoise.core.errors import InputError
from equipoise.core.provenance import plain
from equipoise.core.table import Link, Table
from equipoise.present import claims, openness, record, sheet, tables
from equipoise.present.audit.registry import QA, STATE_WORDS, Audit, audit
from equipoise.present.decision import decision, dissent
from equipoise.present.exports.light import light_exports
from equipoise.present.exports.linked import in_page, linked_data
from equipoise.present.exports.pictures import forest_of, ladder_of, pictures_of
from equipoise.present.exports.reading import answer_json
from equipoise.present.figures import Figure
from equipoise.present.figures.figure import figure_css
from equipoise.present.ledgers import harms_asked
from equipoise.present.prose import (
    FILTERS,
    SOURCES,
    anchors,
    computed,
    ended,
    said,
)
from equipoise.present.references import references
from equipoise.present.way_back import by_line, way_back
from equipoise.review.cells import TURNED
from equipoise.review.records import Option

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"

#: Lies in every folder that this program wrote, and lets it replace that folder.
MARKER = ".equipoise"
_MARKER_TEXT = b"Written by equipoise. A new build replaces this whole folder.\n"

#: The folder of an answer in which copies of its versions lie.
VERSIONS = "v"

#: Where each kind of file is a person's to read about.
_FILES: dict[str, str] = {
    "review.toml": "the question, the choices, outcomes, thresholds, people and changes",
    "trials.csv": "the trials",
    "arms.csv": "the groups of each trial and what they got",
    "results.csv": "published results of single groups",
    "contrasts.csv": "published differences between groups",
    "harms.csv": "what sources say about harms",
    "risk_of_bias.csv": "appraisals of risk of bias",
    "judgements.toml": "signed judgements",
    "article.md": "the prose",
}

#: Licences that have an address.
_LICENSES: dict[str, tuple[str, str]] = {
    "CC-BY-4.0": (
        "Creative Commons Attribution 4.0",
        "https://creativecommons.org/licenses/by/4.0/",
    ),
    "CC0-1.0": ("Creative Commons Zero 1.0", "https://creativecommons.org/publicdomain/zero/1.0/"),
}


@dataclass(frozen=True, slots=True)
class Page:
    """A page as files: path (relative to the folder it is put in) to content."""

    slug: str
    title: str
    files: dict[str, bytes] = field(repr=False)

    def save(self, directory: str | Path) -> Path:
        """Write the page into a folder of its own, all of it or nothing.

        Parameters
        ----------
        directory
            A new or empty folder, or one that an earlier save or build made; it is replaced.

        Returns
        -------
        Path
            The page to open: ``index.html`` in that folder.

        Raises
        ------
        InputError
            When the folder holds something else.
        """
        return write_folder(self.files, directory) / "index.html"


def page(answer: Answer, others: Mapping[str, Answer] | None = None) -> Page:
    """Write an answer as a page that stands alone.

    Parameters
    ----------
    answer
        What :func:`equipoise.assess` gave.
    others
        Answers of other reviews by slug, for claims of the article that are about them.

    Returns
    -------
    Page
        ``index.html``, ``sources.html`` with the way back of every number, ``answer.json``, the
        review's files under ``data/`` and the style.
    """
    style, css = stylesheet()
    files, _ = answer_files(answer, Place(style), others=others)
    files[style] = css
    return Page(answer.slug, answer.title, dict(sorted(files.items())))


@dataclass(frozen=True, slots=True)
class Place:
    """Where the files of an answer are put, and what lies round them.

    Attributes
    ----------
    style
        Address of the style sheet, relative to the folder.
    home
        Address of the site's first page, relative to the folder; "" where there is no site.
    address
        Where the newest version is published, ending in a slash; "" where that is not known.
    kept
        The versions of which a copy lies in the site, by their numbers.
    copy
        These files are such a copy, in ``v/VERSION/`` of the answer's folder.
    """

    style: str
    home: str = ""
    address: str = ""
    kept: Collection[str] = ()
    copy: bool = False

    @property
    def root(self) -> str:
        """The way up to the site's root."""
        return self.home.removesuffix("index.html")

    @property
    def versions(self) -> str:
        """The way to the folder of the kept versions."""
        return "../" if self.copy else f"{VERSIONS}/"


def answer_files(
    answer: Answer,
    place: Place,
    *,
    others: Mapping[str, Answer] | None = None,
    draft: bool = False,
    twice: bool = False,
) -> tuple[dict[str, bytes], Audit]:
    """Write the files of one answer, relative to its own folder, and check them.

    Parameters
    ----------
    answer
        The answer.
    place
        Where they are put.
    others
        Answers of other reviews by slug, for claims that are about them.
    draft
        Mark every page as a draft.
    twice
        Make the files once more and compare, as one of the checks.

    Returns
    -------
    tuple of dict and Audit
        The files by name, ``qa.html`` with what was found among them, and what was found.
    """

    def make() -> dict[str, bytes]:
        return _files(answer, place, others, draft)

    files = make()
    css = stylesheet()[1].decode("utf-8")
    found = audit(answer, files, css=css, again=make if twice else None)
    files[QA] = _checked(answer, place, found, draft)
    return files, found


def copy_files(
    answer: Answer,
    place: Place,
    checked: Audit,
    *,
    others: Mapping[str, Answer] | None = None,
    draft: bool = False,
) -> dict[str, bytes]:
    """Write the copy of this version that stays when newer ones come.

    Parameters
    ----------
    answer, others, draft
        As for :func:`answer_files`.
    place
        Where the copy is put, as seen from there; its `copy` is true.
    checked
        What the checks found in the answer's own files.
    """
    files = _files(answer, place, others, draft)
    return {**files, QA: _checked(answer, place, checked, draft)}


def _checked(answer: Answer, place: Place, found: Audit, draft: bool) -> bytes:
    return render("qa.html", **_shared(answer, place, draft), audit=found, states=STATE_WORDS)


def _shared(answer: Answer, place: Place, draft: bool) -> dict[str, Any]:
    """What every template needs."""
    return {
        "style": place.style,
        "home": place.home,
        "copy": place.copy,
        "a": answer,
        "review": answer.review,
        "draft": draft,
    }


def _files(
    answer: Answer, place: Place, others: Mapping[str, Answer] | None, draft: bool
) -> dict[str, bytes]:
    lines = judge_claims(answer, others)
    address = place.address
    shared = _shared(answer, place, draft)
    linked = linked_data(answer, address, openness.disclosures(answer))
    if draft:
        linked["creativeWorkStatus"] = "Draft"
    light = light_exports(answer, linked, address)
    files = {
        "index.html": render(
            "page.html",
            **shared,
            **_context(answer, place, lines),
            **_siblings(answer, others if place.home else None, place.root),
            json_ld=in_page(linked),
            light=light,
        ),
        "sources.html": render("sources.html", **shared, way=way_back(answer), by_line=by_line),
        "print.html": render("print.html", **shared, **_sheet(answer, address)),
        "answer.json": answer_json(answer).encode("utf-8"),
        **{file.path: file.data for file in light},
    }
    if lines:
        told = _claims(answer, lines, place.root)
        files[claims.PAGE] = render("claims.html", **shared, **told)
    for name, text in answer.review.text.items():
        files[f"data/{name}"] = text.encode("utf-8")
    return files


def _sheet(answer: Answer, address: str) -> dict[str, Any]:
    """What the one page for the doctor needs."""
    return {
        **_writers(answer),
        "sheet": sheet,
        "address": address,
        "legend": _legend(),
        "disclosures": openness.disclosures(answer),
    }


def _legend() -> list[tuple[str, str]]:
    return [(tables.dots(level), told[1]) for level, told in CERTAINTY.items()]


@functools.cache
def stylesheet() -> tuple[str, bytes]:
    """Path and content of the one style sheet; the path changes with the content."""
    css = (figure_css() + "\n" + (TEMPLATES / "style.css").read_text(encoding="utf-8")).encode()
    return f"assets/style.{hashlib.sha256(css).hexdigest()[:12]}.css", css


@functools.cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.globals["draft"] = made.globals["copy"] = False
    made.filters.update(FILTERS, claim_id=claims.claim_id)
    return made


def render(template: str, **context: Any) -> bytes:
    """Fill a template."""
    html = _environment().get_template(template).render(**context)
    return html.translate(TURNED).encode("utf-8")


def _writers(answer: Answer) -> dict[str, Any]:
    """What a template calls to write a table or a figure of this answer."""
    anchor = anchors(answer.quantities)

    def finished(html: str) -> Markup:
        html = html.replace('<a href="sources.html#q-', '<a class="n" href="sources.html#q-')
        for filled in range(5):
            row = "●" * filled + "○" * (4 - filled)
            html = html.replace(row, f'<span class="dots" aria-hidden="true">{row}</span>')
        return Markup(html)

    def table(made: Table, css: str = "grid", *, typed: bool = False) -> Markup:
        """Write a table; `typed` when its texts are by people and not by the program."""
        html = made.to_html(anchor=anchor, css=css, said=not typed)
        return finished(html if typed else computed(html))

    def figure(made: Figure) -> Markup:
        return finished(made.to_html(anchor=anchor, said=True))

    return {"table": table, "figure": figure, "tables": tables.ALL, "dots": tables.dots}


def _claims(answer: Answer, lines: Sequence[ClaimLine], root: str) -> dict[str, Any]:
    def say(line: ClaimLine, text: str) -> Markup:
        """A sentence about another review leads to its sources, where it has a page here."""
        if not line.review:
            return said(ended(text))
        return (
            said(ended(text), f"{root}{line.review}/{SOURCES}")
            if root
            else said(plain(ended(text)))
        )

    article = next((s for s in answer.review.article if s.id == "claims"), None)
    return {
        "lines": lines,
        "say": say,
        "tally": claims.counted(lines),
        "glyphs": claims.GLYPHS,
        "states": STATES,
        "article": article,
        "prose": claims.claimed(article.text, lines) if article else "",
    }


def _context(answer: Answer, place: Place, lines: Sequence[ClaimLine]) -> dict[str, Any]:
    words = CERTAINTY[answer.certainty][1] if answer.certainty else "No evidence to be sure of"
    return {
        **_writers(answer),
        "certainty_words": words,
        "legend": _legend(),
        "ladder": ladder_of(answer),
        "forests": {o.id: forest_of(answer, o) for o in answer.outcomes if o.pooled is not None},
        "pictures": pictures_of(answer),
        "parts": (answer.alone, answer.added, answer.together),
        "articles": {section.id: section for section in answer.review.article},
        "disclosures": openness.disclosures(answer),
        "methods": record.papers(answer),
        "record": record,
        "openness": openness,
        "view": openness.view(answer),
        "decision": decision,
        "dissent": dissent(answer),
        "references": references(answer),
        "unjudged": tables.unjudged(answer),
        "downloads": [(name, _FILES.get(name, "")) for name in answer.review.text],
        "licence": _LICENSES.get(answer.review.license, (answer.review.license, "")),
        "cited": [
            t for t in answer.review.trials if t.use == "included" and t.status != "retracted"
        ],
        "address": place.address,
        "kept": place.kept,
        "versions": place.versions,
        "burdens": _burdens(answer),
        "grave": [h.plain for h in answer.harms if h.severity in ("serious", "needs-care")],
        "choice": "not much · some · a lot",
        "used": _used(answer),
        "asking": harms_asked(answer),
        "harm_states": [(HARM_MEANINGS[state], HARM_STATES[state]) for state in HARM_STATES],
        "claims": claims.counted(lines) if lines else "",
        "written": lambda text: claims.claimed(text, lines),
    }


def _used(answer: Answer) -> str:
    """How the treatment was used in the trials that isolate it; "" where there are none."""
    alone, added = answer.alone.trials.value, answer.added.trials.value
    if alone and added:
        return ", alone or added to other care"
    if alone or added:
        return ", alone" if alone else ", added to other care"
    return ""


def _siblings(answer: Answer, others: Mapping[str, Answer] | None, root: str) -> dict[str, Any]:
    """Other answers of the site about the same condition or treatment, and about a choice here."""
    condition, treatment = answer.condition.casefold(), answer.treatment.casefold()
    found: list[dict[str, str]] = []
    pages: dict[str, Link] = {}
    for other in sorted((others or {}).values(), key=lambda a: a.title.casefold()):
        same = other.condition.casefold() == condition
        if not same and other.treatment.casefold() != treatment:
            continue
        href = f"{root}{other.slug}/index.html"
        heading = f"{other.verdict.heading}: " if other.verdict.heading else ""
        label = f"{heading}{other.verdict.label}"
        found.append({"title": other.title, "href": href, "label": label})
        for option in answer.review.options:
            if same and option.kind == "other" and _about(other, option):
                pages[option.id] = Link(label, href)
    return {"siblings": found, "options": tables.options(answer, pages)}


def _about(other: Answer, option: Option) -> bool:
    """Whether another answer is about a choice of this page."""
    return (
        other.review.question.component in option.components
        or other.treatment.casefold() == option.label.casefold()
    )


def _burdens(answer: Answer) -> list[str]:
    """What the treatment asks of a person, for the prompts about what matters."""
    own = [o for o in answer.review.options if o.kind == "treatment"]
    texts = [f"Visits: {o.visits}" for o in own if o.visits]
    texts += [f"Cost: {o.cost}" for o in own if o.cost]
    if answer.verdict.burden_why:
        texts.append(f"What it takes: {answer.verdict.burden_why}")
    return [ended(text) for text in texts]


def write_folder(files: Mapping[str, bytes], directory: str | Path) -> Path:
    """Write files into a folder in one step: the old folder stays until the new one is whole.

    Raises
    ------
    InputError
        When the folder holds something that this program did not write.
    """
    target = Path(os.path.abspath(directory))
    _may_replace(target, str(directory))
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    fresh, old = beside / "new", beside / "old"
    try:
        for name, content in {MARKER: _MARKER_TEXT, **files}.items():
            path = fresh / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        if target.exists():
            target.rename(old)
        try:
            fresh.rename(target)
        except OSError:
            if old.exists():
                old.rename(target)
            raise
    finally:
        with contextlib.suppress(OSError):
            shutil.rmtree(beside)
    return target


def _may_replace(target: Path, named: str) -> None:
    if not target.exists() or (target / MARKER).is_file():
        return
    if not target.is_dir():
        raise InputError("the place for the pages is a file", where=named, hint="a folder's name")
    if any(target.iterdir()):
        raise InputError(
            "this folder holds files that no earlier build made, and a build replaces its folder",
            where=named,
            hint="a new or empty folder, such as out",
        )
