"""The list of references: every study, source and method once, with its links."""

from __future__ import annotations

from dataclasses import dataclass

from equipoise.answer.answer import Answer
from equipoise.present import record
from equipoise.present.prose import doi_url, ended
from equipoise.review.records import Trial


@dataclass(frozen=True, slots=True)
class Reference:
    """A line of the list of references."""

    id: str
    text: str
    links: tuple[tuple[str, str], ...]
    """(text, address) pairs."""


def _doi(doi: str) -> tuple[tuple[str, str], ...]:
    return ((f"doi:{doi}", doi_url(doi)),) if doi else ()


def _trial_reference(t: Trial) -> Reference:
    links = list(_doi(t.doi))
    if t.pmid:
        links.append((f"PubMed {t.pmid}", f"https://pubmed.ncbi.nlm.nih.gov/{t.pmid}/"))
    mark = {"retracted": " RETRACTED.", "concern": " Expression of concern."}.get(t.status, "")
    text = ended(t.citation or t.label) + mark
    return Reference(f"ref-{t.id}", text, tuple(links))


def references(answer: Answer) -> list[tuple[str, list[Reference]]]:
    """The references of an answer under their headings; a heading without any is left out."""
    review = answer.review
    others: dict[str, Reference] = {}

    def add(text: str, doi: str) -> None:
        if text and text not in others:
            others[text] = Reference(f"ref-other-{len(others) + 1}", text, _doi(doi))

    add(review.search.by, review.search.doi)
    for outcome in review.outcomes:
        for threshold in outcome.thresholds:
            add(threshold.source, threshold.doi)
    for harm in review.harms:
        add(harm.source, harm.doi)
    for method in record.papers(answer):
        add(method.paper, method.doi)
    heads = (
        ("included", f"Trials of {answer.treatment}"),
        ("co-intervention", "Trials of the other care"),
        ("excluded", "Looked at and left out"),
    )
    groups = [
        (head, [_trial_reference(t) for t in review.trials if t.use == use]) for use, head in heads
    ]
    groups.append(("Other sources and methods", list(others.values())))
    return [(head, found) for head, found in groups if found]
