"""Draw the pictures of figures.md into docs/images: ``python docs/gallery.py``.

Trials: BCG vaccine against tuberculosis (Colditz et al. 1994, JAMA 271:698), passive smoking and
lung cancer (Hackshaw 1998, Stat Methods Med Res 7:119), and networks of drugs for diabetes (Senn
et al. 2013, Stat Methods Med Res 22:169), of help to stop smoking (Hasselblad 1998, Med Decis
Making 18:37) and of treatments of depression (Linde et al. 2016, J Clin Epidemiol 71:86).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import equipoise as eq
from equipoise.effects.contrasts import Contrasts
from equipoise.present.drawing import resolved
from equipoise.present.figures import Figure

HERE = Path(__file__).resolve().parent

#: Trial, events and people vaccinated, events and people not vaccinated, latitude, allocation.
BCG = (
    ("Aronson 1948", 4, 123, 11, 139, 44, "random"),
    ("Ferguson & Simes 1949", 6, 306, 29, 303, 55, "random"),
    ("Rosenthal et al 1960", 3, 231, 11, 220, 42, "random"),
    ("Hart & Sutherland 1977", 62, 13598, 248, 12867, 52, "random"),
    ("Frimodt-Moller et al 1973", 33, 5069, 47, 5808, 13, "alternate"),
    ("Stein & Aronson 1953", 180, 1541, 372, 1451, 44, "alternate"),
    ("Vandiviere et al 1973", 8, 2545, 10, 629, 19, "random"),
    ("TPT Madras 1980", 505, 88391, 499, 88391, 13, "random"),
    ("Coetzee & Berjak 1968", 29, 7499, 45, 7277, 27, "random"),
    ("Rosenthal et al 1961", 17, 1716, 65, 1665, 42, "systematic"),
    ("Comstock et al 1974", 186, 50634, 141, 27338, 18, "systematic"),
    ("Comstock & Webster 1969", 5, 2498, 3, 2341, 33, "systematic"),
    ("Comstock et al 1976", 27, 16913, 29, 17854, 33, "systematic"),
)


def bcg() -> Contrasts:
    """Risk ratios of the BCG trials."""
    study, events1, n1, events2, n2, _, _ = zip(*BCG, strict=True)
    return eq.effect_sizes("RR", events1=events1, n1=n1, events2=events2, n2=n2, study=study)


def smoking() -> Contrasts:
    """Odds ratios of lung cancer in people who live with a smoker."""
    path = HERE.parent / "validation" / "values" / "pairwise_hackshaw1998.json"
    values = json.loads(path.read_text(encoding="utf-8"))["analyses"]["OR"]
    return eq.contrasts(yi=values["yi"], vi=values["vi"], measure="OR")


def forest() -> Figure:
    """A forest plot with subgroups, a column of one's own and a second model."""
    fit = eq.pairwise(bcg())
    return eq.forest(
        fit,
        title="BCG vaccine against tuberculosis",
        sides=("vaccinated", "not vaccinated"),
        better="lower",
        by=[row[6] for row in BCG],
        order="year",
        left={"Latitude": [row[5] for row in BCG]},
        summaries=[eq.pairwise(bcg(), model="common")],
        prefix="gallery-forest",
    )


def leave_one_out() -> Figure:
    """The same analysis without each trial."""
    return eq.forest(eq.leave_one_out(eq.pairwise(bcg())), prefix="gallery-leave-one-out")


def funnel() -> Figure:
    """A funnel plot with the trials that trim and fill puts in."""
    return eq.funnel(eq.trim_fill(eq.pairwise(smoking())), prefix="gallery-funnel")


def latitude() -> Figure:
    """A meta-regression of the BCG trials."""
    found = eq.regress(bcg(), "~ latitude", data={"latitude": [row[5] for row in BCG]})
    return eq.bubble(found, "latitude", prefix="gallery-bubble")


def labbe() -> Figure:
    """Risks in both groups of the BCG trials."""
    sides = ("vaccine", "no vaccine")
    return eq.labbe(bcg(), sides=sides, prefix="gallery-labbe")


def gosh() -> Figure:
    """All subsets of the BCG trials, those with the largest one marked."""
    found = eq.gosh(eq.pairwise(bcg()))
    return eq.plot_gosh(found, highlight="TPT Madras 1980", prefix="gallery-gosh")


def published(name: str) -> Contrasts:
    """The contrasts of a published network."""
    path = HERE.parent / "validation" / "values" / f"network_{name}.json"
    kept = json.loads(path.read_text(encoding="utf-8"))
    data = {key: kept["input"][key] for key in ("study", "treat1", "treat2", "yi", "sei")}
    return eq.contrasts(measure=kept["measure"], **data)


def graph() -> Figure:
    """The network of treatments of depression."""
    return eq.plot_network(eq.network(published("Linde2016")), prefix="gallery-network")


def against_one() -> Figure:
    """Drugs for diabetes against placebo."""
    fit = eq.network(published("Senn2013"), reference="plac")
    return eq.forest(fit, better="lower", order="rank", prefix="gallery-network-forest")


def split() -> Figure:
    """Direct and indirect evidence on metformin."""
    fit = eq.network(published("Senn2013"), reference="plac")
    return eq.plot_split(fit, of="metf", better="lower", prefix="gallery-split")


def league() -> Figure:
    """Help to stop smoking, every kind against every other."""
    fit = eq.network(published("smokingcessation"))
    return eq.plot_league(fit, better="higher", order="rank", prefix="gallery-league")


def ranks() -> Figure:
    """Ranks of drugs for diabetes."""
    fit = eq.network(published("Senn2013"), reference="plac")
    return eq.plot_ranks(fit.ranking("lower"), prefix="gallery-ranks")


def together() -> Figure:
    """Psychotherapy alone, added to a drug, and together with it."""
    names = ["Face-to-face CBT*SSRI"]
    fit = eq.components(published("Linde2016"), inactive="Placebo", interactions=names)
    found = eq.attribution(fit, "Face-to-face CBT", "SSRI")
    return eq.plot_attribution(found, better="higher", prefix="gallery-attribution")


def told() -> Figure:
    """What 26 trials can tell of talking treatments, SSRIs and both."""
    path = HERE.parent / "validation" / "values" / "bayes_linde_components.json"
    rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
    study, treat, events, n = zip(*rows, strict=True)
    arms = eq.arms(study=study, treat=treat, events=events, n=n)
    net = eq.network(arms, measure="OR", reference="Placebo")
    fit = eq.components(net, inactive="Placebo", interactions=["CBT*SSRI"])
    return eq.plot_identifiability(eq.identifiability_map(fit), prefix="gallery-identifiability")


#: What the pictures of a synthesis alone are called, and what draws them.
_PLAIN: dict[str, Callable[..., Figure]] = {
    "radial": eq.radial,
    "drapery": eq.drapery,
    "baujat": eq.plot_baujat,
    "influence": eq.plot_influence,
}


def plain(name: str) -> Callable[[], Figure]:
    """A picture that needs the synthesis alone."""
    return lambda: _PLAIN[name](eq.pairwise(bcg()), prefix=f"gallery-{name}")


def sequential() -> Figure:
    """The BCG trials one after another, against boundaries that allow for the looks."""
    need = eq.required_information(control_risk=0.01, relative_reduction=0.3, heterogeneity=90)
    looks = eq.sequential(bcg(), need, order="year", futility="OBF")
    return eq.plot_sequential(looks, prefix="gallery-sequential")


#: The name of each picture, and what draws it.
PICTURES: dict[str, Callable[[], Figure]] = {
    "forest": forest,
    "leave-one-out": leave_one_out,
    "funnel": funnel,
    "bubble": latitude,
    "labbe": labbe,
    "gosh": gosh,
    "network": graph,
    "network-forest": against_one,
    "split": split,
    "league": league,
    "ranks": ranks,
    "attribution": together,
    "identifiability": told,
    **{name: plain(name) for name in _PLAIN},
    "sequential": sequential,
}


def main() -> None:
    """Write every picture."""
    for name, draw in PICTURES.items():
        target = HERE / "images" / f"{name}.svg"
        target.write_text(resolved(draw().svg) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
