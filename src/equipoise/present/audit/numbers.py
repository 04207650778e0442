"""Checks 12 to 25: the numbers on the page are those of the data, whole and comparable."""

from __future__ import annotations

import re
from collections.abc import Iterator

from equipoise.answer.answer import OutcomeAnswer
from equipoise.certainty.thresholds import main_threshold
from equipoise.core.provenance import Quantity, plain
from equipoise.core.table import MINUS, show
from equipoise.present.audit.content import OUT_OF, open_text
from equipoise.present.audit.dom import Node
from equipoise.present.audit.findings import Check, Finding, Subject

#: The sections in which no person types a number.
COMPUTED = (
    *("short-answer", "keys", "change", "fact-box", "picture", "harms", "why-sure", "evidence"),
)
_NUMBER = re.compile(rf"[{MINUS}-]?\d[\d,]*(?:\.\d+)?")
_WORDS = (
    "two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty"
    "|sixty|eighty|a hundred|a thousand|hundred|thousand"
)
#: "1 in 20", "one out of every five", "a 1-in-20 chance", "one person of ten".
_ONE_IN = re.compile(
    rf"\b(?:1|one)(?: (?:person|man|woman|child|adult|patient))?[ -](?:in|out of|of every)[ -]"
    rf"(?:every )?(?:\d|(?:{_WORDS})\b)",
    re.I,
)
_RELATIVE = re.compile(
    r"\b(?:RR|OR|HR|IRR)\b|\b(?i:relative risk|(?:odds|hazard|risk|rate) ratio|odds of)s?\b"
    r"|\b(?i:\w+ times (?:as|more|less) (?:likely|often|common))\b"
    r"|\d ?(?:%|(?i:per ?cent)) (?i:lower|higher|less|more|fewer|reduction|increase)\b"
)
_NNT = re.compile(
    r"\bNNT[BH]?\b|\bnumbers? needed (?:to|for)\b"
    r"|\b(?:need|have|has) to be treated for (?:one|1)\b",
    re.I,
)
_BELOW = re.compile(r"< (\d[\d.]*\d)")
#: Elements without running text: their numbers come from tables and drawings.
_SET = frozenset({"table", "svg", "figure", "nav", "script", "style", "a", "time"})
_UP = re.compile(r"⟦([^|⟧]+)\|[^⟧]*⟧(?: points)? (more|fewer|higher|lower)\b")


def typed(subject: Subject) -> Iterator[Finding]:
    """No digit in running text of these sections but in a computed span."""
    for id in COMPUTED:
        for node, piece in _typed_pieces(subject.part(id)):
            yield Finding(
                f"a typed number: “{piece[:60]}”",
                "let the template put the number in, tied to its quantity",
                place=node.where(),
            )


def _typed_pieces(node: Node) -> Iterator[tuple[Node, str]]:
    for child in node.children:
        if isinstance(child, str):
            if re.search(r"\d", child):
                yield node, child.strip()
        elif "n" not in child.classes and child.tag not in _SET:
            yield from _typed_pieces(child)


def recomputed(subject: Subject) -> Iterator[Finding]:
    """Every linked number is its quantity, rounded."""
    from_id = {f"q-{_name(id)}": q for id, q in subject.answer.quantities.items()}
    for name in subject.pages:
        for node in subject.document(name).root.all("a", css="n"):
            q = from_id.get(
                node.attrs.get("href", "").partition("#q-")[2]
                and node.attrs["href"].partition("#")[2]
            )
            if q is not None and not _shows(q, node.text()):
                yield Finding(
                    f"“{node.text()}” is not {q.id}, which is {show(q)}",
                    "let the template write the number",
                    name,
                    place=node.where(),
                )


def _name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", lambda m: f"_{ord(m.group()):x}_", text)


def _shows(q: Quantity, text: str) -> bool:
    """Whether each number of a text is the quantity's, one of its ends, or in its formula."""
    known = [abs(v) for v in (q.value, q.low, q.high) if v is not None]
    counted = [abs(_float(t)) for t in _NUMBER.findall(q.formula)]
    for bound in _BELOW.findall(text):  # “< 0.001”
        if any(v < float(bound) for v in known):
            text = text.replace(f"< {bound}", "")
    return all(_near(t, known, q) or abs(_float(t)) in counted for t in _NUMBER.findall(text))


def _near(text: str, known: list[float], q: Quantity) -> bool:
    shown = abs(_float(text))
    _, _, decimals = text.partition(".")
    half = max(0.5000001 * 10.0 ** -len(decimals), 1e-9 * shown)
    if any(abs(shown - v) <= half for v in known):
        return True
    if decimals:
        return False
    up = [shown - v for v in known]
    if q.id.endswith(".bound"):  # Rounded up, from 100 on to tens.
        return any(0 <= d < (10 if shown > 100 else 1) for d in up)
    if q.id == "change.needed":  # Rounded up to tens.
        return any(0 <= d < 10 for d in up)
    if q.id.startswith("change."):  # Sizes of trials: two figures, rounded up.
        return any(0 <= d <= max(1.0, 10.0 ** (len(str(int(shown))) - 2)) for d in up)
    # A number needed is one over a difference, rounded up.
    inverse = q.id.endswith(".difference") and q.unit == "per 1000"
    return inverse and any(v and 0 <= shown - 1000 / v < 1 for v in known)


def _float(text: str) -> float:
    return float(text.replace(MINUS, "-").replace(",", "").rstrip("."))


def _rows(table: Node | None) -> list[list[Node]]:
    """The rows of cells of a table's body."""
    if table is None:
        return []
    found = [[c for c in r.all("th", "td") if c.parent is r] for r in table.all("tr")]
    return [r for r in found if any(c.tag == "td" for c in r)]


def _labelled(row: list[Node], start: str) -> str:
    return next((c.text() for c in row if c.attrs.get("data-label", "").startswith(start)), "")


def whole(subject: Subject) -> Iterator[Finding]:
    """Every estimate has its interval, its time, its trials and its people."""
    for row in _rows(subject.section("fact-box").first("table")):
        told = _labelled(row, "Difference")
        if not re.search(r"\d", told):
            continue
        if " to " not in told:
            yield Finding(
                f"{row[0].text()}: no interval", "show its range", place="#fact-box table"
            )
        if not _labelled(row, "After"):
            yield Finding(
                f"{row[0].text()}: no time", "say after how long", place="#fact-box table"
            )
    for row in _rows(subject.section("evidence").first("table")):
        told = _labelled(row, "Difference")
        if re.search(r"\d", told) and not re.search(r"\d.*\(.*\d", _labelled(row, "People")):
            yield Finding(
                f"{row[0].text()}: no number of people or trials",
                "show both",
                place="#evidence table",
            )


def denominators(subject: Subject) -> Iterator[Finding]:
    """One denominator in a table, 100 or 1000; risks of both groups or of none."""
    for id in ("fact-box", "harms"):
        table = subject.section(id).first("table")
        # Counts of one trial are links as a whole; what is left says out of how many.
        text = "" if table is None else table.text(without=frozenset({"a"}))
        found = {(t or u).replace(",", "") for t, u in OUT_OF.findall(text)}
        if len(found) > 1 or not found <= {"100", "1000"}:
            yield Finding(
                f"denominators {', '.join(sorted(found))} in one table",
                "100 or 1000 throughout",
                place=f"#{id} table",
            )
    for o in subject.answer.outcomes:
        if o.absolute is not None and (o.absolute.without is None) != (o.absolute.with_ is None):
            yield Finding(
                f"{o.label}: a risk of one group only", "show both", place="#fact-box table"
            )


def one_time(subject: Subject) -> Iterator[Finding]:
    """Both groups of a row are told for one time."""
    for o in subject.answer.outcomes:
        if o.absolute is not None and o.absolute.time != o.time:
            yield Finding(
                f"{o.label}: {o.time} and {o.absolute.time} in one row",
                "one time a row",
                place="#fact-box table",
            )


def reference_class(subject: Subject) -> Iterator[Finding]:
    """Captions say of whom the numbers are."""
    a = subject.answer
    for id in ("fact-box", "evidence"):
        table = subject.section(id).first("table")
        caption = None if table is None else table.first("caption")
        if table is not None and (
            caption is None or a.population.casefold() not in caption.text().casefold()
        ):
            yield Finding(
                "a caption does not say of whom its numbers are",
                f"name {a.population}",
                place=f"#{id} caption",
            )
    people = {_icons_of(o): o.absolute.reference_class for o in a.outcomes if o.absolute}
    for figure in subject.section("picture").all("figure"):
        named = people.get(figure.id, a.population).casefold()
        if figure.id.startswith("icons-") and named not in figure.text().casefold():
            yield Finding(
                "a picture of people does not say who they are", "name them", place=figure.where()
            )


def frames(subject: Subject) -> Iterator[Finding]:
    """No "1 in x" for patients, no ratio without the risks of both groups."""
    for section in subject.patient():
        text = open_text(section)
        if found := _ONE_IN.search(text):
            yield Finding(f"“{found[0]}”", "the same denominator throughout", place=section.where())
        if found := _RELATIVE.search(text):
            yield Finding(f"“{found[0]}” for patients", "absolute numbers", place=section.where())
    for row in _rows(subject.section("evidence").first("table")):
        ratio = _labelled(row, "Relative")
        if re.search(r"\d", ratio) and not (
            re.search(r"\d", _labelled(row, "With "))
            and re.search(r"\d", _labelled(row, "Difference"))
        ):
            yield Finding(
                f"{row[0].text()}: a ratio without risks",
                "show the risk without, and the difference",
                place="#evidence table",
                state="not applicable" if not _labelled(row, "With ") else "not met",
            )


def needed(subject: Subject) -> Iterator[Finding]:
    """Numbers needed to treat are for clinicians, and their intervals are true."""
    for section in subject.patient():
        if found := _NNT.search(section.text()):
            yield Finding(
                f"“{found[0]}” for patients", "people of every 1000", place=section.where()
            )
    for o in subject.answer.outcomes:
        d = None if o.absolute is None else o.absolute.difference
        if not o.number_needed or d is None or d.low is None or d.high is None:
            continue
        if (d.low < 0 < d.high) != ("infinity" in o.number_needed):
            yield Finding(
                f"{o.label}: the number needed does not run through infinity with its difference",
                "compute it from the difference",
                "answer.json",
                place=f"outcomes.{o.id}.number_needed",
            )


def icons(subject: Subject) -> Iterator[Finding]:
    """Pictures of people: whole people, adding up to the denominator."""
    for figure in subject.document().root.all("figure"):
        if not figure.id.startswith("icons-"):
            continue
        for row in _rows(figure.first("table")):
            cells = {c.attrs.get("data-label", ""): c.text() for c in row[1:]}
            numbers = list(cells.values())
            whole_ = [v for v in (numbers[:1] + numbers[-2:]) if v.isdigit()]
            if len(whole_) != 3 or int(whole_[0]) + int(whole_[1]) != int(whole_[2]):
                yield Finding(
                    f"{row[0].text()}: the people do not add up",
                    "whole people by largest remainder",
                    place=figure.where(),
                )
        yield from _other_people(figure, subject)
        rests = [int(t) for row in _rows(figure.first("table")) if (t := row[-2].text()).isdigit()]
        # Where fewer have the event with the treatment, the others are diamonds, not rings.
        rest = rests[0] + min(rests) if len(rests) == 2 else sum(rests)
        for svg in figure.all("svg"):
            # Each person is a path of its own, and one stands in the legend.
            hollow = [p.attrs for p in svg.all("path") if "--icon" in p.attrs.get("stroke", "")]
            if any("stroke-dasharray" in p for p in hollow):
                continue  # A thousand people are rows of dashes.
            drawn = sum(p.get("d", "").casefold().count("m") for p in hollow)
            if drawn and drawn - rest not in (0, 1):
                yield Finding(
                    f"{drawn} people without the event are drawn, and the table has {rest}",
                    "draw the table",
                    place=figure.where(),
                )


def _icons_of(outcome: OutcomeAnswer) -> str:
    """The id of an outcome's picture of people."""
    return f"icons-{outcome.id.replace('_', '-')}"


def _other_people(figure: Node, subject: Subject) -> Iterator[Finding]:
    """People of a picture who are not those of the fact box, to within rounding."""
    o = next((o for o in subject.answer.outcomes if _icons_of(o) == figure.id), None)
    if o is None:
        return
    sides: tuple[Quantity | None, Quantity | None]
    if o.absolute is not None and o.absolute.denominator:
        sides = o.absolute.without, o.absolute.with_
    elif o.responders:
        sides = o.responders[0].without, o.responders[0].with_
    else:
        return
    for q, row in zip(sides, _rows(figure.first("table")), strict=False):
        told, of = row[1].text(), row[-1].text()
        if q is None or not told.isdigit() or not of.isdigit():
            continue
        if abs(int(told) - q.value * int(of) / 1000) > 1:
            yield Finding(
                f"{row[0].text()}: {told} of {of} people, and {show(q)} in the fact box",
                "draw the numbers of the table",
                place=figure.where(),
            )


def adds_up(subject: Subject) -> Iterator[Finding]:
    """With minus without is the difference."""
    for o in subject.answer.outcomes:
        a = o.absolute
        if a is None or a.without is None or a.with_ is None:
            continue
        gap = a.with_.value - a.without.value - a.difference.value
        if abs(gap) > 1e-6 * max(1.0, abs(a.with_.value), abs(a.without.value)):
            yield Finding(
                f"{o.label}: with minus without is not the difference",
                "compute all three from one effect",
                "answer.json",
                place=f"outcomes.{o.id}.absolute",
            )


def possible(subject: Subject) -> Iterator[Finding]:
    """Risks between 0 and 1, estimates inside their intervals, words of the right direction."""
    for q in subject.answer.quantities.values():
        name = q.id.rsplit(".", 1)[-1]
        if (
            q.unit == "per 1000"
            and name in ("with", "without", "bound")
            and not -1e-9 <= q.value <= 1000 + 1e-9
        ):
            yield Finding(f"{q.id} is {q.value:g} per 1000", "a risk is 0 to 1000", "sources.html")
        # What leaving one trial out gives is no interval of what all of them give.
        if q.low is not None and q.high is not None and name != "without_one":
            slack = 1e-9 * max(1.0, abs(q.low), abs(q.high))
            if not q.low - slack <= q.value <= q.high + slack:
                yield Finding(f"{q.id} is outside its interval", "check its ends", "sources.html")
    for o in subject.answer.outcomes:
        found = _UP.search(o.statement_plain)
        shown = None if found is None else subject.answer.quantities.get(found[1])
        if found is None or shown is None:
            continue
        if (found[2] in ("more", "higher")) != (shown.value > 0) and abs(shown.value) > 1e-9:
            yield Finding(
                f"{o.label}: “{found[2]}” of {shown.value:g}", "the other word", place="#fact-box"
            )
    for h in subject.answer.harms:
        said = _UP.search(h.statement)
        if said is None or h.excess is None or said[1] != h.excess.id or abs(h.excess.value) < 1e-9:
            continue
        if (said[2] == "more") != (h.excess.value > 0):
            yield Finding(
                f"{h.plain}: “{said[2]}” of {h.excess.value:g}", "the other word", place="#harms"
            )


def converted(subject: Subject) -> Iterator[Finding]:
    """Responders from points are called estimates, with method and source."""
    for o in subject.answer.outcomes:
        for r in o.responders:
            if "kraemer" in r.method.casefold():
                yield Finding(
                    f"{o.label}: Kraemer and Kupfer’s way", "another method", "review.toml"
                )
            if "estimate" not in r.words.casefold() or not r.method or not r.source:
                yield Finding(
                    f"{o.label}: people from points without “estimated”, method or source",
                    "say all three",
                    "answer.json",
                    place=f"outcomes.{o.id}.responders",
                )


def scales(subject: Subject) -> Iterator[Finding]:
    """Scales have a range and a direction; values lie on them, spreads are positive."""
    for o in subject.answer.outcomes:
        if (
            o.type != "continuous"
            or o.unit == "SD"
            or subject.answer.review.outcome(o.id).measure == "SMD"
        ):
            continue
        if o.scale is None:
            yield Finding(f"{o.label}: no range of its scale", "fill scale", "review.toml")
            continue
        levels = (o.absolute.without, o.absolute.with_) if o.absolute else ()
        for q in levels:
            if q is not None and not o.scale[0] <= q.value <= o.scale[1]:
                yield Finding(
                    f"{o.label}: {show(q).value} is off its scale", "check it", "sources.html"
                )
    for r in subject.answer.review.results:
        if r.sd is not None and r.sd <= 0 and not r.flags:
            yield Finding(
                f"{r.trial}: a standard deviation of {r.sd:g}", "check it", r.file, r.line
            )


def both_sizes(subject: Subject) -> Iterator[Finding]:
    """Where the mean is below what matters and more people still respond, both are shown."""
    text = subject.document().root.text()
    for o in subject.answer.outcomes:
        if o.effect_class != "none":
            continue
        for r in o.responders:
            if r.difference.value > 0 and plain(r.words) not in text:
                yield Finding(
                    f"{o.label}: the people who are noticeably better are not shown",
                    "show them beside the mean",
                    place="#fact-box",
                )


def main_small(o: OutcomeAnswer, subject: Subject) -> float | None:
    """The smallest important difference that the outcome's verdict uses."""
    found = main_threshold(subject.answer.review.outcome(o.id))
    return None if found is None else found.small


CHECKS: tuple[Check, ...] = (
    Check(
        12,
        "error",
        "page",
        "Nobody types a number into the evidence",
        "No digit in running text of the short answer, its messages, what trials found, pictures, "
        "harms, reasons and evidence outside a computed span.",
        typed,
    ),
    Check(
        13,
        "error",
        "page",
        "Shown is what was computed",
        "Every linked number is its quantity, by the rule of rounding.",
        recomputed,
    ),
    Check(
        14,
        "error",
        "page",
        "No bare estimate",
        "Each has interval, people, trials and time.",
        whole,
    ),
    Check(
        15,
        "error",
        "page",
        "One denominator",
        "100 or 1000 in a table, and both groups.",
        denominators,
    ),
    Check(16, "error", "page", "One time in a row", "Both groups at the same time.", one_time),
    Check(
        17,
        "error",
        "page",
        "Of whom",
        "Captions of benefits, findings and pictures name the population.",
        reference_class,
    ),
    Check(
        18,
        "error",
        "page",
        "No “1 in x”, no ratio alone",
        "Neither in the patient layer; a ratio in the summary of findings has its risks beside it.",
        frames,
    ),
    Check(
        19,
        "error",
        "page",
        "Numbers needed to treat",
        "None for patients. For clinicians an interval that includes no difference runs through "
        "infinity, as the requirement has it, where the specification would leave it out.",
        needed,
    ),
    Check(
        20,
        "error",
        "data",
        "Pictures of people add up",
        "Whole people, as many as are drawn, adding up to the denominator, and those of the fact "
        "box.",
        icons,
    ),
    Check(
        21,
        "error",
        "data",
        "With minus without is the difference",
        "Before rounding; after it they may be one apart.",
        adds_up,
    ),
    Check(
        22,
        "error",
        "data",
        "Possible numbers, right words",
        "Risks from 0 to 1, estimates inside intervals, more and fewer by the sign; harms too.",
        possible,
    ),
    Check(
        23,
        "error",
        "data",
        "Converted numbers say so",
        "Responders from points are called estimated, with method and source; Kraemer and Kupfer’s "
        "way is not used.",
        converted,
    ),
    Check(
        24,
        "error",
        "data",
        "Scales",
        "Range and direction are stated, values lie on the scale, spreads are positive; standard "
        "errors in place of deviations are found by the checks of the folder.",
        scales,
    ),
    Check(
        25,
        "warning",
        "data",
        "Both sizes",
        "A mean too small to matter and more people who respond are both shown.",
        both_sizes,
    ),
)
