"""Folders broken in one place: each problem is found with its code, file and line, and no other."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from equipoise.cli.verbs.check import run
from equipoise.core.errors import FolderError
from equipoise.review.check import check_folder
from equipoise.review.codes import CODES
from equipoise.review.folder import read_folder

ON = date(2026, 11, 1)
DOC = Path(__file__).resolve().parents[2] / "docs" / "check-codes.md"
TOML, TRIALS, ARMS, RESULTS = "review.toml", "trials.csv", "arms.csv", "results.csv"
CONTRASTS, HARMS, ROB, SIGNALS, GAPS, JUDGE, PROSE = (
    "contrasts.csv",
    "harms.csv",
    "risk_of_bias.csv",
    "signalling.csv",
    "unreported.csv",
    "judgements.toml",
    "article.md",
)


@dataclass(frozen=True)
class Break:
    """One change in one file of the sound folder, and where its problem is to be found.

    Without `at` it is the file and the line of the change. `also` holds further problems.
    """

    code: str
    file: str
    old: str
    new: str
    at: tuple[str, int] | None = None
    also: tuple[tuple[str, str, int], ...] = ()

    def found(self, text: str) -> list[tuple[str, str, int]]:
        """What a check must find, in any order."""
        pairs = zip(self.old, self.new, strict=False)
        same = next(
            (i for i, (a, b) in enumerate(pairs) if a != b), min(len(self.old), len(self.new))
        )
        before = text[: text.index(self.old)] + self.new[:same]
        line = before.count("\n") + self.new[same:].startswith("\n") + 1
        return sorted([(self.code, *(self.at or (self.file, line))), *self.also])


T1 = "adams,t,cough,diary,12,final,,,48,,30.5,20.1,,"
T2 = "adams,c,cough,diary,12,final,,,47,,40.2,21.3,,"
B1 = "adams,t,better,,12,final,,,48,30,,,,"
C1 = "baker,t,c,cough,diary,12,MD,final,,,-5,,-14.2,4.2,0.28,40,38,,"
C2 = "baker,t,c,better,,12,RR,final,,,1.4,,0.9,2.2,,40,38,,"
NAUSEA = "nausea,feeling sick,mild,trial,adams,t,yes,5,48,hours,,report,,"
WAIT = '[[options]]\nid = "wait"\nlabel = "Wait"\nkind = "no-change"\n'
BOB = '\n[[people]]\nid = "rob"\n'

MAIN_BASELINE = 'source = "A register, 2021"\nmain=true\n'
SECOND_BASELINE = (
    '\n[[outcomes.baselines]]\nname = "others"\nvalue = 300\nsource = "guess"\nmain = true\n'
)
PANEL = 'source = "A panel of patients, 2020"\nmain = true\n'
RESPONDERS = (
    '\n[[outcomes.responders]]\nname = "better"\nmethod = "threshold"\nsource = "a panel"\n'
)
GAP = "baker,better,partly reported,unclear,protocol,again\n"
BOTH = "".join(
    f"adams,cough,{n},{a},rob,report,\n"
    for n, a in (("2.1", "N"), ("2.2", "N"), ("2.6", "Y"), ("2b.1", "N"), ("2b.2", "N"))
) + "".join(f"adams,cough,2b.{n},N,rob,report,\n" for n in (4, 5))
DOMAIN = 'about = "certainty"\noutcome = "cough"\ndomain = "indirectness"'

CLAIM = '+++\n[[claims]]\nid = "c"\nabout = "alone"\nsays = "better"\n{}+++\n# Tonic\n'
OPENING = "# Tonic\n\n## What tonic is {#treatment}\n\nA sweet syrup."
BOUND = (
    '+++\n[[claims]]\nid = "c"\nabout = "alone"\n{}\n+++\n'
    "# Tonic\n\n## What tonic is {{#treatment}}\n\n[A sweet syrup](claim:c)."
)

BREAKS = [
    # files and their form
    Break(
        "E-TOML-SYNTAX", TOML, 'version = "1.0"\nupdated', 'version = "1.0\nupdated', at=(TOML, 3)
    ),
    Break("E-TOML-SYNTAX", JUDGE, 'level = "-1"', "level = "),
    Break("E-CSV-SYNTAX", RESULTS, "baker,c,cough,diary", 'baker,c,cough,"diary'),
    Break("E-FORMAT", TOML, "format = 1", "format = 0"),
    Break("E-FORMAT-NEWER", TOML, "format = 1", "format = 2"),
    Break("W-BOM", ARMS, "trial,arm,label", "\ufefftrial,arm,label"),
    Break("W-TEXT-TURNED", PROSE, "A sweet syrup.", "A sweet \u202esyrup."),
    Break("W-TEXT-TURNED", TRIALS, "Clark 2015,", "Clark\u2066 2015,"),
    Break("W-BOM", TOML, "format = 1", "\ufeffformat = 1"),
    # keys, columns and cells
    Break("E-BLANK", TOML, 'population = "adults with a cough"', 'population = "…"'),
    Break("E-BLANK", TOML, 'population = "adults with a cough"', 'population = " "'),
    Break("E-BLANK", TRIALS, "Clark 2015,", "…,"),
    Break("E-BLANK", PROSE, "A sweet syrup.", "…"),
    Break(
        "E-KEY-UNKNOWN",
        TOML,
        'population = "',
        'popluation = "',
        also=(("E-KEY-MISSING", TOML, 14),),
    ),
    Break("E-KEY-UNKNOWN", TOML, "decides = true", "decides = true\ndecided = true"),
    Break(
        "E-KEY-UNKNOWN",
        JUDGE,
        '[[judgements]]\nabout = "burden"',
        '[[judgement]]\nabout = "burden"',
    ),
    Break(
        "E-KEY-UNKNOWN",
        TOML,
        "[plan]",
        "[plans]",
        at=(TOML, 91),
        also=(("E-KEY-MISSING", TOML, 1),),
    ),
    Break("E-KEY-MISSING", TOML, "format = 1\n", "", at=(TOML, 1)),
    Break("E-KEY-MISSING", TOML, 'license = "CC-BY-4.0"\n', "", at=(TOML, 1)),
    Break("E-KEY-MISSING", TOML, '[[red_flags]]\ntext = "Coughing blood"', "[[red_flags]]"),
    Break("E-TYPE", TOML, 'title = "Should I try tonic for cough?"', "title = 5"),
    Break("E-TYPE", TOML, "small = 5", 'small = "5"'),
    Break("E-TYPE", TOML, "scale = [0, 100]", "scale = [0, 50, 100]"),
    Break("E-TYPE", TOML, "independent = true", 'independent = "yes"'),
    Break("E-TYPE", TOML, 'updated = "2026-10-01"', "updated = 2026-10-01"),
    Break(
        "E-TYPE",
        TOML,
        'disclosures = [{ type = "none", asked_on = "2026-09-01", signed = "2026-09-02" }]\n' + BOB,
        'disclosures = ["none"]\n' + BOB,
    ),
    Break("E-CHOICE", TOML, 'role = "delivery"', 'role = "deliverly"'),
    Break("E-CHOICE", TOML, 'measure = "MD"', 'measure = "WMD"'),
    Break("E-CHOICE", TOML, 'tau2 = "REML"', 'tau2 = "reml"'),
    Break("E-CHOICE", TRIALS, "cohort,none,,,excluded", "cohort,none,,,exclude"),
    Break("E-CHOICE", RESULTS, T1, T1 + "misread"),
    Break("E-COLUMN-UNKNOWN", ARMS, ",dose,", ",doze,"),
    Break(
        "E-COLUMN-MISSING",
        HARMS,
        "harm,plain,severity,",
        "harm,plain,sever,",
        also=(("E-COLUMN-UNKNOWN", HARMS, 1),),
    ),
    Break("E-COLUMN-TWICE", ARMS, ",dose,n,note", ",note,n,note"),
    Break("E-ROW-CELLS", RESULTS, "baker,t,cough,diary,", "baker,t,cough,diary,or book,"),
    Break(
        "E-ROW-CELLS",
        TRIALS,
        '"Adams A. Tonic, a trial. J Cough 2010;1:1-9"',
        "Adams A. Tonic, a trial. J Cough",
    ),
    Break("E-CELL-MISSING", ROB, "adams,,RoB 2,", "adams,,,"),
    Break(
        "E-CELL-MISSING",
        RESULTS,
        "adams,t,cough,diary,12,final,,,",
        "adams,t,cough,diary,12,final,0,,",
    ),
    Break("E-NUMBER", RESULTS, "30.5,20.1", "about 30,20.1"),
    Break("E-NUMBER", RESULTS, "30.5,20.1", "1e999,20.1"),
    Break("E-NUMBER", TOML, "small = 5", "small = nan"),
    Break("E-NUMBER-WORD", RESULTS, "30.5,20.1", "30.5,NaN"),
    Break("E-NUMBER-WORD", ARMS, "tonic_red,,,,50,", "tonic_red,,,,NR,"),
    Break("E-NUMBER-SIGN", CONTRASTS, ",-5,,", ",−5,,"),
    Break("E-NUMBER-COMMA", RESULTS, "30.5,20.1", '"30,5",20.1'),
    Break("E-NUMBER-WHOLE", RESULTS, B1, B1.replace("48,30", "48,29.5")),
    Break("E-LIST", ARMS, "adams,t,Tonic,tonic_red,", "adams,t,Tonic,tonic_red++syrup,"),
    Break("E-SPACES", RESULTS, "baker,t,cough,diary", "baker,t ,cough,diary"),
    Break(
        "E-ID-FORM",
        TOML,
        'id = "better"',
        'id = "got better"',
        also=(
            ("E-OUTCOME-UNKNOWN", RESULTS, 4),
            ("E-OUTCOME-UNKNOWN", RESULTS, 5),
            ("E-OUTCOME-UNKNOWN", CONTRASTS, 3),
            ("E-OUTCOME-UNKNOWN", GAPS, 2),
            ("N-OUTCOME-NO-DATA", TOML, 81),
        ),
        at=(TOML, 81),
    ),
    Break("E-ID-TWICE", TOML, 'id = "nothing"', 'id = "syrup"'),
    # the question
    Break("E-SLUG-FORM", TOML, 'slug = "tonic-cough"', 'slug = "../cough"'),
    Break("E-SLUG-FORM", TOML, 'slug = "tonic-cough"', 'slug = "https://tonic"'),
    Break("W-SLUG-NAME", TOML, 'slug = "tonic-cough"', 'slug = "tonic-coughs"'),
    Break("E-DATE", TOML, 'updated = "2026-10-01"', 'updated = "1 Oct 2026"'),
    Break("E-DATE", TOML, 'next_review = "2027-05-01"', 'next_review = "2027-05"'),
    Break("E-DATE", TOML, 'last = "2026-06"', 'last = "2026-13"'),
    Break(
        "E-DATE", JUDGE, 'on = "2026-09-15"\nwhy = "A spoon', 'on = "2026-09-31"\nwhy = "A spoon'
    ),
    Break("W-DATE-FUTURE", TOML, 'updated = "2026-10-01"', 'updated = "2026-11-02"'),
    Break("W-DATE-FUTURE", TOML, 'last = "2026-06"', 'last = "2026-12"'),
    Break("W-REVIEW-DUE", TOML, 'next_review = "2027-05-01"', 'next_review = "2026-10-31"'),
    Break("N-SEARCH-NONE", TOML, 'last = "2026-06"', 'last = ""'),
    Break("N-SEARCH-OLD", TOML, 'last = "2026-06"', 'last = "2023-10"'),
    Break("W-ADDRESS", TOML, 'updated = "2026-10-01"', 'contact = "us"\nupdated = "2026-10-01"'),
    Break(
        "W-ADDRESS",
        TOML,
        'what = "First version"',
        'what = "First version"\naddress = "javascript:x"',
    ),
    Break("W-CHANGES", TOML, 'version = "1.0"\nupdated', 'version = "1.1"\nupdated'),
    Break(
        "E-QUESTION-MARK",
        TOML,
        'text = "Should I try tonic for cough?"',
        'text = "Should I try tonic for cough"',
    ),
    Break(
        "E-QUESTION-NAMES",
        TOML,
        'text = "Should I try tonic for cough?"',
        'text = "Should I try it for cough?"',
    ),
    Break(
        "E-OPTIONS-FEW",
        TOML,
        WAIT + 'experience = "Going on as before."\n',
        "",
        at=(TOML, 25),
        also=(("E-OPTIONS-NO-CHANGE", TOML, 25),),
    ),
    Break("E-OPTIONS-NO-CHANGE", TOML, 'kind = "no-change"', 'kind = "other"', at=(TOML, 25)),
    Break("E-COMPONENT-UNKNOWN", TOML, 'component = "tonic"', 'component = "tonics"'),
    Break(
        "E-COMPONENT-UNKNOWN",
        TOML,
        'components = ["tonic", "syrup"]',
        'components = ["tonic", "sirup"]',
    ),
    Break("E-COMPONENT-UNKNOWN", ARMS, "adams,t,Tonic,tonic_red,", "adams,t,Tonic,tonic_blue,"),
    Break(
        "E-COMPONENT-UNKNOWN", ARMS, "adams,t,Tonic,tonic_red,,", "adams,t,Tonic,tonic_red,massage,"
    ),
    Break(
        "E-COUNTS-AS-UNKNOWN",
        TOML,
        'counts_as = ["tonic", "syrup"]',
        'counts_as = ["tonic", "sirup"]',
    ),
    Break("E-OUTCOME-DIRECTION", TOML, 'better = "lower"\n', "", at=(TOML, 60)),
    Break(
        "E-OUTCOME-MEASURE",
        TOML,
        'measure = "MD"',
        'measure = "RR"',
        also=(("N-CONTRAST-MEASURE", CONTRASTS, 2),),
    ),
    Break(
        "E-OUTCOME-SCALE",
        TOML,
        'importance = "important"',
        'importance = "important"\nscale = [0, 1]',
    ),
    Break("E-WEEKS-ORDER", TOML, "weeks = [4, 26, 12]\nscale", "weeks = [26, 4, 12]\nscale"),
    Break("E-SCALE-ORDER", TOML, "scale = [0, 100]", "scale = [100, 0]"),
    Break(
        "E-SCALE-ORDER",
        RESULTS,
        "adams,t,cough,diary,12,final,,,",
        "adams,t,cough,diary,12,final,100,0,",
        also=(("E-SCALE-CONFLICT", RESULTS, 3),),
    ),
    Break("E-DECIDES-NONE", TOML, "decides = true", "decides = false", at=(TOML, 60)),
    Break(
        "E-DECIDES-TWICE",
        TOML,
        'importance = "important"',
        'importance = "important"\ndecides = true',
    ),
    Break("E-THRESHOLD-SOURCE", TOML, 'source = "A panel of patients, 2020"\n', "", at=(TOML, 72)),
    Break("E-THRESHOLD-SOURCE", TOML, 'source = "A panel of patients, 2020"\n', 'source = ""\n'),
    Break("E-THRESHOLD-MAIN", TOML, "main = true", "main = false", at=(TOML, 60)),
    Break(
        "E-THRESHOLD-TWICE",
        TOML,
        "main = true",
        'main = true\n\n[[outcomes.thresholds]]\nname = "b"\nkind = "between-group"\n'
        'small = 3\nsource = "b"\nmain = true',
        at=(TOML, 86),
    ),
    Break("E-THRESHOLD-KIND", TOML, 'kind = "between-group"', 'kind = "within-person"'),
    Break("E-THRESHOLD-ORDER", TOML, "moderate = 10", "moderate = 30", at=(TOML, 75)),
    Break("E-THRESHOLD-ORDER", TOML, "small = 5", "small = -5"),
    Break("W-THRESHOLD-SCALE", TOML, "large = 20", "large = 200", at=(TOML, 75)),
    Break("E-PLAN-LEVEL", TOML, "level = 0.95", "level = 95"),
    # people and their word
    Break(
        "E-PERSON-UNKNOWN",
        JUDGE,
        'by = "rob"\non = "2026-09-15"\nwhy = "A spoon',
        'by = "bob"\non = "2026-09-15"\nwhy = "A spoon',
    ),
    Break(
        "E-PERSON-UNKNOWN",
        ROB,
        "adams,,RoB 2,low,low,low,low,low,low,rob",
        "adams,,RoB 2,low,low,low,low,low,low,bob",
    ),
    Break(
        "E-PERSON-DISCLOSURE",
        TOML,
        'roles = ["author"]\n'
        'disclosures = [{ type = "none", asked_on = "2026-09-01", signed = "2026-09-02" }]',
        'roles = ["author"]',
        at=(TOML, 103),
    ),
    Break("W-PEOPLE-AUTHOR", TOML, 'roles = ["author"]', 'roles = ["editor"]', at=(TOML, 103)),
    Break(
        "N-PEOPLE-INDEPENDENT", TOML, "independent = true", "independent = false", at=(TOML, 103)
    ),
    Break("W-PEOPLE-REVIEWER", TOML, 'roles = ["author"]', 'roles = ["author", "reviewer"]'),
    Break(
        "W-DISCLOSURE-NONE",
        TOML,
        'roles = ["author"]\ndisclosures = [',
        'roles = ["author"]\ndisclosures = [{ type = "personal", direction = "favours", '
        'relevance = "had it", signed = "2026-09-02" }, ',
    ),
    Break(
        "W-DISCLOSURE-FIELDS",
        TOML,
        'roles = ["author"]\ndisclosures = [{ type = "none"',
        'roles = ["author"]\ndisclosures = [{ type = "family", direction = "against"',
    ),
    Break(
        "W-DISCLOSURE-FIELDS",
        TOML,
        'roles = ["author"]\ndisclosures = [{ type = "none"',
        'roles = ["author"]\ndisclosures = [{ type = "financial", direction = "against", '
        'relevance = "sells it", period = "2024"',
    ),
    Break("N-DISCLOSURE-SIGNED", TOML, ', signed = "2026-09-02" }]\n' + BOB, " }]\n" + BOB),
    Break(
        "E-FIELD-TEST",
        TOML,
        "[[red_flags]]",
        '[[field_tests]]\nkind = "field"\nwho = "patients"\npeople = 0\non = "2026-09-01"\n'
        'how = "aloud"\nfound = "much"\n\n[[red_flags]]',
        at=(TOML, 120),
    ),
    Break(
        "E-DATE",
        TOML,
        'signed = "2026-09-02" }]\n' + BOB,
        'signed = "yes" }]\n' + BOB,
    ),
    Break(
        "W-INDEPENDENT",
        TOML,
        'independent = true\ndisclosures = [{ type = "none"',
        'independent = true\ndisclosures = [{ type = "financial", direction = "favours", '
        'amount_band = "none", period = "2024", relevance = "sells it"',
        also=(
            ("W-SIGNED-INTEREST", JUDGE, 6),
            ("W-SIGNED-INTEREST", JUDGE, 13),
            ("W-SIGNED-INTEREST", ROB, 2),
            ("W-SIGNED-INTEREST", ROB, 3),
            *(("W-SIGNED-INTEREST", SIGNALS, line) for line in (2, 3, 4)),
        ),
    ),
    Break("W-ORCID", TOML, 'credentials = "MD"', 'orcid = "none"'),
    Break("W-ORCID", TOML, 'credentials = "MD"', 'orcid = "0000-0002-1825-0098"'),
    Break("E-OUTCOME-UNKNOWN", JUDGE, 'outcome = "cough"', 'outcome = "coughs"'),
    Break("E-JUDGEMENT-DOMAIN", JUDGE, 'domain = "indirectness"', 'domain = "directness"'),
    Break("E-JUDGEMENT-LEVEL", JUDGE, 'level = "low"', 'level = "lots"'),
    Break("E-JUDGEMENT-RAISES", JUDGE, 'level = "-1"', 'level = "+1"'),
    # the prose
    Break("E-SECTION-UNKNOWN", PROSE, "{#experience}", "{#experiences}"),
    Break("E-SECTION-UNKNOWN", PROSE, "# Tonic\n", "# Tonic\nSome words.\n", at=(PROSE, 1)),
    Break("E-SECTION-TWICE", PROSE, "{#condition}", "{#treatment}"),
    Break("E-SECTION-DIGITS", PROSE, "It tastes of honey.", "It tastes\nof 12 honeys."),
    Break("E-SECTION-DIGITS", PROSE, "It tastes of honey.", "<!-- a -->12 honeys <!-- b -->"),
    Break("W-SECTION-MISSING", PROSE, "A sweet syrup.", "", at=(PROSE, 3)),
    Break(
        "E-VIEW-LONG",
        PROSE,
        "## What tonic is",
        f"## What I think {{#author-view}}\n\n{'So it is. ' * 41}\n\n## What tonic is",
    ),
    # rows that belong together
    Break(
        "E-TRIAL-UNKNOWN",
        ARMS,
        "baker,c,Syrup,syrup,,,,40,\n",
        "baker,c,Syrup,syrup,,,,40,\nbacker,c,Syrup,syrup,,,,40,\n",
    ),
    Break("E-TRIAL-UNKNOWN", ROB, "baker,cough", "davis,cough", also=(("N-ROB-NONE", TRIALS, 3),)),
    Break("E-ARM-UNKNOWN", RESULTS, "baker,c,cough", "baker,d,cough"),
    Break("E-ARM-UNKNOWN", HARMS, NAUSEA, NAUSEA.replace("adams,t", "adams,d")),
    Break("E-OUTCOME-UNKNOWN", RESULTS, "baker,c,cough", "baker,c,coff"),
    Break(
        "E-ROW-TWICE",
        ARMS,
        "baker,t,Tonic,tonic_red,,,,40,",
        "baker,c,Tonic,tonic_red,,,,40,",
        at=(ARMS, 5),
        also=(
            ("E-ARM-UNKNOWN", RESULTS, 6),
            ("E-ARM-UNKNOWN", CONTRASTS, 2),
            ("E-ARM-UNKNOWN", CONTRASTS, 3),
        ),
    ),
    Break(
        "E-ROW-TWICE", RESULTS, "baker,t,cough,diary,12", "baker,c,cough,diary,12", at=(RESULTS, 7)
    ),
    Break(
        "E-ROW-BOTH", RESULTS, "baker,t,cough,diary,12", "baker,c,cough,book,12", at=(RESULTS, 7)
    ),
    Break("E-ARMS-SAME", CONTRASTS, "baker,t,c,better", "baker,t,t,better"),
    Break("E-EXCLUDED-REASON", TRIALS, "not randomized", ""),
    Break("E-FACTOR-UNKNOWN", TRIALS, "included,,,report,\nbaker", "included,,dose,report,\nbaker"),
    Break(
        "W-TRIAL-ARMS",
        TRIALS,
        "excluded,not randomized",
        "included,not randomized",
        also=(("N-ROB-NONE", TRIALS, 4),),
    ),
    Break("W-SHAM", ARMS, "adams,c,Syrup,syrup", "adams,c,Syrup,nothing", at=(ARMS, 3)),
    Break("W-TRIAL-SAME", TRIALS, "10.1000/baker", "10.1000/ADAMS"),
    Break("W-TRIAL-RETRACTED", TRIALS, "participants,100,,", "participants,100,retracted,"),
    Break("N-TRIAL-CONCERN", TRIALS, "participants,100,,", "participants,100,concern,"),
    # claims
    Break("E-CLAIM-UNKNOWN", PROSE, "A sweet syrup.", "[A sweet syrup](claim:sweet)."),
    Break("W-CLAIM-UNBOUND", PROSE, "# Tonic\n", CLAIM.format(""), at=(PROSE, 2)),
    *(
        Break(
            "E-CLAIM-SAYS", PROSE, OPENING, BOUND.format(f'says = "better"\n{key}'), at=(PROSE, 6)
        )
        for key in (
            'harm = "nausea"',
            'treatment = "another tonic"',
            'comparator = "nothing"',
            "weeks = -4",
        )
    ),
    Break("E-CLAIM-SAYS", PROSE, OPENING, BOUND.format('says = "stronger"'), at=(PROSE, 5)),
    Break(
        "E-CLAIM-SAYS",
        PROSE,
        OPENING,
        BOUND.format('says = "better"\nat_most = 5'),
        at=(PROSE, 2),
    ),
    Break(
        "E-CLAIM-SAYS",
        PROSE,
        OPENING,
        BOUND.format('says = "better"\nwas = "supported"'),
        at=(PROSE, 6),
    ),
    Break(
        "E-HARM-UNKNOWN",
        PROSE,
        OPENING,
        BOUND.format('says = "rare"\nharm = "itch"').replace("alone", "harm"),
        at=(PROSE, 6),
    ),
    Break(
        "E-OUTCOME-UNKNOWN",
        PROSE,
        OPENING,
        BOUND.format('says = "better"\noutcome = "sleep"'),
        at=(PROSE, 6),
    ),
    *(
        Break(
            "E-CLAIM-SAYS",
            PROSE,
            OPENING,
            BOUND.format(f'says = "at most"\nat_most = {most}').replace("alone", "harm"),
            at=(PROSE, 6),
        )
        for most in ("-3", "0", "5000", "0.01")
    ),
    Break(
        "E-CLAIM-SAYS",
        PROSE,
        OPENING,
        BOUND.format('says = "mild"\noutcome = "pain"').replace("alone", "harm"),
        at=(PROSE, 6),
        also=(("E-OUTCOME-UNKNOWN", PROSE, 6),),
    ),
    Break(
        "E-CLAIM-SAYS",
        PROSE,
        OPENING,
        BOUND.format('says = "better"') + "\n[Another sentence](claim:c).",
        at=(PROSE, 12),
    ),
    Break(
        "E-CLAIM-UNKNOWN",
        PROSE,
        OPENING,
        BOUND.format('says = "better"') + "\n[Another sentence](claim: c).",
        at=(PROSE, 12),
    ),
    Break(
        "E-TOML-SYNTAX",  # …and no word on claims that could not be read.
        PROSE,
        OPENING,
        BOUND.format("says = better"),
        at=(PROSE, 5),
    ),
    Break("E-CHOICE", PROSE, OPENING, BOUND.format('says = "good"'), at=(PROSE, 5)),
    Break(
        "E-ID-TWICE",
        PROSE,
        OPENING,
        BOUND.format('says = "better"\n[[claims]]\nid = "c"\nabout = "alone"\nsays = "worse"'),
        at=(PROSE, 6),
    ),
    Break(
        "E-KEY-UNKNOWN",
        PROSE,
        OPENING,
        BOUND.format('says = "better"\nsay = 1'),
        at=(PROSE, 6),
        also=(),
    ),
    Break(
        "E-TOML-SYNTAX",
        PROSE,
        "# Tonic\n",
        "+++\n# Tonic\n",
        at=(PROSE, 1),
        also=(("E-SECTION-UNKNOWN", PROSE, 1),),
    ),
    # baselines, responders, gaps, protocol, the flow of reports, the decision
    Break("E-BASELINE-MAIN", TOML, MAIN_BASELINE, MAIN_BASELINE + SECOND_BASELINE, at=(TOML, 137)),
    Break(
        "E-BASELINE-MAIN",
        TOML,
        'register, 2021"\nmain=true',
        'register, 2021"\nmain=false',
        at=(TOML, 125),
    ),
    Break("E-BASELINE-RANGE", TOML, "value = 400", "value = 4000"),
    Break("E-BASELINE-RANGE", TOML, "low = 350", "low = 420", at=(TOML, 127)),
    Break("E-RESPONDERS", TOML, PANEL, PANEL + RESPONDERS, at=(TOML, 81)),
    Break(
        "E-RESPONDERS",
        TOML,
        PANEL,
        PANEL + RESPONDERS + "cut = 5\nchange = 2\nsd = 0\n",
        at=(TOML, 87),
    ),
    Break(
        "E-RESPONDERS",
        TOML,
        MAIN_BASELINE,
        MAIN_BASELINE + RESPONDERS + "cut = 5\nchange = 2\nsd = 9\n",
        at=(TOML, 133),
    ),
    Break("W-UNREPORTED-RESULT", GAPS, "partly reported", "not measured"),
    Break("E-OUTCOME-UNKNOWN", GAPS, "baker,better", "baker,sleep"),
    Break(
        "E-TRIAL-UNKNOWN",
        SIGNALS,
        "adams,cough,1.3",
        "davis,cough,1.3",
        also=(("E-SIGNAL-MISSING", SIGNALS, 3),),
    ),
    Break(
        "E-PERSON-UNKNOWN",
        SIGNALS,
        "1.3,N,rob",
        "1.3,N,bob",
        also=(("E-SIGNAL-MISSING", SIGNALS, 3), ("E-SIGNAL-MISSING", SIGNALS, 4)),
    ),
    Break("E-CHOICE", SIGNALS, "1.3,N,", "1.3,Yes,"),
    Break(
        "E-ROW-TWICE",
        SIGNALS,
        "adams,cough,1.3",
        "adams,cough,1.2",
        also=(("E-SIGNAL-MISSING", SIGNALS, 4),),
    ),
    Break("E-SIGNAL-ANSWER", SIGNALS, "1.3,N,", "1.3,NA,"),
    Break("E-SIGNAL-MISSING", SIGNALS, "adams,cough,1.3,N,rob,report,\n", "", at=(SIGNALS, 3)),
    Break(
        "E-SIGNAL-UNKNOWN",
        SIGNALS,
        "adams,cough,1.3",
        "adams,cough,1.4",
        also=(("E-SIGNAL-MISSING", SIGNALS, 3),),
    ),
    Break(
        "E-SIGNAL-EFFECT",
        SIGNALS,
        "1.3,N,rob,report,\n",
        "1.3,N,rob,report,\n" + BOTH,
        at=(SIGNALS, 11),
    ),
    Break("W-ROB-OVERRIDE", SIGNALS, "1.2,Y,", "1.2,N,", at=(ROB, 2)),
    Break("E-ROW-TWICE", GAPS, "of measuring\n", "of measuring\n" + GAP),
    Break("E-PROTOCOL-HASH", TOML, 'CRD42026000001"', 'CRD42026000001"\nsha256 = "abc"'),
    Break("E-FLOW", TOML, "included = 3", "included = 6"),
    Break("E-FLOW", TOML, "excluded = 15", "excluded = -1", also=(("W-FLOW-SUM", TOML, 138),)),
    Break("W-FLOW-SUM", TOML, "excluded = 15", "excluded = 14", at=(TOML, 138)),
    Break("E-DATE", TOML, 'on = "2026-05-01"', 'on = "May 2026"'),
    Break(
        "E-JUDGEMENT-DOMAIN", JUDGE, DOMAIN, 'about = "decision"\ndomain = "price"', at=(JUDGE, 3)
    ),
    Break(
        "E-JUDGEMENT-LEVEL", JUDGE, DOMAIN, 'about = "decision"\ndomain = "equity"', at=(JUDGE, 4)
    ),
    Break("N-ROB-NONE", ROB, "baker,cough", "clark,cough", at=(TRIALS, 3)),
    Break(
        "W-ROB-OVERALL",
        ROB,
        "low,some concerns,low,high,low,high",
        "low,some concerns,low,high,low,low",
    ),
    Break("W-DOI", TRIALS, "10.1000/baker", "doi:10.1000/baker"),
    Break("W-PMID", TRIALS, "1002", "PMC1002"),
    Break("W-YEAR", TRIALS, "2012,10.1000", "2102,10.1000"),
    Break("W-FLAG-NOTE", RESULTS, T1, T1 + "derived"),
    Break("W-SOURCE", RESULTS, B1 + ",report,table 3", B1 + ",,"),
    Break("E-HARM-SOURCE", HARMS, "the label", ""),
    Break("E-HARM-TRIAL", HARMS, NAUSEA, NAUSEA.replace("trial,adams,t,", "trial,,,")),
    Break("E-HARM-TRIAL", HARMS, NAUSEA, NAUSEA.replace("trial,adams,t,", "survey,adams,t,")),
    Break("E-HARM-THEORY", HARMS, "serious,theory,,,,,,", "serious,theory,,,,0,20,"),
    Break("N-HARM-COUNT", HARMS, NAUSEA, NAUSEA.replace("5,48", "5,")),
    Break("W-HARM-CONFLICT", HARMS, "mild,trial,adams,c", "serious,trial,adams,c"),
    # numbers
    Break("E-COUNT", RESULTS, B1, B1.replace("48,30", "48,-3")),
    Break(
        "E-COUNT",
        ARMS,
        "adams,t,Tonic,tonic_red,,,,50,",
        "adams,t,Tonic,tonic_red,,,,0,",
        also=(("W-N-LARGE", RESULTS, 2), ("W-N-LARGE", RESULTS, 4), ("W-N-LARGE", HARMS, 2)),
    ),
    Break("E-EVENTS", RESULTS, B1, B1.replace("48,30", "48,49")),
    Break("E-EVENTS", HARMS, NAUSEA, NAUSEA.replace("5,48", "50,48")),
    Break("W-N-LARGE", RESULTS, T1, T1.replace("48", "51")),
    Break("W-N-LARGE", TRIALS, "participants,100,", "participants,90,", at=(ARMS, 2)),
    Break("E-RESULT-KIND", RESULTS, B1, "adams,t,better,,12,final,,,48,30,30,,,"),
    Break("E-RESULT-KIND", RESULTS, T1, T1.replace("48,,", "48,3,")),
    Break("N-RESULT-INCOMPLETE", RESULTS, T1, T1.replace("30.5", "")),
    Break("N-RESULT-INCOMPLETE", CONTRASTS, C1, C1.replace(",-5,", ",,")),
    Break("N-SPREAD-MISSING", RESULTS, T1, T1.replace("20.1", "")),
    Break("N-SPREAD-MISSING", CONTRASTS, C2, C2.replace("0.9,2.2", ",")),
    Break("E-SCALE-CONFLICT", RESULTS, T2, T2.replace("final,,,", "final,0,80,")),
    Break("E-MEAN-SCALE", RESULTS, T1, T1.replace("30.5", "130.5")),
    Break("E-MEAN-SCALE", RESULTS, T1, T1.replace("final", "change").replace("30.5", "-130.5")),
    Break("E-SD-SCALE", RESULTS, T1, T1.replace("20.1", "48")),
    Break("E-SPREAD", RESULTS, T1, T1.replace("20.1", "0")),
    Break("E-SPREAD", CONTRASTS, C1, C1.replace("-5,,", "-5,-4.7,")),
    Break("E-SD-SE", RESULTS, T1, T1.replace("20.1,", "20.1,4.5")),
    Break("W-SE-AS-SD", RESULTS, T1, T1.replace("20.1", "2.9")),
    Break("W-SIGN", CONTRASTS, C1, C1.replace("-5,,-14.2,4.2", "5,,-4.2,14.2")),
    Break("E-P-RANGE", CONTRASTS, C1, C1.replace("0.28", "28")),
    Break("E-CI-ONE", CONTRASTS, C1, C1.replace("4.2,0.28", ",0.28")),
    Break("E-RATIO", CONTRASTS, C2, C2.replace("0.9,2.2", "-0.1,2.2")),
    Break("E-CI-ORDER", CONTRASTS, C1, C1.replace("-14.2,4.2", "4.2,-14.2")),
    Break("E-CI-ESTIMATE", CONTRASTS, C1, C1.replace(",-5,,", ",-15,,")),
    Break("W-CI-MIDDLE", CONTRASTS, C1, C1.replace(",-5,,", ",-9,,")),
    Break("W-P-CI", CONTRASTS, C1, C1.replace("0.28", "0.01")),
    Break(
        "N-CONTRAST-MEASURE",
        CONTRASTS,
        C1,
        C1.replace(",MD,", ",SMD,").replace("-5,,-14.2,4.2", "-0.5,,-1.0,0.0"),
    ),
]


def found(folder: Path) -> list[tuple[str, str, int]]:
    return sorted((p.code, p.file, p.line) for p in check_folder(folder, on=ON))


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}


def test_the_sound_folder_has_no_problem(make: Callable[..., Path]) -> None:
    assert found(make()) == []


@pytest.mark.parametrize("case", BREAKS, ids=lambda c: f"{c.code}:{c.file}:{c.new[:24]!r}")
def test_a_broken_folder(
    case: Break,
    make: Callable[..., Path],
    sound: dict[str, str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = make({case.file: (case.old, case.new)})
    before = bytes_of(folder)
    assert found(folder) == case.found(sound[case.file])
    errors = [code for code, _, _ in case.found(sound[case.file]) if code.startswith("E-")]
    status = run([str(folder)], False, ON.isoformat())
    printed = capsys.readouterr().out.splitlines()
    # Where the folder has no error, its page is checked too, and may have some of its own.
    told = [row for row in printed if row.startswith("error: ")]
    assert status == int(bool(told))
    assert errors or all(" QA-" in row for row in told)
    assert bool(told) or not errors
    for code, file, line in case.found(sound[case.file]):
        assert any(f" {file}:{line}: {code} " in row and ". Try: " in row for row in printed)
    assert bytes_of(folder) == before
    if errors:
        with pytest.raises(FolderError) as caught:
            read_folder(folder)
        assert [p.code for p in caught.value.problems] == [
            p.code for p in check_folder(folder, on=ON) if p.severity == "error"
        ]
    else:
        assert read_folder(folder).slug


def test_many_problems_are_told_at_once_in_the_order_of_the_folder(
    make: Callable[..., Path], sound: dict[str, str]
) -> None:
    chosen = [
        next(b for b in BREAKS if b.code == code)
        for code in ("E-PLAN-LEVEL", "E-EXCLUDED-REASON", "E-SD-SCALE", "E-CI-ORDER", "E-LIST")
    ]
    folder = make({b.file: (b.old, b.new) for b in chosen})
    problems = check_folder(folder, on=ON)
    assert sorted((p.code, p.file, p.line) for p in problems) == sorted(
        one for b in chosen for one in b.found(sound[b.file])
    )
    assert [p.file for p in problems] == [TOML, TRIALS, ARMS, RESULTS, CONTRASTS]
    for p in problems:
        assert str(p) == f"{p.file}:{p.line}: {p.code} {p.what}. Try: {p.hint}"


FORMS: dict[str, tuple[str, bytes | None, list[tuple[str, str, int]]]] = {
    "missing": (ARMS, None, [("E-FILE-MISSING", ARMS, 1)]),
    "empty": (ARMS, b"", [("E-FILE-EMPTY", ARMS, 1)]),
    "only blanks": (HARMS, b"\n \n", [("E-FILE-EMPTY", HARMS, 1)]),
    "latin 1": (PROSE, "caf\xe9\nna\xefve".encode("latin-1"), [("E-ENCODING", PROSE, 1)]),
    "utf-16": (ROB, "trial,outcome".encode("utf-16"), [("E-ENCODING", ROB, 1)]),
    "a NUL byte": (JUDGE, b"# a\n\0", [("E-ENCODING", JUDGE, 2)]),
    "binary": (TOML, bytes(range(256)), [("E-ENCODING", TOML, 2)]),
    "deep brackets": (TOML, b"format = " + b"[" * 30000, [("E-TOML-SYNTAX", TOML, 1)]),
    "a huge number": (TOML, b"format = " + b"9" * 5000, [("E-TOML-SYNTAX", TOML, 1)]),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_file_that_cannot_be_read(name: str, make: Callable[..., Path]) -> None:
    file, data, expected = FORMS[name]
    folder = make({file: data})
    here = [one for one in found(folder) if one[1] == file]
    assert here == expected
    assert not [one for one in found(folder) if one[0].endswith("-UNKNOWN")]


@pytest.mark.parametrize("name", ["contrasts.csv", "risk_of_bias.csv", "judgements.toml"])
def test_some_files_may_be_missing(name: str, make: Callable[..., Path]) -> None:
    assert not [one for one in found(make({name: None})) if one[0].startswith("E-")]


def test_a_folder_in_place_of_a_file(make: Callable[..., Path]) -> None:
    folder = make({HARMS: None})
    (folder / HARMS).mkdir()
    assert found(folder) == [("E-FILE", HARMS, 1)]


def test_a_link_to_nothing(make: Callable[..., Path]) -> None:
    folder = make({HARMS: None})
    (folder / HARMS).symlink_to(folder / "nowhere.csv")
    assert found(folder) == [("E-FILE", HARMS, 1)]


def test_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert found(tmp_path / "nowhere") == [("E-FOLDER", "nowhere", 1)]
    assert found(tmp_path / "file") == [("E-FOLDER", "file", 1)]


def test_a_misspelled_file_is_pointed_out_and_others_are_left_alone(
    make: Callable[..., Path],
) -> None:
    folder = make()
    (folder / "result.csv").write_text("x")
    (folder / "README.md").write_text("x")
    (problem,) = check_folder(folder, on=ON)
    assert (problem.code, problem.file) == ("W-FILE-UNKNOWN", "result.csv")
    assert "'results.csv'" in problem.hint


def test_line_ends_of_other_systems_are_no_problem(
    make: Callable[..., Path], sound: dict[str, str]
) -> None:
    folder = make({name: text.replace("\n", "\r\n").encode() for name, text in sound.items()})
    assert found(folder) == []


def test_lines_are_counted_through_quoted_line_ends(make: Callable[..., Path]) -> None:
    change = [("report,table 2,high,\nadams,c", 'report,table 2,high,"one\ntwo\n"\nadams,c'),
              ("38,,38,22", "38,,138,22")]  # fmt: skip
    assert found(make({RESULTS: change})) == [("E-MEAN-SCALE", RESULTS, 9)]


def test_rows_that_a_spreadsheet_leaves_behind_are_no_problem(
    make: Callable[..., Path], sound: dict[str, str]
) -> None:
    assert found(make({ARMS: (sound[ARMS] + "\n,,,,,,,,\n").encode()})) == []


def test_overlapping_margins_need_a_chosen_factor(make: Callable[..., Path]) -> None:
    arms = [
        ("adams,t,Tonic,tonic_red,,,,50,", "adams,t,Tonic,tonic_red,,tonic,,50,"),
        ("adams,c,Syrup,syrup,,,,50,", "adams,c,Syrup,syrup,,rest,,50,"),
    ]
    assert found(make({ARMS: arms})) == [("E-FACTOR-CHOICE", TRIALS, 2)]


def test_no_harms_and_no_trials(make: Callable[..., Path], sound: dict[str, str]) -> None:
    heads = {name: sound[name].split("\n")[0].encode() + b"\n" for name in sound}
    folder = make({HARMS: heads[HARMS]})
    assert found(folder) == [("W-HARMS-NONE", HARMS, 1)]
    for name in (TRIALS, ARMS, RESULTS, CONTRASTS, ROB, SIGNALS, GAPS):
        (folder / name).write_bytes(heads[name])
    assert found(folder) == [("N-TRIALS-NONE", TRIALS, 1)]


def test_an_outcome_nobody_looked_at(make: Callable[..., Path], sound: dict[str, str]) -> None:
    rows = [r for r in sound[RESULTS].splitlines(keepends=True) if ",better," not in r]
    folder = make({RESULTS: "".join(rows).encode(), CONTRASTS: None})
    assert found(folder) == [("N-OUTCOME-NO-DATA", TOML, 81)]


def test_values_on_a_shorter_scale(make: Callable[..., Path]) -> None:
    change = [("30.5,20.1", "3.1,2.0"), ("40.2,21.3", "4,2.1")]
    assert found(make({RESULTS: change})) == [
        ("W-SCALE-TENTH", RESULTS, 2),
        ("W-SE-AS-SD", RESULTS, 2),
        ("W-SE-AS-SD", RESULTS, 3),
    ]


def test_a_change_whose_sign_was_lost(make: Callable[..., Path], sound: dict[str, str]) -> None:
    header = sound[RESULTS].split("\n")[0]
    rows = [
        f"{trial},{arm},cough,diary,12,change,,,40,,{mean},20,,,report,table 1,high,"
        for trial, mean in (("adams", -10), ("baker", 12), ("clark", -11))
        for arm in ("t", "c")
    ]
    folder = make(
        {
            RESULTS: "\n".join([header, *rows, ""]).encode(),
            CONTRASTS: None,
            ARMS: ("baker,c,Syrup,syrup,,,,40,\n", "baker,c,Syrup,syrup,,,,40,\n"
                   "clark,t,Tonic,tonic_red,,,,,\nclark,c,Syrup,syrup,,,,,\n"),
        }
    )  # fmt: skip
    assert ("W-SIGN", RESULTS, 4) in found(folder)
    assert [one[0] for one in found(folder)].count("W-SIGN") == 1


def test_flags_answer_what_they_are_about(make: Callable[..., Path]) -> None:
    doubted = T1.replace("20.1", "2.9") + "sd-unusable,report,table 2,high,printed so"
    assert found(make({RESULTS: (T1 + ",report,table 2,high,", doubted)})) == []


def test_se_that_was_rounded_agrees(make: Callable[..., Path]) -> None:
    assert found(make({RESULTS: (T1, T1.replace("20.1,", "20.1,3"))})) == []


def test_instruments_of_a_standardized_outcome_are_not_held_against_each_other(
    make: Callable[..., Path],
) -> None:
    smd = [('measure = "MD"', 'measure = "SMD"'), ("scale = [0, 100]\n", "")]
    rows = [("30.5,20.1", "3.1,3.0"), ("40.2,21.3", "4,3.1")]
    changes = {TOML: smd, RESULTS: rows, CONTRASTS: None}
    assert found(make(changes)) == []


def test_instruments_are_compared_on_their_own_scales(make: Callable[..., Path]) -> None:
    smd = [('measure = "MD"', 'measure = "SMD"'), ("scale = [0, 100]\n", "")]
    rows = [
        (
            "adams,t,cough,diary,12,final,,,48,,30.5,20.1",
            "adams,t,cough,diary,12,final,0,10,48,,3.1,.3",
        ),
        (
            "adams,c,cough,diary,12,final,,,47,,40.2,21.3",
            "adams,c,cough,diary,12,final,0,10,47,,4,2.2",
        ),
        ("baker,t,cough,diary,12,final,,", "baker,t,cough,book,12,final,0,100"),
        ("baker,c,cough,diary,12,final,,", "baker,c,cough,book,12,final,0,100"),
    ]
    changes = {TOML: smd, RESULTS: rows, CONTRASTS: None}
    assert found(make(changes)) == [("W-SE-AS-SD", RESULTS, 2)]


def test_rows_known_to_be_unusable_are_not_told_to_be_incomplete(
    make: Callable[..., Path],
) -> None:
    row = T1.replace("30.5,20.1", ",") + "unusable,report,table 2,high,only a figure"
    assert found(make({RESULTS: (T1 + ",report,table 2,high,", row)})) == []


LIMITS = {
    "everybody had the event": {RESULTS: (B1, B1.replace("48,30", "48,48"))},
    "nobody had the event": {RESULTS: (B1, B1.replace("48,30", "48,0"))},
    "everybody randomized was measured": {RESULTS: (T1, T1.replace("48", "50"))},
    "a mean at the end of the scale": {RESULTS: (T1, T1.replace("30.5,20.1", "0,0.01"))},
    "p of 1": {CONTRASTS: (C1, C1.replace("0.28", "1"))},
    "p of 0": {CONTRASTS: (C2, C2.replace("1.4,,0.9,2.2,", "1.4,,1.1,1.8,0"))},
    "a small difference of the other sign": {
        CONTRASTS: (C1, C1.replace("-5,,-14.2,4.2,0.28", "1,,-8.2,10.2,0.8"))
    },
    "in press": {TRIALS: ("2012,10.1000", "2027,10.1000")},
    "weeks from the start": {TOML: ("weeks = [4, 26, 12]\nscale", "weeks = [0, 12, 12]\nscale")},
    "a search of three years ago": {TOML: ('last = "2026-06"', 'last = "2023-11"')},
    "a review due today": {TOML: ('next_review = "2027-05-01"', 'next_review = "2026-11-01"')},
    "updated today": {TOML: ('updated = "2026-10-01"', 'updated = "2026-11-01"')},
    "an overlapping row": {
        RESULTS: (
            "baker,t,cough,diary,12,final,,,40,,33,19.4,,,report,table 1,high,\n",
            "baker,t,cough,diary,12,final,,,40,,33,19.4,,,report,table 1,high,\n"
            "baker,t,cough,book,12,final,,,40,,31,19.4,,overlapping,report,table 1,high,the same\n",
        )
    },
    "another week": {
        RESULTS: (
            "baker,t,cough,diary,12,final,,,40,,33,19.4,,,report,table 1,high,\n",
            "baker,t,cough,diary,12,final,,,40,,33,19.4,,,report,table 1,high,\n"
            "baker,t,cough,book,24,final,,,40,,31,19.4,,,report,table 1,high,\n",
        )
    },
}


@pytest.mark.parametrize("name", LIMITS)
def test_what_is_just_possible_is_no_problem(name: str, make: Callable[..., Path]) -> None:
    assert found(make(LIMITS[name])) == []


def test_what_is_missing_is_named(make: Callable[..., Path]) -> None:
    (problem,) = check_folder(make({RESULTS: (T1, T1.replace("48,,30.5", ",,"))}), on=ON)
    assert problem.what == "mean and n not reported, so the row cannot be pooled"


def test_judgements_may_be_about_all_outcomes(make: Callable[..., Path]) -> None:
    assert found(make({JUDGE: ('outcome = "cough"\n', "")})) == []


def test_numbers_in_comments_and_addresses_are_no_numbers_of_the_prose(
    make: Callable[..., Path],
) -> None:
    text = "Tastes [of honey](https://example.org/12) <!-- 12\n34 --> and\nof bees."
    assert found(make({PROSE: ("It tastes of honey.", text)})) == []


def test_a_ratio_turned_round(make: Callable[..., Path]) -> None:
    turned = C2.replace("baker", "adams").replace("1.4,,0.9,2.2", "0.68,,0.45,1.03")
    folder = make({CONTRASTS: (C2, turned.replace("40,38", "48,47"))})
    assert found(folder) == [("W-SIGN", CONTRASTS, 3)]


def test_sections_left_out(make: Callable[..., Path], sound: dict[str, str]) -> None:
    folder = make({PROSE: sound[PROSE].split("## What it is like")[0].encode()})
    assert found(folder) == [("W-SECTION-MISSING", PROSE, 1)]


def test_tables_of_another_shape(make: Callable[..., Path]) -> None:
    change = [
        ("format = 1\n", 'format = 1\nsearch = 5\nred_flags = "x"\nchanges = [1]\n'),
        ('[search]\nlast = "2026-06"\nby = "the author"\nadded_by_hand = "nothing"\n', ""),
        ('[[red_flags]]\ntext = "Coughing blood"\n', ""),
        ('[[changes]]\nversion = "1.0"\non = "2026-10-01"\nwhat = "First version"\n', ""),
    ]
    assert found(make({TOML: change})) == [("E-TYPE", TOML, line) for line in (2, 3, 4)]


def test_a_review_with_nothing_but_its_format(make: Callable[..., Path]) -> None:
    folder = make({TOML: b"format = 1\n"})
    (folder / TRIALS).unlink()
    keys = ["slug", "version", "updated", "title", "license", "update_policy", "next_review"]
    keys += ["funding"]
    tables = ["[question]", "[plan]", "[search]"]
    tables += ["[[options]]", "[[components]]", "[[outcomes]]", "[[people]]"]
    assert sorted(p.what for p in check_folder(folder, on=ON)) == sorted(
        f"{what} is missing" for what in [*keys, *tables, "trials.csv"]
    )


def test_a_file_that_may_not_be_read(
    make: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make()
    read = Path.read_bytes

    def refused(self: Path) -> bytes:
        if self.name == HARMS:
            raise PermissionError(13, "Permission denied")
        return read(self)

    monkeypatch.setattr(Path, "read_bytes", refused)
    (problem,) = check_folder(folder, on=ON)
    assert (problem.code, problem.file) == ("E-FILE", HARMS)
    assert problem.what == "harms.csv cannot be read: Permission denied"


def test_a_folder_that_may_not_be_listed(
    make: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make()

    def refused(self: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refused)
    assert found(folder) == [("E-FOLDER", folder.name, 1)]


def test_an_unknown_name_offers_the_nearest(make: Callable[..., Path]) -> None:
    (problem,) = check_folder(make({RESULTS: ("baker,c,cough", "baker,c,coughs")}), on=ON)
    assert problem.what == "unknown outcome 'coughs'"
    assert problem.hint == "'cough'; known: cough, better"


def test_the_page_of_codes_has_every_code_and_no_other() -> None:
    rows = re.findall(
        r"^\| `([EWN]-[A-Z0-9-]+)` \| (.+?) \| (.+) \|$", DOC.read_text("utf-8"), re.M
    )
    assert [(code, about) for code, about, _ in rows] == list(CODES.items())
    assert all(remedy.strip() for _, _, remedy in rows)


def test_every_code_is_found_by_a_test() -> None:
    tested = {b.code for b in BREAKS} | {one[0] for b in BREAKS for one in b.also}
    tested |= {one[0] for _, _, expected in FORMS.values() for one in expected}
    tested |= set(re.findall(r'\("([EWN]-[A-Z0-9-]+)", ', Path(__file__).read_text("utf-8")))
    claims = {"E-CLAIM-STATE", "E-CLAIM-MOVED"}  # these take an answer: tests/answer/test_claims.py
    assert tested | claims == set(CODES)
