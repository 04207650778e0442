"""The commented files that a new review folder begins with; ``…`` marks what a person fills in."""

from __future__ import annotations

import re

from equipoise.review.render import toml_value
from equipoise.review.schema import FORMAT, SHEETS

_REVIEW = """\
# A review of the trials of one treatment for one condition.
# Replace every "…"; `equipoise check` lists those that are left and everything else to mend.
# Lines that begin with # are for you and change nothing. Texts stand in quotes, numbers do not.

format = {format}
slug = {slug}                # the folder's name; it becomes part of the page's address
version = "0.1"
updated = "…"               # the day of the last change: year-month-day
title = {title}
license = "…"               # for the texts and data of this folder, such as CC-BY-4.0
categories = []             # such as ["Back pain"]
tags = []
update_policy = "…"         # when somebody looks for new trials
next_review = "…"           # a day
funding = "…"               # who paid for the review; "none" if nobody did
cautions = []               # what a reader of the data must know
# contact = "…"             # where an error can be reported: https://… or an e-mail address

[question]
text = {text}               # ends in ? and holds the words of treatment and condition
treatment = {treatment}
treatment_plain = "…"       # in plain words, with what is done
condition = {condition}
condition_plain = "…"       # what it is, in plain words
population = "…"            # such as "adults with …"
comparator = "…"            # what the treatment is compared with, in a few words
comparator_plain = "…"
component = {component}     # the model component (below) that is the treatment

# The choices of the person who asks: at least two, one of them to change nothing.
[[options]]
id = {component}
label = "…"
kind = "treatment"          # treatment | no-change | other
experience = "…"            # what living through it is like
components = [{component}]

[[options]]
id = "no-change"
label = "…"
kind = "no-change"
experience = "…"

# What the groups of the trials got, in parts. arms.csv names these ids. counts_as says which
# model components a part stands for: a new brand of the treatment counts as the treatment;
# a dummy tablet counts as the tablet (role delivery), and the real one as the treatment and it;
# [] counts as nothing. Every name in a counts_as has an entry of its own.
[[components]]
id = {component}
label = "…"
role = "treatment"          # treatment | delivery | care | background | none

[[components]]
id = "nothing"
label = "no treatment"
role = "none"
counts_as = []

# What people hope for, with the direction that is good. Exactly one outcome decides the verdict.
[[outcomes]]
id = "…"                    # such as pain
label = "…"
plain = "…"                 # as in a sentence
type = "…"                  # continuous (a score) | binary (it happened or not)
measure = "…"               # continuous: MD SMD; binary: RR OR RD
better = "…"                # lower | higher
importance = "critical"     # critical | important | limited
weeks = ["…", "…", "…"]     # the window: from, to, and the week preferred in it
# scale = [0, 100]          # for scores: the lowest and the highest value
decides = true
self_reported = true        # rated by the participants themselves

# The smallest difference between groups that matters, and where that is said.
[[outcomes.thresholds]]
name = "…"
kind = "between-group"      # between-group | within-person: the main one is between groups
small = "…"                 # points of the scale; for binary outcomes per 1000 people
# moderate = 10
# large = 20
source = "…"                # the paper, panel or convention
main = true

# What happens without the treatment, if a better source than the trials' control groups is known.
# [[outcomes.baselines]]
# name = "…"                # the kind of people
# value = 400               # binary: per 1000 people; scores: points
# source = "…"
# main = true

# The analysis, fixed before the data were seen if possible.
[plan]
model = "random"            # random | common
tau2 = "REML"               # REML | DL | PM
interval = "auto"           # auto | Wald | HK | HK-guarded
level = 0.95
decided = "…"               # when and how, relative to seeing the data

[search]
last = "…"                  # year, year-month or day of the last systematic search; "" = none
by = "…"
added_by_hand = "…"         # trials that came in by other ways, or "nothing"
# retractions = "2026-11-20" # when every trial was last looked up in a list of retractions

# [protocol]                # where and when the protocol was fixed, and what was done otherwise
# registered = "…"
# on = "…"
# deviations = []

# [flow]                    # how many reports were found, and left at each step
# identified = 120
# screened = 100
# assessed = 19
# included = 5

# Everybody who made or checked the review, with what interests they have.
# type: financial | professional | intellectual | personal | family | institutional | none
# An interest also has: direction (favours | against | unclear), entity, relevance, period and,
# where it is financial, amount_band (none | under 1000 | 1000 to 10000 | over 10000 | not told;
# dollars a year). signed is the day on which the person put their name to it.
[[people]]
id = "…"
name = "…"
roles = ["author"]
disclosures = [{{ type = "…", asked_on = "…", signed = "…" }}]

# What was found out from readers; without it the page says that nothing was.
# [[field_tests]]
# kind = "field"            # needs: what they need to know | field: the page tried out |
#                           # knowledge, values: a study of whether readers know or choose better
# who = "patients"          # patients | clinicians | public
# people = 12
# on = "…"
# how = "…"
# found = "…"
# changed = "…"             # what was changed because of it

# Signs that need care now, shown whatever the answer is.
[[red_flags]]
text = "…"

[[changes]]
version = "0.1"
on = "…"
what = "Begun"
"""

_JUDGEMENTS = """\
# Signed human judgements: they may lower certainty or dissent, and never raise the verdict.
# Remove the # signs to make one.
#
# [[judgements]]
# about = "certainty"       # certainty | burden | harm | dissent | publication-bias |
#                           # indirectness | decision
# outcome = "…"             # an outcome of review.toml
# domain = "indirectness"   # for certainty
# level = "-1"              # certainty: 0, -1, -2; burden: low, notable
# by = "…"                  # a person of review.toml
# on = "…"
# why = "…"
"""

_ARTICLE = """\
<!-- The prose that people write: plain words and no digits; numbers come from the data. -->

## {what_treatment} {{#treatment}}

…

## {what_condition} {{#condition}}

…

## What it is like {{#experience}}

…
"""

_README = """\
# {title}

A review folder of Equipoise. Fill in `review.toml` first, then the tables; a blank cell means
*not reported*. Numbers stay as published: what is derived is computed, what is doubtful is flagged.

| file | one row is |
|---|---|
| `trials.csv` | a trial; `use` is included, co-intervention or excluded (then with its `reason`) |
| `arms.csv` | a group of a trial; `components` are ids of `review.toml` joined by + |
| `results.csv` | a result of one group: `mean`, `sd` or `se`, `n`; or `events`, `n` |
| `contrasts.csv` | a published difference, `arm1` minus `arm2` |
| `harms.csv` | what one source says about one harm |
| `risk_of_bias.csv` | an appraisal: low, some concerns, high |
| `signalling.csv` | the answer to one signalling question of RoB 2 |
| `unreported.csv` | an outcome that a trial gives no usable result of |
| `judgements.toml` | a signed human judgement |
| `article.md` | the prose |

`equipoise check` lists what is missing, with file and line.
"""


def new_texts(slug: str, treatment: str, condition: str) -> dict[str, str]:
    """The files of a new folder, by name; unknown treatment and condition stay blanks."""
    named = " ".join(treatment.split()) or "…"
    ill = " ".join(condition.split()) or "…"
    known = "…" not in (named, ill)
    asked = f"Should I try {named} for {ill}?" if known else "…"
    component = re.sub(r"[^a-z0-9]+", "_", named.casefold()).strip("_") or "treatment"
    values = {
        "format": FORMAT,
        "slug": toml_value(slug),
        "title": toml_value(asked),
        "text": toml_value(asked),
        "treatment": toml_value(named),
        "condition": toml_value(ill),
        "component": toml_value(component),
    }
    texts = {"README.md": _README.format(title=asked), "review.toml": _REVIEW.format(**values)}
    for name, sheet in SHEETS.items():
        texts[name] = ",".join(sheet.header) + "\n"
    texts["judgements.toml"] = _JUDGEMENTS
    texts["article.md"] = _ARTICLE.format(
        what_treatment=f"What {named} is", what_condition=f"What {ill} is"
    )
    return texts
