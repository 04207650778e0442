"""Names of effect sizes and their direction."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from equipoise.certainty.thresholds import (
    EFFECT_CLASSES,
    MID_UNITS,
    classify,
    main_threshold,
    mid_units,
    registry,
    registry_table,
    signed,
    threshold,
)
from equipoise.core.errors import InputError, UnknownNameError
from equipoise.review.records import Outcome, Threshold

PAIN = Threshold(
    name="pain", kind="between-group", small=5, moderate=10, large=20, source="AHRQ", main=True
)


@pytest.mark.parametrize(
    ("benefit", "name"),
    [
        (-5, "worse"),
        (-4.99, "none"),
        (0, "none"),
        (4.99, "none"),
        (5, "small"),
        (10, "small"),
        (10.01, "moderate"),
        (20, "moderate"),
        (20.01, "large"),
    ],
)
def test_sizes_are_closed_above_as_their_source_prints_them(benefit, name):
    assert classify(benefit, PAIN) == name


@given(st.floats(-100, 100), st.floats(0, 50))
def test_a_bigger_benefit_is_never_called_smaller(benefit, more):
    names = [classify(b, PAIN) for b in (benefit, benefit + more)]
    assert EFFECT_CLASSES.index(names[0]) <= EFFECT_CLASSES.index(names[1])


def test_direction_comes_from_the_outcome():
    assert signed(-7, "lower") == 7
    assert signed(-7, "higher") == -7


# PUBLISHED: (instrument, kind, small, moderate, large, share of the baseline, source begins with).
PUBLISHED = [
    ("VAS pain", "within-person", 15, None, None, 0.30, "Ostelo"),
    ("NRS pain", "within-person", 2, None, None, 0.30, "Ostelo"),
    ("RMDQ", "within-person", 5, None, None, 0.30, "Ostelo"),
    ("ODI", "within-person", 10, None, None, 0.30, "Ostelo"),
    ("QBPDS", "within-person", 20, None, None, 0.30, "Ostelo"),
    ("IMMPACT", "within-person", None, None, None, 0.10, "IMMPACT"),
    ("VAS pain", "between-group", 5, 10, 20, None, "AHRQ"),
    ("RMDQ", "between-group", 1, 2, 5, None, "AHRQ"),
    ("ODI", "between-group", 5, 10, 20, None, "AHRQ"),
    ("SMD", "between-group", 0.2, 0.5, 0.8, None, "AHRQ"),
    ("WOMAC", "within-person", 0.80, None, None, 0.17, "Angst 2002"),
    ("WOMAC", "within-person", 2.9, None, None, None, "Angst 2018"),
    ("VAS pain", "within-person", 19.9, None, None, None, "Tubach"),
    ("WOMAC function", "within-person", 9.1, None, None, None, "Tubach"),
    ("DASH", "within-person", 10.8, None, None, None, "Franchignoni"),
    ("QuickDASH", "within-person", 15.9, None, None, None, "Franchignoni"),
]


@pytest.mark.parametrize(
    ("instrument", "kind", "small", "moderate", "large", "share", "source"), PUBLISHED
)
def test_published_cut_points(instrument, kind, small, moderate, large, share, source):
    found = [t for t in threshold(instrument, kind) if t.source.startswith(source)]
    assert [(t.small, t.moderate, t.large, t.share) for t in found] == [
        (small, moderate, large, share)
    ]


def test_every_entry_of_the_registry_can_stand_in_a_folder():
    for t in registry():
        assert t.kind in ("between-group", "within-person")
        assert t.checked in ("abstract", "second hand")
        assert t.source
        assert t.population
        cuts = [c for c in (t.small, t.moderate, t.large) if c is not None]
        assert cuts == sorted(cuts)
        assert cuts or t.share
        if t.small is not None:
            made = t.set_of(t.range)
            assert made.kind == t.kind
            assert made.small == t.small
            assert not made.main
    table = registry_table()
    assert len(table.rows) == len(registry())
    assert {row[-1] for row in table.rows} == {"checked in its abstract", "quoted at second hand"}


def test_kinds_are_never_mixed():
    assert {t.kind for t in threshold("odi", "between-group")} == {"between-group"}
    assert {t.kind for t in threshold("odi", "within-person")} == {"within-person"}
    assert threshold("DASH", "between-group") == ()
    with pytest.raises(UnknownNameError, match="between-group"):
        threshold("ODI", "between")  # type: ignore[arg-type]
    within = threshold("VAS pain", "within-person")[0].set_of()
    only = Outcome(
        id="pain",
        label="Pain",
        plain="pain",
        type="continuous",
        measure="MD",
        better="lower",
        importance="critical",
        weeks=(0, 52, 26),
        thresholds=(within,),
    )
    assert main_threshold(only) is None


def test_names_and_scales_of_the_registry():
    with pytest.raises(UnknownNameError, match="Oswestry"):
        threshold("Oswestri", "within-person")
    assert threshold("NRS pain", "within-person")[0].set_of((0, 100)).small == 20
    with pytest.raises(InputError, match="shares of the baseline"):
        threshold("IMMPACT", "within-person")[0].set_of()
    with pytest.raises(InputError, match="no range"):
        threshold("SMD", "between-group")[0].set_of((0, 100))


@pytest.mark.parametrize(
    ("benefit", "words"),
    [(15.1, "many"), (15, "an appreciable number"), (7.5, "an appreciable number"), (7.4, "few")],
)
def test_mid_units(benefit, words):
    units, told = mid_units(benefit, 15)
    assert units == pytest.approx(benefit / 15)
    assert told == words
    assert set(MID_UNITS.values()) == {"many", "an appreciable number", "few"}
    with pytest.raises(InputError):
        mid_units(5, 0)


def test_the_choice_of_cut_points_can_decide_the_size():
    # PUBLISHED example: a benefit of 12 on 0 to 100 under three sets.
    sets = [(5, 10, 20), (10, 20, 30), (15, 30, 45)]
    names = [
        classify(
            12, Threshold(name="", kind="between-group", small=a, moderate=b, large=c, source="s")
        )
        for a, b, c in sets
    ]
    assert names == ["moderate", "small", "none"]
