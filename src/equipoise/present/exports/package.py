"""The review's tables as a Frictionless data package: what every column is, and what it may hold.

Types, lists of values and required columns come from the folder's own schema
(:mod:`equipoise.review.schema`). Source: Data Package and Table Schema, version 1, Frictionless
Data. Checked against: frictionless.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from equipoise.answer.answer import Answer
from equipoise.present.exports.shown import HEADERS, NUMBERS, SHOWN, WHOLE
from equipoise.present.prose import doi_url
from equipoise.review.records import Review
from equipoise.review.render import render
from equipoise.review.schema import SHEETS, Column

#: What each file of the folder holds.
FILES: dict[str, str] = {
    "trials.csv": "The trials",
    "arms.csv": "The groups of each trial and what they got",
    "results.csv": "Published results of single groups",
    "contrasts.csv": "Published differences between groups",
    "harms.csv": "What sources say about harms",
    "risk_of_bias.csv": "Appraisals of risk of bias",
    "signalling.csv": "Answers to the signalling questions of RoB 2",
    "unreported.csv": "Outcomes that a trial has no usable result of",
}
_KEYS: dict[str, tuple[str, ...]] = {"trials.csv": ("trial",), "arms.csv": ("trial", "arm")}
_ARM = ("trial", "arm")
#: Columns of a file → (file, columns) that they must be found in.
_FOREIGN: dict[str, tuple[tuple[tuple[str, ...], str, tuple[str, ...]], ...]] = {
    "arms.csv": ((("trial",), "trials.csv", ("trial",)),),
    "results.csv": ((_ARM, "arms.csv", _ARM),),
    "contrasts.csv": (
        (("trial", "arm1"), "arms.csv", _ARM),
        (("trial", "arm2"), "arms.csv", _ARM),
    ),
    "harms.csv": ((("trial",), "trials.csv", ("trial",)),),
    "risk_of_bias.csv": ((("trial",), "trials.csv", ("trial",)),),
    "signalling.csv": ((("trial",), "trials.csv", ("trial",)),),
    "unreported.csv": ((("trial",), "trials.csv", ("trial",)),),
}
#: What a column holds, by name; names mean the same in every file.
_WORDS: dict[str, str] = {
    "trial": "Id of the trial",
    "label": "Short name for readers",
    "citation": "Where it was published",
    "year": "Year of publication",
    "doi": "Digital object identifier, without an address before it",
    "pmid": "Number in PubMed",
    "registration": "Number in a register of trials",
    "country": "Where it was done",
    "funding": "Who paid, in words",
    "money": "Who paid, as a class",
    "conflicts": "Interests that its authors declared",
    "proponent": "Whether it was run by people who sell, teach or promote the treatment",
    "design": "Design in words",
    "blinding": "Who did not know which treatment was given",
    "n_randomized": "People who were randomised",
    "status": "Whether the report was retracted or questioned",
    "use": "Whether it counts",
    "reason": "Why it is left out, or what a reader must know about it",
    "factor": "For factorial trials: which factor's margins are used",
    "source": "Where this was read",
    "note": "Anything else to know",
    "arm": "Id of the group, within its trial",
    "arm1": "Id of the group that the difference is of",
    "arm2": "Id of the group that it is compared with",
    "components": "Parts of the treatment, joined by +",
    "mixed": "Parts that about half of the group had by design, joined by +",
    "dose": "Dose in words",
    "n": "People analysed",
    "n1": "People analysed in arm1",
    "n2": "People analysed in arm2",
    "outcome": "Id of the outcome",
    "instrument": "Scale or questionnaire",
    "weeks": "Weeks after the start",
    "type": "Whether the value is a final one, a change, or an improvement (positive is better)",
    "scale_min": "Lowest value of the scale, where it differs from the outcome's",
    "scale_max": "Highest value of the scale, where it differs from the outcome's",
    "events": "People with the event",
    "mean": "Mean",
    "sd": "Standard deviation",
    "se": "Standard error",
    "measure": "Effect measure",
    "estimate": "Difference of arm1 minus arm2, or ratio of arm1 to arm2",
    "ci_low": "Lower end of the 95 % confidence interval",
    "ci_high": "Upper end of the 95 % confidence interval",
    "p_value": "P value",
    "ref_se": "Standard error of the mean of arm2",
    "flags": "What is wrong with a number, joined by +",
    "locator": "Page, table or figure",
    "confidence": "How sure the reading is",
    "harm": "Id of the harm",
    "plain": "The harm in plain words",
    "severity": "How serious it is",
    "kind": "What kind of source says it",
    "asked": "Whether people were asked about it",
    "duration": "How long it lasts",
    "at_risk": "Who is more at risk",
    "tool": "Tool of the appraisal",
    "randomization": "Bias from the randomisation",
    "deviations": "Bias from departures from the treatment as planned",
    "missing": "Bias from missing results",
    "measurement": "Bias in measuring the outcome",
    "selection": "Bias in choosing the result that was reported",
    "overall": "Overall risk of bias",
    "judge": "Id of the person who signed",
    "question": "Number of the signalling question",
    "answer": "Answer to the signalling question",
    "state": "What is known of the missing result",
    "because": "Whether the result itself was the reason",
}
_SHOWN_WORDS: dict[str, str] = {
    "id": "Id in the review",
    "unit": "Unit of without, with and difference",
    "effect_unit": "Unit of the effect: points, or the name of a ratio",
    "state": "State of evidence: 1 compared, 2 seen without a comparison, 3 reported elsewhere, "
    "4 looked for and not seen, 5 trials did not say",
    "bound": "Upper 95 % bound, people per 1000",
}
_TYPES = {"number": "number", "whole": "integer"}
_LICENSES: dict[str, tuple[str, str]] = {
    "CC-BY-4.0": (
        "Creative Commons Attribution 4.0",
        "https://creativecommons.org/licenses/by/4.0/",
    ),
    "CC0-1.0": ("Creative Commons Zero 1.0", "https://creativecommons.org/publicdomain/zero/1.0/"),
}
_ROLES = {"author": "author", "reviewer": "contributor"}


def package_tables(review: Review) -> dict[str, str]:
    """The review's CSV files, as they lie in its folder or would."""
    texts = review.text or render(review)
    return {name: texts[name] for name in SHEETS if name in texts}


def data_package(answer: Answer, files: Mapping[str, bytes], address: str = "") -> dict[str, Any]:
    """The descriptor of a data package, ``datapackage.json``.

    Parameters
    ----------
    answer
        The answer; its review holds the tables.
    files
        Path (relative to the descriptor) → bytes; those that are CSV are described.
    address
        Where the page is published; "" where that is not known.
    """
    review = answer.review
    made: dict[str, Any] = {
        "profile": "tabular-data-package",
        "name": review.slug,
        "title": review.title,
        "description": f"Trials of {answer.treatment} for {answer.condition}, as published, and "
        "what the page made of them shows.",
        "version": review.version,
        "created": f"{review.updated}T00:00:00Z",
        "keywords": [answer.treatment, answer.condition, *review.tags],
        "licenses": [_license(review.license)],
        "contributors": [
            {"title": p.name, "role": next((_ROLES[r] for r in p.roles if r in _ROLES), "author")}
            for p in review.people
        ],
        "sources": _sources(review),
        "resources": [
            _resource(review, path, data, files)
            for path, data in sorted(files.items())
            if path.endswith(".csv")
        ],
    }
    if address:
        made["homepage"] = address
    return made


def _license(name: str) -> dict[str, str]:
    title, path = _LICENSES.get(name, (name, ""))
    return {"name": name, "title": title, **({"path": path} if path else {})}


def _sources(review: Review) -> list[dict[str, str]]:
    cited = {
        t.citation or t.label: doi_url(t.doi) if t.doi else ""
        for t in review.trials
        if t.use == "included"
    }
    if review.search.by:
        cited[review.search.by] = doi_url(review.search.doi) if review.search.doi else ""
    return [{"title": t, **({"path": p} if p else {})} for t, p in cited.items()]


def resource_name(path: str) -> str:
    """The name of a resource, from its path: ``shown/harms.csv`` is ``shown-harms``."""
    return path.removesuffix(".csv").replace("/", "-").replace("_", "-")


def _resource(review: Review, path: str, data: bytes, files: Mapping[str, bytes]) -> dict[str, Any]:
    shown = path.removeprefix("shown/") if path.startswith("shown/") else ""
    schema = _shown_schema(shown) if shown else _schema(review, path, files)
    words = SHOWN[shown] if shown else FILES[path]
    return {
        "name": resource_name(path),
        "path": path,
        "profile": "tabular-data-resource",
        "title": words[:1].upper() + words[1:],
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "bytes": len(data),
        "hash": f"sha256:{hashlib.sha256(data).hexdigest()}",
        "dialect": {"delimiter": ",", "quoteChar": '"', "doubleQuote": True, "header": True},
        "schema": schema,
    }


def _schema(review: Review, name: str, files: Mapping[str, bytes]) -> dict[str, Any]:
    present = _header(files[name])
    columns = {c.name: c for c in SHEETS[name].columns}
    outcomes = tuple(o.id for o in review.outcomes)
    schema: dict[str, Any] = {
        "fields": [
            _field(columns[c], outcomes) if c in columns else {"name": c, "type": "string"}
            for c in present
        ],
        "missingValues": [""],
    }
    if name in _KEYS:
        schema["primaryKey"] = list(_KEYS[name])
    foreign = [
        {
            "fields": list(own),
            "reference": {"resource": resource_name(other), "fields": list(theirs)},
        }
        for own, other, theirs in _FOREIGN.get(name, ())
        if other in files and set(own) <= set(present)
    ]
    if foreign:
        schema["foreignKeys"] = foreign
    return schema


def _header(data: bytes) -> list[str]:
    first = data.decode("utf-8-sig").split("\n", 1)[0].strip("\r")
    return [name.strip().strip('"') for name in first.split(",") if name.strip()]


def _field(column: Column, outcomes: tuple[str, ...]) -> dict[str, Any]:
    constraints: dict[str, Any] = {}
    if column.needed:
        constraints["required"] = True
    choices = [c for c in column.choices if c] or list(outcomes if column.name == "outcome" else ())
    if choices:
        constraints["enum"] = choices
    if column.name in ("sd", "se", "ref_se", "n", "n1", "n2", "events", "n_randomized"):
        constraints["minimum"] = 0
    if column.name == "p_value":
        constraints.update(minimum=0, maximum=1)
    return {
        "name": column.name,
        "type": _TYPES.get(column.kind, "string"),
        "description": _WORDS[column.name],
        **({"constraints": constraints} if constraints else {}),
    }


def _shown_schema(name: str) -> dict[str, Any]:
    return {
        "fields": [_shown_field(name, column) for column in HEADERS[name]],
        "missingValues": [""],
        **({} if name == "trials.csv" else {"primaryKey": ["id"]}),
    }


def _shown_field(file: str, column: str) -> dict[str, Any]:
    # The table of trials is text throughout, as the page shows it.
    texts = file == "trials.csv"
    kind = "integer" if column in WHOLE else "number" if column in NUMBERS else "string"
    words = _SHOWN_WORDS.get(column) or _shown_words(column)
    return {"name": column, "type": "string" if texts else kind, "description": words}


def _shown_words(column: str) -> str:
    base, _, end = column.rpartition("_")
    if end == "shown":
        return f"{base} as the page shows it"
    if end in ("low", "high"):
        return f"{'Lower' if end == 'low' else 'Upper'} end of the interval of {base}"
    return f"{column.replace('_', ' ').capitalize()}" + (", unrounded" if column in NUMBERS else "")
