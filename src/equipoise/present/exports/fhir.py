"""An answer as FHIR R5: a Bundle of Evidence, variables, report, assessments, citations, studies.

Written as plain dicts; nothing else is needed to write them. Source: HL7 FHIR 5.0.0 (Evidence and
its relatives are of maturity level 1, for trial use). Checked against: fhir.resources.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterator
from html import escape
from typing import Any

from equipoise.answer.answer import Absolute, Answer, OutcomeAnswer
from equipoise.certainty.grade import GradeProfile
from equipoise.core.provenance import Quantity, plain
from equipoise.core.table import Table
from equipoise.present import tables
from equipoise.present.prose import doi_url
from equipoise.present.trialtable import trials
from equipoise.review.records import RobFinding, Trial

Resource = dict[str, Any]
VERSION = "5.0.0"
_SYSTEM = "http://terminology.hl7.org/CodeSystem"
#: Effect measure → code of the statistic (OBI/STATO and NCI Thesaurus, as FHIR lists them).
STATISTICS: dict[str, tuple[str, str]] = {
    "RR": ("C93152", "Relative Risk"),
    "OR": ("C16932", "Odds Ratio"),
    "HR": ("C93150", "Hazard Ratio"),
    "RD": ("0000424", "Risk Difference"),
    "MD": ("0000457", "Mean Difference"),
    "SMD": ("0000100", "Standardized Mean Difference"),
}
_ESTIMATES: dict[str, tuple[str, str]] = {
    "interval": ("C53324", "Confidence interval"),
    "p": ("C44185", "P-value"),
    "i2": ("0000420", "I-squared"),
    "tau2": ("0000421", "Tau squared"),
    "q": ("0000419", "Cochran's Q statistic"),
}
_DOMAINS: dict[str, tuple[str, str]] = {
    "risk of bias": ("RiskOfBias", "Risk of bias"),
    "inconsistency": ("Inconsistency", "Inconsistency"),
    "indirectness": ("Indirectness", "Indirectness"),
    "imprecision": ("Imprecision", "Imprecision"),
    "publication bias": ("PublicationBias", "Publication bias"),
    "large effect": ("LargeEffect", "Large effect"),
    "dose response": ("DoseResponseGradient", "Dose response gradient"),
    "plausible confounding": ("PlausibleConfounding", "Plausible confounding"),
}
_RATINGS: dict[int, tuple[str, str]] = {
    0: ("no-change", "No change to rating"),
    -1: ("downcode1", "Reduce rating: -1"),
    -2: ("downcode2", "Reduce rating: -2"),
    -3: ("downcode3", "Reduce rating: -3"),
    1: ("upcode1", "Increase rating: +1"),
    2: ("upcode2", "Increase rating: +2"),
}
_ROB = ("randomization", "deviations", "missing", "measurement", "selection", "overall")


def fhir_bundle(answer: Answer, address: str = "") -> Resource:
    """The answer as a FHIR R5 Bundle, ready for ``json.dumps``.

    Parameters
    ----------
    answer
        The answer; numbers keep every digit.
    address
        Where the page is published; "" where that is not known.

    Returns
    -------
    dict
        A collection: EvidenceReport, then for each outcome its EvidenceVariable and Evidence, for
        each trial its Citation and ResearchStudy, an ArtifactAssessment for each appraisal of risk
        of bias and for the verdict.
    """
    maker = _Maker(answer, address)
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "timestamp": f"{answer.review.updated}T00:00:00Z",
        "entry": [
            {"fullUrl": maker.url(r["resourceType"], r.pop("key")), "resource": r}
            for r in maker.resources()
        ],
    }


def _coded(system: str, code: tuple[str, str], text: str = "") -> Resource:
    coding = {"system": f"{_SYSTEM}/{system}", "code": code[0], "display": code[1]}
    return {"coding": [coding], **({"text": text} if text else {})}


def _text(text: str) -> Resource:
    return {"text": text}


def _filled(section: Resource) -> Resource:
    """Without empty lists, which FHIR does not allow."""
    return {k: v for k, v in section.items() if v != []}


def _div(html: str) -> Resource:
    return {
        "status": "generated",
        "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{html}</div>',
    }


def _narrative(text: str) -> Resource:
    return _div(f"<p>{escape(plain(text))}</p>")


def _finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _amount(value: float, unit: str = "") -> Resource:
    return {"value": value, **({"unit": unit} if unit else {})}


def _range(low: float | None, high: float | None, unit: str = "") -> Resource:
    """The finite ends of an interval; an end that is infinite is left open."""
    ends = {"low": low, "high": high}
    return {k: _amount(v, unit) for k, v in ends.items() if v is not None and math.isfinite(v)}


class _Maker:
    """Writes the resources of one answer; `key` names each within the answer."""

    def __init__(self, answer: Answer, address: str) -> None:
        self.a = answer
        self.address = address
        self.status = "draft" if answer.status.draft else "active"

    def url(self, kind: str, key: str) -> str:
        """The address of a resource: the same for the same review and version, everywhere."""
        name = f"equipoise/{self.a.slug}/{self.a.review.version}/{kind}/{key}"
        return f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, name)}"

    def ref(self, kind: str, key: str, display: str) -> Resource:
        return {"reference": self.url(kind, key), "display": display}

    def base(self, kind: str, key: str) -> Resource:
        return {"resourceType": kind, "key": key}

    def resources(self) -> Iterator[Resource]:
        yield self.report()
        yield self.verdict()
        for o in self.a.outcomes:
            yield self.variable(o)
            yield self.evidence(o)
        for t in self.a.review.trials:
            yield self.citation(t)
            yield self.study(t)
        for i, finding in enumerate(self.a.review.risk_of_bias):
            yield self.appraisal(i, finding)

    # The report

    def report(self) -> Resource:
        a = self.a
        question = a.review.question
        parts = (a.alone, a.added, a.together)
        traits = (
            ("population", a.population),
            ("intervention", a.treatment),
            ("comparator", question.comparator_plain),
            ("condition", a.condition),
        )
        sections = [
            self.section("The short answer", f"{a.verdict.label}. {a.verdict.sentence}"),
            self.section("In brief", " ".join(a.key_messages)),
            {
                **self.section("Summary of findings", "", tables.findings(a)),
                "entryReference": [self.ref("Evidence", o.id, o.label) for o in a.outcomes],
            },
            {
                "title": "By itself, added to other care, or both together?",
                "section": [self.section(p.question, p.sentence) for p in parts],
            },
            self.section("Harms", a.harm_sentence, tables.harms(a) if a.harms else None),
            self.section("What would change this answer", " ".join(a.would_change)),
            {
                **self.section("Trials", "", trials(a)),
                "entryReference": [
                    self.ref("ResearchStudy", t.id, t.label) for t in a.review.trials
                ],
            },
        ]
        made: Resource = {
            **self.base("EvidenceReport", "report"),
            "status": self.status,
            "identifier": [self.identifier()],
            "type": _text("Answer to one question, with its summary of findings"),
            "subject": {
                "characteristic": [
                    {"code": _text(code), "valueCodeableConcept": _text(value)}
                    for code, value in traits
                ],
                "note": [_text(question.text)],
            },
            "citeAsMarkdown": self.cite_as(),
            "publisher": ", ".join(p.name for p in a.review.people) or "not named",
            "author": [{"name": p.name} for p in a.review.people],
            "section": [_filled(s) for s in sections if len(_filled(s)) > 1],
        }
        reviewers = [{"name": p.name} for p in a.review.people if p.independent]
        if reviewers:
            made["reviewer"] = reviewers
        if self.address:
            made["url"] = self.address
        return made

    def identifier(self) -> Resource:
        return {"value": f"{self.a.slug}, version {self.a.review.version}"}

    def cite_as(self) -> str:
        review = self.a.review
        names = ", ".join(p.name for p in review.people)
        where = f", {self.address}" if self.address else ""
        return f"{names}. {self.a.title} Version {review.version}, {review.updated}{where}."

    def section(self, title: str, text: str, table: Table | None = None) -> Resource:
        words = f"<p>{escape(plain(text))}</p>" if text else ""
        grid = _grid(table) if table is not None and len(table) else ""
        return {"title": title, **({"text": _div(words + grid)} if words or grid else {})}

    # The verdict

    def verdict(self) -> Resource:
        v = self.a.verdict
        given = (
            ("harm", v.harm),
            ("certainty of the benefit", v.certainty or "none"),
            ("size of the benefit", v.benefit or "cannot be named"),
            ("burden", v.burden),
        )
        content: Resource = {
            "informationType": "rating",
            "type": _text("Verdict"),
            "classifier": [{"coding": [{"code": v.code, "display": v.label}], "text": v.label}],
            "summary": plain(f"{v.heading + ': ' if v.heading else ''}{v.sentence} {v.caution}"),
            "component": [
                {"informationType": "rating", "type": _text(name), "classifier": [_text(value)]}
                for name, value in given
            ],
        }
        content["component"].append(
            {"informationType": "comment", "type": _text("rule"), "summary": v.rule}
        )
        content["component"] += [
            {"informationType": "comment", "type": _text("would change it"), "summary": plain(f)}
            for f in v.flips
        ]
        return {
            **self.base("ArtifactAssessment", "verdict"),
            "title": f"Verdict: {v.label}",
            "date": self.a.status.on,
            "artifactReference": self.ref("EvidenceReport", "report", self.a.title),
            "content": [content],
            "workflowStatus": "published",
        }

    # Outcomes

    def variable(self, o: OutcomeAnswer) -> Resource:
        return {
            **self.base("EvidenceVariable", o.id),
            "status": self.status,
            "name": "".join(c if c.isalnum() else "_" for c in o.id),
            "title": o.label,
            "description": f"{o.label}: {tables.measured(o)}; {o.better} is better.",
            "handling": "dichotomous" if o.type == "binary" else "continuous",
            "note": [_text(f"Importance: {o.importance}")],
        }

    def evidence(self, o: OutcomeAnswer) -> Resource:
        a = self.a
        made: Resource = {
            **self.base("Evidence", o.id),
            "status": self.status,
            "identifier": [{"value": f"{a.slug}/{o.id}, version {a.review.version}"}],
            "version": a.review.version,
            "title": f"{o.label}: {a.treatment} against {a.comparator}",
            "date": a.review.updated,
            "description": plain(o.statement_clinical) or f"{o.label}: no usable numbers",
            "assertion": plain(o.statement_plain) or f"{o.label}: no usable numbers",
            "relatedArtifact": [
                {
                    "type": "derived-from",
                    "resourceReference": self.ref("Citation", r.trial, r.label),
                }
                for r in (o.pooled.rows if o.pooled else ())
            ],
            "variableDefinition": self.variables(o),
            "synthesisType": _text("Meta-analysis of randomised trials"),
            "statistic": list(self.statistics(o)),
        }
        if not made["relatedArtifact"]:
            del made["relatedArtifact"]
        if not made["statistic"]:
            del made["statistic"]
        if o.notes or o.pooled is None:
            notes = [plain(n) for n in o.notes] or ["No usable numbers."]
            made["note"] = [_text(n) for n in notes]
        if o.grade is not None:
            made["certainty"] = [_certainty(o.grade)]
        return made

    def variables(self, o: OutcomeAnswer) -> list[Resource]:
        def role(code: str, display: str, description: str, **more: Any) -> Resource:
            role = _coded("variable-role", (code, display))
            return {"variableRole": role, "description": description, **more}

        return [
            role("population", "population", self.a.population),
            role("exposure", "exposure", self.a.treatment),
            role("referenceExposure", "reference exposure", self.a.comparator),
            role(
                "measuredVariable",
                "measured variable",
                f"{o.label} at {o.time}",
                observed=self.ref("EvidenceVariable", o.id, o.label),
            ),
        ]

    def statistics(self, o: OutcomeAnswer) -> Iterator[Resource]:
        """The pooled effect, and the same in absolute terms."""
        size = {
            "numberOfStudies": round(o.trials.value),
            "numberOfParticipants": round(o.people.value),
        }
        if o.effect is not None and o.pooled is not None and _finite(o.effect.value):
            yield {
                **_statistic(o.effect, o.pooled.measure, o.pooled.level),
                "sampleSize": size,
                **self.synthesis(o),
            }
        if o.absolute is not None:
            yield from _absolute(o.absolute, o, size)

    def synthesis(self, o: OutcomeAnswer) -> Resource:
        p = o.pooled
        assert p is not None
        spread = {"p": p.p_value, "tau2": p.tau2, "i2": p.i2, "q": p.q}
        estimates: list[Resource] = [
            {
                "type": _coded("attribute-estimate-type", _ESTIMATES[name]),
                "quantity": _amount(value, "%" if name == "i2" else ""),
            }
            for name, value in spread.items()
            if math.isfinite(value)
        ]
        if _finite(p.pi_low) or _finite(p.pi_high):
            estimates.append(
                {
                    "type": _text("Prediction interval, on the scale of the analysis"),
                    "level": p.level,
                    "range": _range(p.pi_low, p.pi_high),
                }
            )
        assert o.effect is not None
        interval = _interval(o.effect, p.level)
        return {
            "attributeEstimate": [*interval, *estimates],
            "modelCharacteristic": [
                {"code": _text(f"{p.model}-effects model")},
                {"code": _text(f"tau² by {p.tau2_method}")},
                {"code": _text(f"interval by {p.interval_method}")},
            ],
        }

    # Trials

    def citation(self, t: Trial) -> Resource:
        artifact: Resource = {"title": [_text(t.citation or t.label)]}
        known = [("https://doi.org", t.doi), ("https://pubmed.ncbi.nlm.nih.gov", t.pmid)]
        known.append(("", t.registration))
        identifiers = [
            {**({"system": system} if system else {}), "value": value}
            for system, value in known
            if value
        ]
        if identifiers:
            artifact["identifier"] = identifiers
        if t.doi:
            artifact["webLocation"] = [{"url": doi_url(t.doi)}]
        if t.year is not None:
            artifact["publicationForm"] = [{"publicationDateText": str(t.year)}]
        if t.status == "retracted":
            artifact["currentState"] = [_text("retracted")]
        return {
            **self.base("Citation", t.id),
            "status": self.status,
            "title": t.label,
            "citedArtifact": artifact,
        }

    def study(self, t: Trial) -> Resource:
        made: Resource = {
            **self.base("ResearchStudy", t.id),
            "status": self.status,
            "title": t.label,
            "condition": [_text(self.a.condition)],
            "relatedArtifact": [
                {"type": "citation", "resourceReference": self.ref("Citation", t.id, t.label)}
            ],
        }
        if t.registration:
            made["identifier"] = [{"value": t.registration}]
        if t.design:
            made["studyDesign"] = [_text(t.design)]
        if t.country:
            made["region"] = [_text(t.country)]
        arms = [x for x in self.a.review.arms if x.trial == t.id]
        if arms:
            made["comparisonGroup"] = [
                {"name": x.label or x.arm, "description": " + ".join(x.components) or "nothing"}
                for x in arms
            ]
        if t.n_randomized is not None:
            made["recruitment"] = {"actualNumber": t.n_randomized}
        told = (("Paid by", t.funding), ("Interests", t.conflicts), ("To know", t.reason))
        notes = [f"{name}: {text}" for name, text in told if text]
        notes += [f"Use in this review: {t.use}"]
        made["note"] = [_text(n) for n in notes]
        return made

    def appraisal(self, at: int, f: RobFinding) -> Resource:
        names = {p.id: p.name for p in self.a.review.people}
        label = next((t.label for t in self.a.review.trials if t.id == f.trial), f.trial)
        found = {name: getattr(f, name) for name in _ROB}
        by = names.get(f.judge, f.judge) or f.source or "not named"
        return {
            **self.base("ArtifactAssessment", f"bias-{at}"),
            "title": f"Risk of bias of {label}" + (f": {f.outcome}" if f.outcome else ""),
            "artifactReference": self.ref("ResearchStudy", f.trial, label),
            "content": [
                {
                    "informationType": "rating",
                    "type": _text(f"Risk of bias ({f.tool})"),
                    "classifier": [_text(f.overall or "not judged")],
                    "summary": f"By: {by}." + (f" {f.note}" if f.note else ""),
                    "component": [
                        {
                            "informationType": "rating",
                            "type": _text(name),
                            "classifier": [_text(level)],
                        }
                        for name, level in found.items()
                        if level
                    ],
                }
            ],
        }


def _statistic(q: Quantity, measure: str, level: float) -> Resource:
    code = STATISTICS.get(measure)
    return {
        "description": q.label,
        "statisticType": _text(measure) if code is None else _coded("statistic-type", code),
        "quantity": _amount(q.value, q.unit),
        **({"attributeEstimate": made} if (made := _interval(q, level)) else {}),
    }


def _interval(q: Quantity, level: float) -> list[Resource]:
    ends = _range(q.low, q.high, q.unit)
    if not ends:
        return []
    kind = _coded("attribute-estimate-type", _ESTIMATES["interval"])
    return [{"type": kind, "level": level, "range": ends}]


def _absolute(a: Absolute, o: OutcomeAnswer, size: Resource) -> Iterator[Resource]:
    level = o.pooled.level if o.pooled else 0.95
    measure = "RD" if o.type == "binary" else "MD"
    if a.difference.unit == "SMD":
        measure = "SMD"
    told = ((a.without, "predicted"), (a.with_, "predicted"), (a.difference, measure))
    for q, kind in told:
        if q is None or not math.isfinite(q.value):
            continue
        made = {**_statistic(q, kind, level), "sampleSize": size}
        made["description"] = f"{q.label}, of {a.reference_class}, {a.time}"
        if kind == "predicted":
            made["statisticType"] = (
                _coded("statistic-type", ("predictedRisk", "Predicted Risk"))
                if o.type == "binary"
                else _coded("statistic-type", ("C53319", "Mean"))
            )
        yield made


def _certainty(profile: GradeProfile) -> Resource:
    """GRADE's rating with each of its reasons, rule and human judgement."""
    parts = []
    for reason in profile.reasons:
        name = str(reason.domain)
        code = _DOMAINS.get(name)
        rating = _RATINGS.get(reason.final)
        signed = f" {reason.why} ({reason.by}, {reason.on})" if reason.by else ""
        parts.append(
            {
                "description": f"{reason.rule}.{signed}",
                "type": _text(name) if code is None else _coded("certainty-type", code),
                "rating": _text(str(reason.final))
                if rating is None
                else _coded("certainty-rating", rating),
            }
        )
    parts += [
        {"description": cap.why, "type": _text("Ceiling"), "rating": _text(f"at most {cap.level}")}
        for cap in profile.caps
    ]
    level = profile.level
    return {
        "description": f"GRADE: {level} certainty, from {profile.start}",
        "type": _coded("certainty-type", ("Overall", "Overall certainty")),
        "rating": _coded("certainty-rating", (level.replace(" ", "-"), level.capitalize())),
        "subcomponent": parts,
    }


def _grid(table: Table) -> str:
    """A table as the plain XHTML that a narrative may hold."""
    heads = "".join(f"<th>{escape(c.label)}</th>" for c in table.columns)
    rows = "".join(
        "<tr>"
        + "".join(
            f"<td>{escape(plain(table.text(v, c)))}</td>"
            for v, c in zip(row, table.columns, strict=True)
        )
        + "</tr>"
        for row in table.rows
    )
    return (
        f"<table><caption>{escape(table.caption)}</caption>"
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    )
