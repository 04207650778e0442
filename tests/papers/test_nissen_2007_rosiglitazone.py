"""Rosiglitazone: what half an event added to empty cells does to rare harms.

Nissen SE, Wolski K (2007). Effect of rosiglitazone on the risk of myocardial infarction and death
from cardiovascular causes. N Engl J Med 356:2457–2471, doi:10.1056/NEJMoa072761. The paper pooled
by Peto's method: myocardial infarction 1.43 (1.03 to 1.98), cardiovascular death 1.64 (0.98 to
2.74). Expected values below by metafor; of the exact conditional model, which its optimiser does
not fit here, by direct evaluation of the non-central hypergeometric likelihood. Half an event
added to every cell of tables with a zero shrinks the result towards no difference, which is why
inverse variance is not the method for such data.
"""

from __future__ import annotations

import pytest

from equipoise.effects.contrasts import Contrasts, effect_sizes
from equipoise.models.counts import mantel_haenszel_rd
from equipoise.models.counts.fit import counts
from equipoise.models.counts.ladder import CountsLadder, counts_ladder
from equipoise.models.counts.result import CountsFit
from equipoise.models.pairwise import PairwiseFit, pairwise

# Infarctions, deaths and people: rosiglitazone, then control.
TRIALS = [
    ("49653/011", 2, 1, 357, 0, 0, 176), ("49653/020", 2, 0, 391, 1, 0, 207),
    ("49653/024", 1, 0, 774, 1, 0, 185), ("49653/093", 0, 0, 213, 1, 0, 109),
    ("49653/094", 1, 1, 232, 0, 0, 116), ("100684", 0, 0, 43, 1, 0, 47),
    ("49653/143", 1, 0, 121, 0, 0, 124), ("49653/211", 5, 3, 110, 2, 2, 114),
    ("49653/284", 1, 0, 382, 0, 0, 384), ("712753/008", 1, 0, 284, 0, 0, 135),
    ("AVM100264", 0, 2, 294, 1, 1, 302), ("49653/185", 2, 0, 563, 0, 0, 142),
    ("49653/334", 2, 0, 278, 1, 1, 279), ("49653/347", 2, 0, 418, 0, 0, 212),
    ("49653/015", 2, 2, 395, 1, 0, 198), ("49653/079", 1, 1, 203, 1, 1, 106),
    ("49653/080", 1, 0, 104, 2, 0, 99), ("49653/082", 2, 1, 212, 0, 0, 107),
    ("49653/085", 3, 1, 138, 1, 0, 139), ("49653/095", 0, 1, 196, 0, 0, 96),
    ("49653/097", 0, 0, 122, 1, 0, 120), ("49653/125", 0, 0, 175, 1, 0, 173),
    ("49653/127", 1, 0, 56, 0, 0, 58), ("49653/128", 1, 0, 39, 0, 0, 38),
    ("49653/134", 0, 1, 561, 2, 0, 276), ("49653/135", 2, 2, 116, 3, 1, 111),
    ("49653/136", 1, 2, 148, 0, 0, 143), ("49653/145", 1, 1, 231, 0, 0, 242),
    ("49653/147", 1, 0, 89, 0, 0, 88), ("49653/162", 1, 1, 168, 0, 0, 172),
    ("49653/234", 0, 0, 116, 0, 0, 61), ("49653/330", 1, 1, 1172, 0, 0, 377),
    ("49653/331", 0, 1, 706, 0, 0, 325), ("49653/137", 1, 0, 204, 2, 1, 185),
    ("712753/002", 1, 1, 288, 0, 0, 280), ("712753/003", 1, 0, 254, 0, 0, 272),
    ("712753/007", 1, 0, 314, 0, 0, 154), ("712753/009", 0, 0, 162, 0, 0, 160),
    ("49653/132", 1, 1, 442, 0, 0, 112), ("AVA100193", 1, 1, 394, 0, 0, 124),
    ("DREAM", 15, 12, 2635, 9, 10, 2634), ("ADOPT", 27, 2, 1456, 41, 5, 2895),
]  # fmt: skip
INFARCTION, DEATH = (1, 4), (2, 5)


def column(place: int) -> list[int]:
    return [int(row[place]) for row in TRIALS]


def odds_ratios(events: tuple[int, int]) -> Contrasts:
    return effect_sizes(
        "OR",
        events1=column(events[0]),
        n1=column(3),
        events2=column(events[1]),
        n2=column(6),
        study=[str(row[0]) for row in TRIALS],
    )


def printed(fit: PairwiseFit) -> tuple[float, float, float]:
    back = fit.back()
    return round(back.estimate, 4), round(back.ci.low, 4), round(back.ci.high, 4)


def test_the_counts_are_those_of_the_paper() -> None:
    assert (len(TRIALS), sum(column(3)), sum(column(6))) == (42, 15_556, 12_277)
    assert (sum(column(1)), sum(column(4))) == (86, 72)
    assert (sum(column(2)), sum(column(5))) == (39, 22)


@pytest.mark.parametrize(
    ("events", "k", "without", "all_trials"),
    [
        (INFARCTION, 38, (1.2856, 0.9398, 1.7587), (1.2607, 0.9252, 1.7180)),
        (DEATH, 23, (1.3082, 0.8049, 2.1262), (1.1362, 0.7410, 1.7424)),
    ],
)
def test_inverse_variance_with_half_an_event_added(
    events: tuple[int, int],
    k: int,
    without: tuple[float, float, float],
    all_trials: tuple[float, float, float],
) -> None:
    es = odds_ratios(events)
    some = [i for i, row in enumerate(TRIALS) if int(row[events[0]]) + int(row[events[1]]) > 0]
    assert len(some) == k
    assert printed(pairwise(es.take(some), interval="Wald")) == without
    fit = pairwise(es, interval="Wald")
    assert (fit.k, fit.tau2) == (42, 0.0)
    assert printed(fit) == all_trials
    # That nothing happened in some trials is not passed over in silence.
    assert set(es.notes) <= set(fit.notes)
    assert es.notes


def test_the_risk_difference_keeps_trials_without_events() -> None:
    found = mantel_haenszel_rd(column(1), column(3), column(4), column(6))
    assert (round(found.estimate, 4), round(found.low, 4), round(found.high, 4)) == (
        0.0020,
        0.0002,
        0.0039,
    )


def counted(events: tuple[int, int], model: str, measure: str = "OR", **more: str) -> CountsFit:
    return counts(
        measure=measure,
        model=model,
        events1=column(events[0]),
        n1=column(3),
        events2=column(events[1]),
        n2=column(6),
        **more,  # type: ignore[arg-type]
    )


def shown(fit: CountsFit, digits: int = 4) -> tuple[float, float, float]:
    back = fit.back()
    return tuple(round(x, digits) for x in (back.estimate, back.ci.low, back.ci.high))  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("events", "model", "measure", "expected"),
    [
        (INFARCTION, "Peto", "OR", (1.4283, 1.0309, 1.9788)),
        (INFARCTION, "MH", "OR", (1.4269, 1.0294, 1.9780)),
        (INFARCTION, "MH", "RR", (1.4214, 1.0289, 1.9637)),
        (INFARCTION, "MH", "RD", (0.0020, 0.0002, 0.0039)),
        (INFARCTION, "UM.FS", "OR", (1.4267, 1.0297, 1.9767)),
        (INFARCTION, "CM.EL", "OR", (1.4260, 1.0294, 1.9753)),
        (INFARCTION, "IV", "OR", (1.2856, 0.9398, 1.7587)),
        (DEATH, "Peto", "OR", (1.6400, 0.9801, 2.7443)),
        (DEATH, "UM.FS", "OR", (1.6640, 0.9750, 2.8399)),
        (DEATH, "CM.EL", "OR", (1.6627, 0.9746, 2.8367)),
        (DEATH, "IV", "OR", (1.3082, 0.8049, 2.1262)),
    ],
)
def test_every_model_of_the_table(
    events: tuple[int, int], model: str, measure: str, expected: tuple[float, float, float]
) -> None:
    fit = counted(events, model, measure)
    assert shown(fit) == expected
    assert fit.k == (42 if measure == "RD" else 38 if events == INFARCTION else 23)
    assert fit.tau2 in (None, 0.0)


def test_peto_as_the_paper_has_it() -> None:
    assert shown(counted(INFARCTION, "Peto"), 2) == (1.43, 1.03, 1.98)
    assert shown(counted(DEATH, "Peto"), 2) == (1.64, 0.98, 2.74)
    assert round(counted(INFARCTION, "Peto").p_value, 2) == 0.03
    assert round(counted(DEATH, "Peto").p_value, 2) == 0.06


def test_mantel_haenszel_of_deaths_and_the_test_of_infarctions() -> None:
    assert shown(counted(DEATH, "MH"), 3) == (1.698, 0.984, 2.930)
    fit = counted(INFARCTION, "MH")
    assert round(fit.p_value, 4) == 0.0329
    corrected = fit.test("Cochran–Mantel–Haenszel, corrected")
    assert corrected is not None
    assert round(corrected.statistic, 4) == 4.2435


def test_trials_without_events_kept_with_half_an_event() -> None:
    assert shown(counted(INFARCTION, "IV", double_zero="keep")) == (1.2607, 0.9252, 1.7180)
    assert shown(counted(DEATH, "IV", double_zero="keep")) == (1.1362, 0.7410, 1.7424)


@pytest.mark.parametrize(("events", "log_lik"), [(INFARCTION, -32.0778), (DEATH, -14.7348)])
def test_the_exact_likelihood_has_its_maximum_at_no_spread(
    events: tuple[int, int], log_lik: float
) -> None:
    fit = counted(events, "CM.EL")
    assert round(fit.log_lik, 4) == log_lik
    assert fit.tau2 == 0.0
    assert fit.convergence is not None
    assert fit.convergence.gradient < 1e-9
    assert fit.convergence.n_optima == 1


def ladder(events: tuple[int, int]) -> CountsLadder:
    return counts_ladder(
        events1=column(events[0]), n1=column(3), events2=column(events[1]), n2=column(6)
    )


def test_the_ladder_of_infarctions() -> None:
    found = ladder(INFARCTION)
    assert not found.depends
    assert "above 1 and the intervals exclude no difference" in found.sentence
    text = found.summary()
    assert "0.553% had the event in group 1 and 0.586%" in text
    assert "Simpson's paradox" in text
    assert found.rung("MH").standing == "default"
    assert found.rung("Peto").standing == "not recommended"
    assert found.rung("IV").standing == "not recommended"
    assert found.rung("collapsed").estimate < 0.0 < found.rung("MH").estimate
    assert len(found.double_zero) == 4


def test_the_ladder_of_deaths() -> None:
    found = ladder(DEATH)
    assert "include no difference" in found.sentence
    assert "simpson" not in [note.code for note in found.notes]
    collapsed = counted(DEATH, "collapsed", "RR")
    assert round(100 * 39 / 15_556, 3) == 0.251
    assert round(100 * 22 / 12_277, 3) == 0.179
    assert round(collapsed.back().estimate, 3) == round(39 / 15_556 / (22 / 12_277), 3)
    assert len(found.double_zero) == 19
