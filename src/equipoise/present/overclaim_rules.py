"""The phrases that say more than a trial can show, as a table of rules.

Sources: the banned words of Cochrane's guidance for plain language summaries and of the Handbook
(15.6.4: no *no effect* from an interval that holds one, no *trend*, no *significant*), and the
wording by certainty of Santesso 2020 (J Clin Epidemiol 119:126, doi
10.1016/j.jclinepi.2019.10.014).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

EFFECT: Literal["effect"] = "effect"
CAUSE: Literal["cause"] = "cause"
Kind = Literal["effect", "cause", "none", "harm", "words"]


@dataclass(frozen=True, slots=True)
class Rule:
    """A phrase, and what is wrong with it.

    `kind`: it says that the treatment works (``effect``) or did it (``cause``), that it does
    nothing (``none``), something of harms (``harm``), or is wrong whatever the evidence
    (``words``). `denied`: a word such as *not* before it takes it back. `unless`: so does this,
    anywhere in the sentence.
    """

    name: str
    kind: Kind
    form: re.Pattern[str]
    why: str
    denied: bool = True
    unless: re.Pattern[str] | None = None


def _form(*alternatives: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-])(?:{'|'.join(alternatives)})(?![\w])".replace(" ", r"\s+"), re.I)


#: Between clauses: what is denied before does not deny what comes after.
CLAUSE = re.compile(r"[;:—]|,\s+(?:and|but|so|yet)\b|\b(?:but|because)\b")
DENIED = re.compile(
    r"\b(?:not|never|nobody|no|none|nothing|unless|cannot|whether|if|nor|without|neither|hardly|unclear|unknown"
    r"|few|\w+n[’']t)\b",
    re.I,
)
#: Somebody else says it.
ATTRIBUTED = re.compile(
    r"\b(?:some|many|others?|people|clinics?|sellers?|practitioners?|promoters?|advertisements?"
    r"|websites?|articles?|leaflets?|they|who|doctors?|friends|makers?)\s+(?:\w+\s+){0,2}?"
    r"(?:say|says|said|claim|claims|claimed|write|writes|wrote|promise|promises|advertise"
    r"|advertises|believe|believes|think|thinks|call|calls|told|tell you)\b"
    r"|\bclaims?\s+that\b|\b(?:is|are|was|were)\s+(?:\w+\s+)?(?:said|claimed|called|advertised"
    r"|sold|praised|thought|believed)\b|\bso-called\b|\baccording\s+to\b|\bwe\s+read\s+that\b"
    r"|\bdistrust\b|\bbeware\b|\bbe\s+wary\b|\bmyth\b",
    re.I,
)
#: It is an idea, a hope or a plan, not a finding.
SUPPOSED = re.compile(
    r"\b(?:idea|theory|theories|hope|hopes|hoped|hoping|meant|supposed|intended|aims?|would|think"
    r"|wish|expect|expects|expected|in\s+order|so\s+that|ask|asks|asked|looked\s+at|test|tests"
    r"|tested|find\s+out|called\s+it)\b",
    re.I,
)
_ABSOLUTE = re.compile(
    r"\b(?:of|in|per)\s+(?:every\s+)?(?:\d{2,}|ten|a\s+hundred|a\s+thousand|hundred|thousand)\b",
    re.I,
)
_COUNTED = re.compile(
    r"\b(?:one|two|three|four|five|six|seven|eight|nine|ten|\d+)\s+(?:\w+\s+){0,2}"
    r"(?:studies|trials?|study)\b",
    re.I,
)

RULES: tuple[Rule, ...] = (
    Rule(
        "proof",
        EFFECT,
        _form(
            "(?:clinically |scientifically |well )?proven",
            "proves?",
            "proved",
            "scientifically shown",
            "(?:is|are) (?:solid |clear |strong )?proof",
            "conclusively?",
            "conclusive",
            "definitive(?:ly)?",
            "undoubtedly",
            "undeniabl[ey]",
            "beyond (?:any )?doubt",
            "without (?:a )?doubt",
            "no doubt",
            "guarantee[ds]?",
            "for certain",
            "established fact",
        ),
        "trials make something more or less likely; they prove nothing",
    ),
    Rule(
        "hype",
        "words",
        _form(
            "miracles?",
            "miraculous(?:ly)?",
            "break-?through",
            "game[- ]chang(?:er|ing)",
            "revolutionary",
            "revolutioni[sz]es",
            "ground-?breaking",
            "cutting[- ]edge",
            "wonder (?:drug|cure|treatment)s?",
            "amazing(?:ly)?",
            "dramatic(?:ally)?",
            "life[- ]changing",
            "magic bullet",
            "remarkabl[ey]",
            "(?:very |highly )?promising",
            "spectacular(?:ly)?",
            "astonishing(?:ly)?",
            "powerful(?:ly)?",
        ),
        "praise is no finding",
    ),
    Rule(
        "cure",
        EFFECT,
        _form(
            "cures?",
            "cured",
            "curing",
            "permanent(?:ly)? (?:relief|solution|fix|free|relieves?)",
            "gets? rid of",
            "eliminates?",
            "eradicates?",
            "heals? (?:completely|fully|for good)",
            "pain[- ]free for (?:life|good)",
        ),
        "no trial here measured a cure",
    ),
    Rule(
        "safe",
        "harm",
        _form(
            "(?:is|are|be|and|very|completely|perfectly|entirely|generally|quite|totally|but) safe",
            "safely",
            "risk[- ]free",
            "harmless",
            "non-toxic",
            "no (?:known |serious |real )?side[- ]effects",
            "no (?:known |serious |real )?risks?",
            "without (?:any |serious )?(?:side[- ]effects|risks?)",
            "free of side[- ]effects",
            "nothing can go wrong",
            "no danger",
            "gentle and natural",
            "cannot (?:do )?harm",
            "cannot hurt",
            "can do no harm",
            "does no harm",
            "could not hurt",
        ),
        "that harms were not seen, or not looked for, does not make it safe",
    ),
    Rule(
        "harms",
        "harm",
        _form(
            "(?:well|excellently) tolerated",
            "(?:harms?|side[- ]effects|complications|reactions|risks|injur(?:y|ies)|infections?) "
            r"(?:\w+ ){0,3}(?:is|are|were) (?:\w+ ){0,2}"
            "(?:rare|uncommon|mild|minimal|negligible|few|minor|small)",
            "(?:rare|few|minimal|negligible|minor) (?:harms|side[- ]effects|complications|risks?)",
            "(?:rarely|hardly ever|seldom) (?:harms|causes (?:harm|problems|side[- ]effects))",
        ),
        "how often and how serious are two things, and words alone tell neither",
    ),
    Rule(
        "trend",
        "words",
        _form(
            "trend(?:ed|ing|s)? (?:to|towards?|for|in favou?r)",
            "(?:an?|no|slight|clear|strong|weak|positive|upward|downward) trend",
            "approach(?:ed|es|ing) significance",
            "(?:almost|nearly|borderline|marginally) significant",
            "(?:failed to|did not) reach significance",
            "clear(?:ly)? trending",
        ),
        "a trend is a result that fits with nothing; give the range instead",
        denied=False,
    ),
    Rule(
        "significant",
        "words",
        _form(
            "(?:statistically |highly |clinically |very )?(?:in|non-?)?significan(?:tly|t|ce)",
            "p[- ]values? (?:was|is|of)",
        ),
        "a p value does not tell how much somebody is helped, or whether at all",
        denied=False,
    ),
    Rule(
        "no effect",
        "none",
        _form(
            r"(?<!little\sto\s)(?<!little\sor\s)no (?:real |true )?(?:effect|benefit)",
            "(?<!little\\sto\\s)(?<!little\\sor\\s)no (?:real )?difference",
            "(?:does|do|did) not (?:work|help|make (?:a|any) difference)",
            "(?:does|do|did)n[’']t (?:work|help)",
            "(?:does|do|did) nothing",
            "(?:is|are|was|were) (?:completely |totally |simply )?(?:ineffective|useless|worthless"
            "|futile|pointless)",
            "no (?:better|more effective) than",
            "(?:has|have) been (?:disproved|debunked|refuted)",
            "(?:just|only|merely) a placebo",
            "no evidence (?:of|that|for)",
            "fails? to help",
            "a waste of (?:time|money)",
        ),
        "not to have shown an effect is not to have shown that there is none",
    ),
    Rule(
        "studies show",
        EFFECT,
        _form(
            "(?:studies|research|science|trials|the evidence|experts?|evidence)"
            " (?:has |have )?(?:clearly |now |consistently )?"
            "(?:shows?|shown|demonstrates?|demonstrated|confirms?|confirmed|agrees?)",
        ),
        "say how many trials, with how many people, and what they measured",
        unless=_COUNTED,
    ),
    Rule(
        "relative",
        "words",
        _form(
            r"\d+(?:\.\d+)?\s*(?:%|percent|per cent) (?:lower|less|fewer|more|drop|better|"
            "reduction|greater|higher|increase|improvement|decrease)",
            "(?:halv(?:es|ed)|doubl(?:es|ed)|tripl(?:es|ed)|cuts?|slash(?:es|ed)) "
            "(?:the |your |their )?(?:risks?|chances?|odds|pain)(?: (?:by|in) half)?",
            "(?:twice|three times|four times|ten times|half) as (?:likely|often|good|many)",
            "(?:two|three|four|five|ten)-?fold",
            "(?:twice|double|half|triple) the (?:risk|chance|odds)",
        ),
        "a relative number without how many people of how many",
        denied=False,
        unless=_ABSOLUTE,
    ),
    Rule(
        "advice",
        "words",
        _form(
            "nothing to lose",
            "no downsides?",
            "worth a try",
            "why not try",
            "(?:you|everybody|everyone|patients) (?:really )?should (?:definitely )?"
            "(?:try|have|get|avoid|choose|insist)",
            "we (?:strongly )?recommend",
            "must[- ]try",
            "the best (?:treatment|choice|option|therapy)",
            "treatment of choice",
            "gold standard",
            "do not miss",
            "(?:far |much )?(?:better|safer) than (?:surgery|drugs|pills|exercise|"
            "medicines?|any other|anything)",
            "only (?:benefits|advantages)",
            "the only (?:thing|treatment|hope) that",
            "last hope",
            "you would be (?:a fool|mad|foolish)",
        ),
        "one side only, or advice: the choice is the reader’s",
    ),
    Rule(
        "fear",
        "words",
        _form(
            "terrifying",
            "horrific",
            "horrible",
            "deadly",
            "devastating",
            "crippl(?:ed|ing|es)",
            "nightmares?",
            "time[- ]bomb",
            "poison(?:s|ous)?",
            "toxic",
            "torture",
            "agony",
            "butcher(?:s|y)?",
            "before it (?:is|[’']s) too late",
            "ruins? your (?:life|back|joints?)",
            "irreversible damage",
            "end up in a wheelchair",
            "dangerous quackery",
            "quacks?",
        ),
        "fear that no number here supports",
    ),
    Rule(
        "fear",
        "words",
        _form("(?:will|can) only get worse", "without it (?:you|your) (?:\\w+ )?(?:will|may) lose"),
        "fear that no number here supports",
        denied=False,
    ),
    Rule(
        "story",
        "words",
        _form(
            "(?:it|this|that) (?:helped|cured|saved|worked for) (?:me|my)",
            "I (?:was|am|got) better",
        ),
        "the story of one person shows nothing about the treatment",
        denied=False,
    ),
    Rule(
        "appeal",
        "words",
        _form(
            "thousands of (?:people|patients)",
            "millions of (?:people|patients)",
            "every(?:body|one) knows",
            "(?:all )?(?:doctors|experts|specialists) (?:all )?agree",
            "it is well known",
            "we all know",
            "used for centuries",
            "ancient (?:remedy|wisdom)",
            r"(?:100|hundred)\s*(?:%|per cent|percent) natural",
            "(?:tried to be|completely|entirely) (?:fair|unbiased|impartial|objective)",
            "success rates?",
        ),
        "how many use or praise it is no comparison",
    ),
)

_VERBS = (
    "reduces?|relieves?|improves?|eases?|lowers?|stops?|prevents?|restores?|repairs?|rebuilds?"
    "|lessens?|heals?|treats?|shortens?|speeds? up|regenerates?|strengthens?|reduced|relieved"
    "|improved|eased|lowered|stopped|restored|repaired|healed|lessened"
)
_OBJECTS = (
    "pain|stiffness|function|disability|symptoms?|swelling|healing|recovery|joints?|ligaments?"
    "|tendons?|cartilage|quality of life|movement|life|suffering|sleep|inflammation|arthritis"
    "|tissues?|muscles?|nerves?"
)
_MODALS = (
    "will|can|does|may|might|could|probably|likely|certainly|definitely|clearly|really|greatly"
    "|often|usually|always|quickly|significantly|possibly|perhaps|most"
)


def _plain(text: str) -> str:
    """A text as a pattern that any white space may break."""
    return " ".join(map(re.escape, text.split()))


def effect_forms(treatment: str, nouns: tuple[str, ...]) -> tuple[Rule, ...]:
    """The rules for what a treatment is said to do, with its name and the names of outcomes."""
    named = rf"{_plain(treatment)}|the (?:treatment|therapy|injections?)|th(?:is|ese) (?:treatment|"
    named += "therapy|injections?)|injections?"
    things = "|".join(
        (
            _OBJECTS,
            *(_plain(n) for n in sorted(nouns, key=len, reverse=True)),
        )
    )
    modal = rf"(?:(?:{_MODALS}) ){{0,3}}"
    way = r"(?:\w+ ){0,3}?"
    works = "works?|worked|is (?:very |highly )?(?:effective|beneficial)|are (?:very )?effective"
    works += r"|benefits (?:people|patients|most|many|you)"
    helps = r"helps?(?! (?:\w+ ){0,4}to\b)|helped(?! (?:\w+ ){0,4}to\b)"
    return (
        Rule(
            "surer",
            EFFECT,
            _form(
                rf"(?:{named}|it) {modal}(?:{_VERBS}) {way}(?:{things})",
                rf"(?:{named}|it) {modal}(?:{works})",
                rf"(?:{named}|it) {modal}(?:be|prove) (?:very |highly )?"
                "(?:effective|helpful|beneficial)",
                rf"(?:{named}) {modal}(?:{helps})",
                rf"it (?:(?:{_MODALS}) ){{1,3}}(?:{helps})",
                rf"(?:{named}|it) (?:makes?|made|will make) (?:people|patients|you|them) "
                "(?:much )?(?:better|well|worse)",
            ),
            "it says that the treatment does it",
        ),
        Rule(
            "cause",
            CAUSE,
            _form(
                rf"(?:thanks to|due to|because of|owing to|as a result of) (?:the )?(?:{named})",
                rf"(?:{named}) (?:led to|leads? to|brought about|brings? about|caused) {way}"
                rf"(?:{things}|relief|improvements?|better)",
            ),
            "that one thing came after another does not show that it was the cause",
        ),
    )
