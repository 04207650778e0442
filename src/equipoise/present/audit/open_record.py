"""Checks 69 to 80: readers' words, interests, and that a page is made the same way twice."""

from __future__ import annotations

import re
from collections.abc import Iterator

from equipoise.present import openness
from equipoise.present.audit.findings import Check, Finding, Subject
from equipoise.review.markdown import VIEW, VIEW_WORDS

_ADDRESS = re.compile(rb"[\w.+-]+@[\w-]+\.[\w.-]*\w")
_NUMBER_ADDRESS = re.compile(rb"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")
_LONG_ADDRESS = re.compile(rb"(?<![\w:])(?:[0-9a-f]{1,4}:){3,7}(?::?[0-9a-f]{1,4})(?![\w:])", re.I)
_APOLOGY = re.compile(
    r"\balthough\b|\btried to be\b|\bfair(?:ly)?\b|\bunbiased\b|\bimpartial\b|\bobjective(?:ly)?\b"
    r"|\bhonest(?:ly)?\b|\bopen[- ]mind\w*\b|\bI(?:[’']\w+)?\b|\bmy(?:self)?\b|\bme\b"
    r"|\b(?:our|we|us)\b",
    re.I,
)
_SCHEME = re.compile(r"(?:javascript|vbscript|data:text/html)", re.I)
_FROM = re.compile(r"\s*(?:https?:)?//", re.I)
_ACTIVE = frozenset({"script", "iframe", "object", "embed", "applet", "base", "frame", "frameset"})
#: What is published as text.
_PUBLISHED = (".html", ".json", ".jsonld", ".csv", ".xml", ".toml", ".md", ".txt", ".ris", ".bib")
#: What a person with an interest in the treatment does not sign: levels of bias and these.
KEPT_APART = ("certainty", "harm", "publication-bias", "indirectness")
_EVIDENCE = ("fact-box", "picture", "harms", "evidence")


def policy(subject: Subject) -> Iterator[Finding]:
    """Each page forbids scripts and foreign content, and forms name their fields."""
    for name in subject.pages:
        root = subject.document(name).root
        told = [
            n.attrs.get("content", "")
            for n in root.all("meta")
            if n.attrs.get("http-equiv", "").casefold() == "content-security-policy"
        ]
        if not told or _weak(told[0]):
            yield Finding(
                "no policy that forbids scripts", "default-src 'none'", name, place="head"
            )
        for node in root.walk():
            if any(key.startswith("on") for key in node.attrs) or "style" in node.attrs:
                yield Finding(
                    f"<{node.tag}> with code or style", "leave it out", name, place=node.where()
                )
            if any(_SCHEME.match(re.sub(r"[\s\x00-\x1f]", "", v)) for v in node.attrs.values()):
                yield Finding(
                    f"<{node.tag}> with an address that runs",
                    "leave it out",
                    name,
                    place=node.where(),
                )
            data = node.tag == "script" and "json" in node.attrs.get("type", "")
            fetched = any(_FROM.match(node.attrs.get(key, "")) for key in ("src", "href", "data"))
            if node.tag in _ACTIVE and not data and not fetched:  # What is fetched: check 67.
                yield Finding(f"<{node.tag}>", "leave it out", name, place=node.where())
        for form in root.all("form"):
            yield Finding(
                "a form on a page without a server", "leave it out", name, place=form.where()
            )


def _weak(policy: str) -> bool:
    """Whether a content security policy lets anything run or come from elsewhere."""
    rules = dict(p.strip().partition(" ")[::2] for p in policy.split(";") if p.strip())
    if rules.get("default-src", "").strip() != "'none'" or "unsafe" in policy:
        return True
    if rules.get("base-uri", "").strip() != "'none'":
        return True
    own = {"'none'", "'self'", "data:"}
    return any(not set(v.split()) <= own for v in rules.values()) or any(
        rules.get(kind, "'none'").strip() != "'none'" for kind in ("script-src", "object-src")
    )


def private(subject: Subject) -> Iterator[Finding]:
    """No reader's address in anything that is published."""
    own = subject.answer.review.contact.encode()  # Where errors are reported is meant to be public.
    for name, content in subject.files.items():
        if own:
            content = content.replace(own.removeprefix(b"mailto:"), b"")
        if name.endswith(_PUBLISHED):
            for form in (_ADDRESS, _NUMBER_ADDRESS, _LONG_ADDRESS):
                for found in form.findall(content):
                    yield Finding(
                        f"an address in what is published: {found[:3].decode()}…",
                        "leave addresses of people out",
                        name,
                    )


def not_evidence(subject: Subject) -> Iterator[Finding]:
    """What readers say stands after the references and is called no evidence."""
    page = subject.document()
    block = page.get("comments")
    if not block.tag:
        yield Finding(
            "no section for what readers say", "the template writes it", place="#comments"
        )
        return
    head = block.first("h2")
    if head is None or "not evidence" not in head.text().casefold():
        yield Finding("its heading does not say “not evidence”", "say it", place="#comments h2")
    order = [n.id for n in page.root.all("section") if n.id in ("references", "comments")]
    if order != ["references", "comments"]:
        yield Finding("it stands before the references", "move it down", place="#comments")


def before_evidence(subject: Subject) -> Iterator[Finding]:
    """Interests are told before the evidence, and on the sheet for the doctor."""
    order = [n.id for n in subject.document().root.all("section") if n.id]
    if "disclosure" not in order:
        yield Finding("no line of interests", "the template writes it", place="#disclosure")
        return
    told = subject.section("disclosure").text()
    for p in subject.answer.review.people:
        if p.name not in told:
            yield Finding(
                f"the line of interests does not name {p.name}", "name them", place="#disclosure"
            )
    sheet = subject.document("print.html").root.text()
    if told.partition(". ")[0] not in sheet:
        yield Finding("the sheet for the doctor tells no interests", "print them", "print.html")
    for id in _EVIDENCE:
        if id in order and order.index(id) < order.index("disclosure"):
            yield Finding(f"#{id} stands before the interests", "move them up", place="#disclosure")
    yield from opinion(subject)


def opinion(subject: Subject) -> Iterator[Finding]:
    """An author's view is shown after the evidence, short, as opinion, with interests again."""
    written = openness.view(subject.answer)
    if written is None:
        return
    order = [n.id for n in subject.document().root.all("section") if n.id]
    if VIEW not in order:
        yield Finding("the author’s view is not shown", "the template writes it", place=f"#{VIEW}")
        return
    section = subject.section(VIEW)
    if "opinion" not in (head.text() if (head := section.first("h2")) else ""):
        yield Finding("the author’s view is not marked as opinion", "mark it", place=f"#{VIEW} h2")
    if written.note not in section.text():
        yield Finding(
            "the author’s view stands without the author’s interests",
            "repeat them",
            place=f"#{VIEW}",
        )
    if any(id in order[order.index(VIEW) :] for id in _EVIDENCE):
        yield Finding("the author’s view stands before the evidence", "move it", place=f"#{VIEW}")
    if (words := len(written.text.split())) > VIEW_WORDS:
        yield Finding(f"the author’s view has {words} words", f"{VIEW_WORDS} at most", "article.md")


def apart(subject: Subject) -> Iterator[Finding]:
    """Who has an interest in the treatment signs no judgement of the evidence."""
    tied = {
        p.id: p.name
        for p in subject.answer.review.people
        if any(d.type != "none" and d.direction in ("favours", "against") for d in p.disclosures)
    }
    for j in subject.answer.review.judgements:
        if j.by in tied and j.about in KEPT_APART:
            yield Finding(
                f"{tied[j.by]}, who declared an interest, signed {j.about}",
                "somebody without that interest signs it",
                "judgements.toml",
                j.line or 1,
            )
    review = subject.answer.review
    for file, rows in (
        ("risk_of_bias.csv", review.risk_of_bias),
        ("signalling.csv", review.signalling),
    ):
        for row in rows:
            if row.judge in tied:
                yield Finding(
                    f"{tied[row.judge]}, who declared an interest, judged {row.trial}",
                    "somebody without that interest judges it",
                    file,
                    row.line or 1,
                )


def paid(subject: Subject) -> Iterator[Finding]:
    """Who paid for each trial is filled in, or said not to be reported."""
    missing = [
        t
        for t in subject.answer.review.trials
        if t.use == "included" and not (t.money or t.funding)
    ]
    for t in missing:
        yield Finding(
            f"{t.label}: who paid is blank", "fill it, or “not reported”", "trials.csv", t.line or 1
        )
    unknown = [
        t
        for t in subject.answer.review.trials
        if t.use == "included" and t not in missing and not t.proponent
    ]
    for t in unknown:
        yield Finding(
            f"{t.label}: whether people who sell or teach it ran the trial is blank",
            "look it up; yes, no or not reported",
            "trials.csv",
            t.line or 1,
            state="needs a person",
        )


def without_proponents(subject: Subject) -> Iterator[Finding]:
    """The answer without the trials of proponents is computed, where there are any."""
    a = subject.answer
    o = next((o for o in a.outcomes if o.id == a.verdict.rests_on), None)
    if o is None or o.pooled is None:
        return
    used = {row.trial for row in o.pooled.rows}
    run = [t for t in a.review.trials if t.id in used and t.proponent == "yes"]
    if run and len(run) < len(used) and not any("promote" in s.what for s in o.sensitivity):
        yield Finding(
            "not computed without the trials of proponents", "answer it again", "answer.json"
        )


def plain_interests(subject: Subject) -> Iterator[Finding]:
    """Interests are told from fields, without praise or excuse."""
    text = subject.section("disclosure").text()
    if found := _APOLOGY.search(text):
        yield Finding(f"“{found[0]}” in the line of interests", "fields only", place="#disclosure")
    for p in subject.answer.review.people:
        for d in p.disclosures:
            if found := _APOLOGY.search(" ".join((d.entity, d.relevance, d.period, d.text))):
                yield Finding(
                    f"{p.name}: “{found[0]}” in a disclosure",
                    "facts only",
                    "review.toml",
                    p.line or 1,
                )


def twice(subject: Subject) -> Iterator[Finding]:
    """Made again from the same answer, every file is the same."""
    if subject.again is None:
        yield Finding("not made twice here", "tests/site/test_build.py does", state="not done")
        return
    other = subject.again()
    for name in sorted(set(other) | set(subject.files)):
        if other.get(name) != subject.files.get(name):
            yield Finding("made again, it is another file", "look for time, order or chance", name)


CHECKS: tuple[Check, ...] = (
    Check(
        69,
        "error",
        "data",
        "Texts cannot become markup",
        "What people write is escaped; thirty-odd attacks are tried on every text of a folder.",
        runs=(
            "tests/present/test_attacks.py::test_no_text_of_a_folder_becomes_markup",
            "tests/present/test_pages.py::test_text_from_a_folder_cannot_become_markup",
        ),
    ),
    Check(
        70,
        "error",
        "page",
        "Nothing can be injected",
        "Each page forbids scripts by its policy, has no code in attributes or addresses, nothing "
        "framed and no form: a page without a server takes no comments.",
        policy,
    ),
    Check(
        71,
        "error",
        "data",
        "No addresses of people",
        "No e-mail or internet address of anybody in what is published.",
        private,
    ),
    Check(
        72,
        "error",
        "data",
        "Limits for comments",
        "A page without a server takes none, so there is nothing to limit.",
        lambda subject: (
            Finding(
                "the page takes no comments", "nothing", place="#comments", state="not applicable"
            )
            for _ in range(not subject.document().root.all("form"))
        ),
    ),
    Check(
        73,
        "error",
        "page",
        "Readers’ words are not evidence",
        "Their section stands after the references and says so.",
        not_evidence,
    ),
    Check(
        74,
        "error",
        "page",
        "Interests before evidence",
        "The line of interests names everybody, stands after the short answer and before tables, "
        "pictures, harms and trials, and on the sheet for the doctor. An author’s view comes after "
        "the evidence, marked as opinion, in 120 words at most, with interests repeated.",
        before_evidence,
    ),
    Check(
        75,
        "error",
        "data",
        "Interests and signatures apart",
        "Who declared an interest for or against judges neither trials nor certainty nor harm; "
        "dissents and burdens they may sign.",
        apart,
    ),
    Check(
        76,
        "error",
        "data",
        "Who paid for each trial",
        "Filled in, or “not reported”; whether proponents ran it needs a person where it is blank.",
        paid,
    ),
    Check(
        77,
        "warning",
        "data",
        "Without proponents",
        "Where proponents ran a part of the trials, the answer without them is computed.",
        without_proponents,
    ),
    Check(
        78,
        "error",
        "page",
        "Interests without excuses",
        "From fields, in the third person, no praise.",
        plain_interests,
    ),
    Check(
        79,
        "error",
        "page",
        "Made twice, the same",
        "Every file, byte by byte.",
        twice,
    ),
    Check(
        80,
        "error",
        "page",
        "Every branch of the page is tried",
        "Seven answers, no trials, out of date, retracted.",
        runs=(
            "tests/present/test_audit.py::test_each_kind_of_answer_passes",
            "tests/present/test_audit.py::test_every_answer_and_stop_has_a_fixture",
        ),
    ),
)
