"""A small sound review folder, and a way to break one thing in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

SLUG = "tonic-cough"

REVIEW = """\
format = 1
slug = "tonic-cough"
version = "1.0"
updated = "2026-10-01"
title = "Should I try tonic for cough?"
license = "CC-BY-4.0"
categories = ["Chest"]
tags = []
update_policy = "Looked at every six months."
next_review = "2027-05-01"
funding = "none"
cautions = ["Two trials only."]

[question]
text = "Should I try tonic for cough?"
treatment = "tonic"
treatment_plain = "tonic (a sweet syrup)"
condition = "cough"
condition_plain = "a cough that lasts"
population = "adults with a cough"
comparator = "plain syrup"
comparator_plain = "syrup without tonic"
component = "tonic"

[[options]]
id = "tonic"
label = "Tonic"
kind = "treatment"
experience = "A spoon of syrup each day."
components = ["tonic", "syrup"]

[[options]]
id = "wait"
label = "Wait"
kind = "no-change"
experience = "Going on as before."

[[components]]
id = "tonic_red"
label = "red tonic"
role = "treatment"
counts_as = ["tonic", "syrup"]

[[components]]
id = "tonic"
label = "tonic"
role = "treatment"

[[components]]
id = "syrup"
label = "syrup"
role = "delivery"

[[components]]
id = "nothing"
label = "normal activity"
role = "none"
counts_as = []

[[outcomes]]
id = "cough"
label = "Cough score"
plain = "cough"
type = "continuous"
measure = "MD"
better = "lower"
importance = "critical"
weeks = [4, 26, 12]
scale = [0, 100]
decides = true

[[outcomes.thresholds]]
name = "usual cut points"
kind = "between-group"
small = 5
moderate = 10
large = 20
source = "A panel of patients, 2020"
main = true

[[outcomes]]
id = "better"
label = "Felt better"
plain = "feeling better"
type = "binary"
measure = "RR"
better = "higher"
importance = "important"
weeks = [4, 26, 12]

[plan]
model = "random"
tau2 = "REML"
interval = "auto"
level = 0.95
decided = "before the data were seen"

[search]
last = "2026-06"
by = "the author"
added_by_hand = "nothing"

[[people]]
id = "ann"
name = "Ann Author"
roles = ["author"]
disclosures = [{ type = "none", asked_on = "2026-09-01" }]

[[people]]
id = "rob"
name = "Rob Reviewer"
roles = ["reviewer"]
credentials = "MD"
independent = true
disclosures = [{ type = "none", asked_on = "2026-09-01" }]

[[red_flags]]
text = "Coughing blood"

[[changes]]
version = "1.0"
on = "2026-10-01"
what = "First version"
"""

TRIALS = """\
trial,label,citation,year,doi,pmid,registration,country,funding,conflicts,design,blinding,n_randomized,status,use,reason,factor,source,note
adams,Adams 2010,"Adams A. Tonic, a trial. J Cough 2010;1:1-9",2010,10.1000/adams,1001,NCT00000001,UK,public,none,parallel,participants,100,,included,,,report,
baker,Baker 2012,Baker B. Tonic again. J Cough 2012,2012,10.1000/baker,1002,,UK,public,none,parallel,none,80,,included,,,report,
clark,Clark 2015,Clark C. Not random. J Cough 2015,2015,10.1000/clark,1003,,UK,public,none,cohort,none,,,excluded,not randomized,,report,
"""

ARMS = """\
trial,arm,label,components,mixed,factor,dose,n,note
adams,t,Tonic,tonic_red,,,,50,
adams,c,Syrup,syrup,,,,50,
baker,t,Tonic,tonic_red,,,,40,
baker,c,Syrup,syrup,,,,40,
"""

RESULTS = """\
trial,arm,outcome,instrument,weeks,type,scale_min,scale_max,n,events,mean,sd,se,flags,source,locator,confidence,note
adams,t,cough,diary,12,final,,,48,,30.5,20.1,,,report,table 2,high,
adams,c,cough,diary,12,final,,,47,,40.2,21.3,,,report,table 2,high,
adams,t,better,,12,final,,,48,30,,,,,report,table 3,high,
adams,c,better,,12,final,,,47,20,,,,,report,table 3,high,
baker,t,cough,diary,12,final,,,40,,33,19.4,,,report,table 1,high,
baker,c,cough,diary,12,final,,,38,,38,22,,,report,table 1,high,
"""

CONTRASTS = """\
trial,arm1,arm2,outcome,instrument,weeks,measure,type,scale_min,scale_max,estimate,se,ci_low,ci_high,p_value,n1,n2,ref_se,flags,source,locator,confidence,note
baker,t,c,cough,diary,12,MD,final,,,-5,,-14.2,4.2,0.28,40,38,,,report,page 4,high,
baker,t,c,better,,12,RR,final,,,1.4,,0.9,2.2,,40,38,,,report,page 4,high,
"""

HARMS = """\
harm,plain,severity,kind,trial,arm,asked,events,n,duration,at_risk,source,doi,note
nausea,feeling sick,mild,trial,adams,t,yes,5,48,hours,,report,,
nausea,feeling sick,mild,trial,adams,c,yes,2,47,hours,,report,,
allergy,an allergic reaction,serious,theory,,,,,,,people with allergies,the label,,
"""

ROB = """\
trial,outcome,tool,randomization,deviations,missing,measurement,selection,overall,judge,source,note
adams,,RoB 2,low,low,low,low,low,low,rob,,
baker,cough,RoB 2,low,some concerns,low,high,low,high,rob,,
"""

JUDGEMENTS = """\
[[judgements]]
about = "certainty"
outcome = "cough"
domain = "indirectness"
level = "-1"
by = "rob"
on = "2026-09-15"
why = "The trials took people from clinics."

[[judgements]]
about = "burden"
level = "low"
by = "rob"
on = "2026-09-15"
why = "A spoon a day."
"""

ARTICLE = """\
# Tonic

## What tonic is {#treatment}

A sweet syrup.

## What a cough is {#condition}

A cough that lasts.

## What it is like {#experience}

It tastes of honey.
"""

FILES = {
    "review.toml": REVIEW,
    "trials.csv": TRIALS,
    "arms.csv": ARMS,
    "results.csv": RESULTS,
    "contrasts.csv": CONTRASTS,
    "harms.csv": HARMS,
    "risk_of_bias.csv": ROB,
    "judgements.toml": JUDGEMENTS,
    "article.md": ARTICLE,
}

#: Changes of one file: (old, new) pairs, each old standing exactly once; None leaves it out.
Change = tuple[str, str] | list[tuple[str, str]] | bytes | None


def broken(text: str, change: Change) -> bytes | None:
    """A file's bytes with a change made."""
    if change is None or isinstance(change, bytes):
        return change
    for old, new in [change] if isinstance(change, tuple) else change:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times"
        text = text.replace(old, new)
    return text.encode()


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Path]:
    """Write the sound folder with some files changed, and give its path."""

    def write(**changes: Change) -> Path:
        folder = tmp_path / SLUG
        folder.mkdir()
        named = {name.split(".")[0]: name for name in FILES}
        assert set(changes) <= set(named)
        for stem, name in named.items():
            change = changes.get(stem, [])
            data = broken(FILES[name], change)
            if data is not None:
                (folder / name).write_bytes(data)
        return folder

    return write


@pytest.fixture
def sound() -> dict[str, str]:
    """The sound folder's files, by name."""
    return dict(FILES)
