"""Every effect measure and its options against metafor's escalc, on made-up tables.

The values under validation/values were made by validation/R/escalc.R; the exceptions below are
explained in validation/README.md.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from equipoise.effects.binary import _both_below
from equipoise.effects.contrasts import Contrasts, effect_sizes
from equipoise.effects.measures import MEASURES, measure_of
from equipoise.effects.scales import SCALES, back_double_arcsine, harmonic_mean

VALUES = Path(__file__).resolve().parents[2] / "validation" / "values" / "escalc.json"
DATA = json.loads(VALUES.read_text("utf-8"))
ENTRIES: dict[str, Any] = DATA["entries"]

#: metafor finds the tetrachoric correlation by a search that stops at about 1e-5; ours solves the
#: equation that defines it, which a test below shows.
SEARCHED = {"RTET": 1e-4, "ZTET": 1e-4}
#: Variances of fixed predictors, whose source is not published with a formula, and not built.
NOT_BUILT = {"R2F", "ZR2F"}
#: An estimate that is given, not computed; and margins of pairs with different totals.
GIVEN = {"HR_GEN_sei", "MPORM/ri", "MPORM/pi"}

NAMES: dict[str, tuple[str, ...]] = {
    "x1i t1i x2i t2i": ("events1", "time1", "events2", "time2"),
    "m1i sd1i n1i m2i sd2i n2i": ("mean1", "sd1", "n1", "mean2", "sd2", "n2"),
    "sd1i n1i sd2i n2i": ("sd1", "n1", "sd2", "n2"),
    "ti n1i n2i": ("t", "n1", "n2"),
    "di n1i n2i": ("d", "n1", "n2"),
    "pi n1i n2i": ("p_value", "n1", "n2"),
    "ri ni": ("r", "n"),
    "ti ni mi": ("t", "n", "predictors"),
    "ti ni mi r2i": ("t", "n", "predictors", "r2"),
    "r2i mi ni": ("r2", "predictors", "n"),
    "xi ni": ("events", "n"),
    "xi ti": ("events", "time"),
    "mi sdi ni": ("mean", "sd", "n"),
    "sdi ni": ("sd", "n"),
    "m1i m2i sd1i sd2i ri ni": ("mean1", "mean2", "sd1", "sd2", "r", "n"),
    "sd1i sd2i ri ni": ("sd1", "sd2", "r", "n"),
    "ai mi ni": ("alpha", "items", "n"),
    "ai n1i n2i": ("auc", "n1", "n2"),
}


def floats(values: list[Any]) -> np.ndarray:
    return np.array([float({"NA": "nan"}.get(v, v)) if isinstance(v, str) else v for v in values])


def columns(code: str, inputs: dict[str, list[Any]]) -> dict[str, np.ndarray]:
    """metafor's arguments under the names of effect_sizes."""
    x = {name: floats(values) for name, values in inputs.items()}
    kind = measure_of(code).data
    if kind == "binary":
        a, b, c, d = (x[name] for name in ("ai", "bi", "ci", "di"))
        return {"events1": a, "n1": a + b, "events2": c, "n2": c + d}
    if kind == "matched":
        return dict(zip(("both", "only1", "only2", "neither"), x.values(), strict=True))
    if kind == "genotypes":
        names = ("homozygous1", "heterozygous", "homozygous2")
        return dict(zip(names, x.values(), strict=False))
    return dict(zip(NAMES[" ".join(inputs)], x.values(), strict=True))


def computed(key: str) -> Contrasts:
    entry = ENTRIES[key]
    options = entry["options"]
    asked: dict[str, Any] = {
        ours: options[theirs]
        for ours, theirs in (
            ("add", "add"),
            ("to", "to"),
            ("drop00", "drop00"),
            ("variance", "vtype"),
            ("correct", "correct"),
        )
        if theirs in options
    }
    return effect_sizes(options["measure"], **columns(options["measure"], entry["inputs"]), **asked)


BUILT = [
    key
    for key, entry in ENTRIES.items()
    if entry["options"]["measure"] not in NOT_BUILT and key not in GIVEN
]


def test_the_grid_of_reference_values_is_complete() -> None:
    assert len(ENTRIES) == 208
    assert len(BUILT) == 203
    of_metafor = {measure_of(ENTRIES[key]["options"]["measure"]).code for key in BUILT}
    assert set(MEASURES) - of_metafor == {"GEN", "HR", "MPORM"}


@pytest.mark.parametrize("key", BUILT)
def test_estimates_and_variances_are_those_of_escalc(key: str) -> None:
    es = computed(key)
    entry = ENTRIES[key]
    rel = SEARCHED.get(key.split("/")[0], 1e-11)
    yi, vi = floats(entry["yi"]), floats(entry["vi"])
    if key.startswith("RTET"):
        # Where the search ends at a correlation of 1, metafor's variance is that of its last step.
        vi = np.where(np.abs(yi) > 0.9999, np.nan, vi)
    assert es.yi == pytest.approx(yi, rel=rel, abs=1e-13, nan_ok=True)
    assert es.vi == pytest.approx(vi, rel=10 * rel, abs=1e-14, nan_ok=True)


def test_margins_and_their_correlation_say_what_the_pairs_say() -> None:
    a, b, c, d = 20.0, 10.0, 5.0, 40.0
    n = a + b + c + d
    phi = (a * d - b * c) / math.sqrt((a + b) * (c + d) * (a + c) * (b + d))
    pairs = effect_sizes("MPOR", both=[a], only1=[b], only2=[c], neither=[d])
    margins = effect_sizes("MPORM", events1=[a + b], events2=[a + c], n=[n], r=[phi])
    assert margins.yi == pytest.approx(pairs.yi, rel=1e-14)
    assert margins.vi == pytest.approx(pairs.vi, rel=1e-13)


def test_the_tetrachoric_correlation_solves_its_equation() -> None:
    """And metafor's, put into the same equation, does not: the exception is needed."""
    entry = ENTRIES["RTET/nonzero"]
    c = columns("RTET", entry["inputs"])
    n = c["n1"] + c["n2"]
    from scipy.special import ndtri

    h, k = ndtri(c["n1"] / n), ndtri((c["events1"] + c["events2"]) / n)
    ours, theirs = computed("RTET/nonzero").yi, floats(entry["yi"])
    part = c["events1"] / n
    assert _both_below(h, k, ours) == pytest.approx(part, rel=1e-13)
    assert np.abs(_both_below(h, k, theirs) - part).max() > 1e-7


WAYS_BACK = {
    "transf.ztor": "Fisher z",
    "transf.ilogit": "logit",
    "transf.iarcsin": "arcsine",
    "transf.iahw": "Hakstian–Whalen",
    "transf.iabt": "Bonett",
}


@pytest.mark.parametrize("name", WAYS_BACK)
def test_the_way_back_is_that_of_metafor(name: str) -> None:
    entry = DATA["transforms"][name]
    found = SCALES[WAYS_BACK[name]].back(floats(entry["x"]))
    assert found == pytest.approx(floats(entry["y"]), rel=1e-13)


def test_the_way_back_of_the_double_arcsine_is_that_of_metafor() -> None:
    entry = DATA["transforms"]["transf.ipft"]
    for y, n, p in zip(entry["y_in"], entry["ni"], entry["y"], strict=True):
        assert float(back_double_arcsine(np.array(y), n)) == pytest.approx(p, rel=1e-12)
    entry = DATA["transforms"]["transf.ipft.hm"]
    n = harmonic_mean(np.array([20.0, 30.0]))
    back = measure_of("PFT").back(floats(entry["y_in"]), n)
    assert back == pytest.approx(floats(entry["y"]), rel=1e-12)
    assert math.isclose(n, 24.0)
