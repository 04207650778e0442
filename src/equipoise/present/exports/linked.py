"""The page for machines, as JSON-LD: only what the page says in words as well.

Source: schema.org, MedicalWebPage. No ratings and no stars: a verdict is not one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from equipoise.answer.answer import Answer
from equipoise.core.provenance import plain
from equipoise.present.prose import doi_url, ended
from equipoise.review.records import Person, Trial


def linked_data(
    answer: Answer, address: str = "", disclosures: Sequence[str] = ()
) -> dict[str, Any]:
    """The page as schema.org's MedicalWebPage.

    Parameters
    ----------
    answer
        The answer.
    address
        Where the page is published, ending in a slash; "" where that is not known.
    disclosures
        What the page says about each person's interests, in the order of the people.
    """
    review = answer.review
    told = dict(zip((p.id for p in review.people), disclosures, strict=False))
    reviewers = [p for p in review.people if p.independent and "reviewer" in p.roles]
    made: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "MedicalWebPage",
        "headline": review.question.text,
        "inLanguage": "en",
        "version": review.version,
        "datePublished": min([review.updated, *(c.on for c in review.changes)]),
        "dateModified": review.updated,
        "lastReviewed": review.updated,
        "abstract": f"{heading(answer)}{plain(answer.verdict.sentence)}",
        "author": [_person(p, told.get(p.id, "")) for p in review.people if p not in reviewers],
        "audience": {"@type": "PeopleAudience", "audienceType": answer.population},
        "about": [
            {"@type": "MedicalCondition", "name": answer.condition},
            {"@type": "MedicalTherapy", "name": answer.treatment},
        ],
        "citation": [_article(t) for t in review.trials if t.use == "included"],
        "funding": {"@type": "Grant", "name": review.funding},
        "publishingPrinciples": f"{address}#methods",
    }
    if reviewers:
        made["reviewedBy"] = [_person(p, told.get(p.id, "")) for p in reviewers]
    if address:
        made = {"@context": made.pop("@context"), "@id": f"{address}#page", **made, "url": address}
    return made


def heading(answer: Answer) -> str:
    """The verdict's label with the date that heads it."""
    before = f"{answer.verdict.heading}: " if answer.verdict.heading else ""
    return f"{before}{answer.verdict.label}. "


def _person(person: Person, told: str) -> dict[str, str]:
    made = {"@type": "Person", "name": person.name}
    if told:
        made["description"] = told
    if person.orcid:
        made["sameAs"] = f"https://orcid.org/{person.orcid}"
    return made


def _article(trial: Trial) -> dict[str, Any]:
    made: dict[str, Any] = {
        "@type": "MedicalScholarlyArticle",
        "name": ended(trial.citation or trial.label),
    }
    same = [doi_url(trial.doi)] if trial.doi else []
    same += [f"https://pubmed.ncbi.nlm.nih.gov/{trial.pmid}/"] if trial.pmid else []
    if same:
        made["sameAs"] = same[0] if len(same) == 1 else same
    return made


def in_page(data: dict[str, Any]) -> Markup:
    """The data as the text of a script element, which nothing in it can end."""
    text = json.dumps(data, ensure_ascii=False, indent=1)
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))
