"""Equipoise: should I try X for Y? From the trials of a treatment to an answer.

The public names are looked up on first use, so that ``import equipoise`` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from equipoise.answer.assess import assess as assess
    from equipoise.certainty.cinema import cinema as cinema
    from equipoise.core.errors import EquipoiseError as EquipoiseError
    from equipoise.core.errors import FolderError as FolderError
    from equipoise.core.errors import InputError as InputError
    from equipoise.core.errors import NotEstimableError as NotEstimableError
    from equipoise.core.errors import UnknownNameError as UnknownNameError
    from equipoise.effects import recover as recover
    from equipoise.effects.contrasts import arms as arms
    from equipoise.effects.contrasts import contrasts as contrasts
    from equipoise.effects.contrasts import effect_sizes as effect_sizes
    from equipoise.effects.contrasts import published as published
    from equipoise.models.bayes import priors as priors
    from equipoise.models.bayes.fit import bayes as bayes
    from equipoise.models.bias.asymmetry import small_study as small_study
    from equipoise.models.bias.asymmetry import small_study_panel as small_study_panel
    from equipoise.models.bias.excess import excess_significance as excess_significance
    from equipoise.models.bias.fail_safe import fail_safe as fail_safe
    from equipoise.models.bias.funnel import funnel_data as funnel_data
    from equipoise.models.bias.henmi_copas import henmi_copas as henmi_copas
    from equipoise.models.bias.limit import limit_meta as limit_meta
    from equipoise.models.bias.precision_effect import pet_peese as pet_peese
    from equipoise.models.bias.selection import selection as selection
    from equipoise.models.bias.trim_fill import trim_fill as trim_fill
    from equipoise.models.boundaries import alpha_spent as alpha_spent
    from equipoise.models.boundaries import sequential_boundaries as sequential_boundaries
    from equipoise.models.components.basis import attribution as attribution
    from equipoise.models.components.basis import identifiability_map as identifiability_map
    from equipoise.models.components.fit import components as components
    from equipoise.models.components.forward import forward_interactions as forward_interactions
    from equipoise.models.counts.fit import counts as counts
    from equipoise.models.counts.ladder import counts_ladder as counts_ladder
    from equipoise.models.covariance import aggregate as aggregate
    from equipoise.models.covariance import vcalc as vcalc
    from equipoise.models.influence import baujat as baujat
    from equipoise.models.influence import influence as influence
    from equipoise.models.information import diversity as diversity
    from equipoise.models.information import required_information as required_information
    from equipoise.models.location_scale import location_scale as location_scale
    from equipoise.models.multilevel import multilevel as multilevel
    from equipoise.models.multimodel import multimodel as multimodel
    from equipoise.models.network.fit import network as network
    from equipoise.models.network.rare_ladder import network_ladder as network_ladder
    from equipoise.models.network.regression import network_regress as network_regress
    from equipoise.models.network.subgroups import network_subgroups as network_subgroups
    from equipoise.models.network.tau2_groups import tau2_by_group as tau2_by_group
    from equipoise.models.pairwise import pairwise as pairwise
    from equipoise.models.permutation import permutation_test as permutation_test
    from equipoise.models.regression import regress as regress
    from equipoise.models.robust import robust as robust
    from equipoise.models.robustness import cumulative as cumulative
    from equipoise.models.robustness import leave_one_out as leave_one_out
    from equipoise.models.sequential import sequential as sequential
    from equipoise.models.subgroups import subgroups as subgroups
    from equipoise.present.analysis import analyse as analyse
    from equipoise.present.exports.files import export as export
    from equipoise.present.exports.reading import read_answer as read_answer
    from equipoise.present.figures import labbe as labbe
    from equipoise.present.figures import plot_baujat as plot_baujat
    from equipoise.present.figures import plot_gosh as plot_gosh
    from equipoise.present.figures.bubble import bubble as bubble
    from equipoise.present.figures.diagnostics import plot_influence as plot_influence
    from equipoise.present.figures.drapery import drapery as drapery
    from equipoise.present.figures.forest import forest as forest
    from equipoise.present.figures.funnel import funnel as funnel
    from equipoise.present.figures.methods import plot_ladder as plot_ladder
    from equipoise.present.figures.net_components import plot_attribution as plot_attribution
    from equipoise.present.figures.net_components import plot_components as plot_components
    from equipoise.present.figures.net_funnel import (
        plot_comparison_funnel as plot_comparison_funnel,
    )
    from equipoise.present.figures.net_graph import plot_network as plot_network
    from equipoise.present.figures.net_league import plot_league as plot_league
    from equipoise.present.figures.net_map import plot_identifiability as plot_identifiability
    from equipoise.present.figures.net_ranks import plot_ranks as plot_ranks
    from equipoise.present.figures.net_shares import plot_contributions as plot_contributions
    from equipoise.present.figures.net_shares import plot_net_heat as plot_net_heat
    from equipoise.present.figures.net_split import plot_split as plot_split
    from equipoise.present.figures.plot import Line as Line
    from equipoise.present.figures.posterior_plot import plot_posterior as plot_posterior
    from equipoise.present.figures.radial import radial as radial
    from equipoise.present.figures.sequential_plot import plot_sequential as plot_sequential
    from equipoise.present.pages import page as page
    from equipoise.review.folder import open_review as open_review
    from equipoise.scale import batch as batch
    from equipoise.scale.bootstrap import bootstrap as bootstrap
    from equipoise.scale.gosh import gosh as gosh

    __version__: str

#: Public name to the module or package that has it. A test holds this against the imports above.
_HOME = {
    "EquipoiseError": "equipoise.core.errors",
    "export": "equipoise.present.exports.files",
    "FolderError": "equipoise.core.errors",
    "InputError": "equipoise.core.errors",
    "Line": "equipoise.present.figures.plot",
    "NotEstimableError": "equipoise.core.errors",
    "UnknownNameError": "equipoise.core.errors",
    "aggregate": "equipoise.models.covariance",
    "alpha_spent": "equipoise.models.boundaries",
    "analyse": "equipoise.present.analysis",
    "arms": "equipoise.effects.contrasts",
    "assess": "equipoise.answer.assess",
    "attribution": "equipoise.models.components.basis",
    "batch": "equipoise.scale",
    "baujat": "equipoise.models.influence",
    "bayes": "equipoise.models.bayes.fit",
    "bootstrap": "equipoise.scale.bootstrap",
    "bubble": "equipoise.present.figures.bubble",
    "cinema": "equipoise.certainty.cinema",
    "components": "equipoise.models.components.fit",
    "contrasts": "equipoise.effects.contrasts",
    "counts": "equipoise.models.counts.fit",
    "counts_ladder": "equipoise.models.counts.ladder",
    "cumulative": "equipoise.models.robustness",
    "diversity": "equipoise.models.information",
    "drapery": "equipoise.present.figures.drapery",
    "effect_sizes": "equipoise.effects.contrasts",
    "excess_significance": "equipoise.models.bias.excess",
    "fail_safe": "equipoise.models.bias.fail_safe",
    "forward_interactions": "equipoise.models.components.forward",
    "forest": "equipoise.present.figures.forest",
    "funnel": "equipoise.present.figures.funnel",
    "funnel_data": "equipoise.models.bias.funnel",
    "gosh": "equipoise.scale.gosh",
    "henmi_copas": "equipoise.models.bias.henmi_copas",
    "identifiability_map": "equipoise.models.components.basis",
    "influence": "equipoise.models.influence",
    "labbe": "equipoise.present.figures",
    "leave_one_out": "equipoise.models.robustness",
    "limit_meta": "equipoise.models.bias.limit",
    "location_scale": "equipoise.models.location_scale",
    "multilevel": "equipoise.models.multilevel",
    "multimodel": "equipoise.models.multimodel",
    "network": "equipoise.models.network.fit",
    "network_ladder": "equipoise.models.network.rare_ladder",
    "network_regress": "equipoise.models.network.regression",
    "network_subgroups": "equipoise.models.network.subgroups",
    "open_review": "equipoise.review.folder",
    "page": "equipoise.present.pages",
    "pairwise": "equipoise.models.pairwise",
    "permutation_test": "equipoise.models.permutation",
    "pet_peese": "equipoise.models.bias.precision_effect",
    "plot_attribution": "equipoise.present.figures.net_components",
    "plot_baujat": "equipoise.present.figures",
    "plot_comparison_funnel": "equipoise.present.figures.net_funnel",
    "plot_components": "equipoise.present.figures.net_components",
    "plot_contributions": "equipoise.present.figures.net_shares",
    "plot_gosh": "equipoise.present.figures",
    "plot_identifiability": "equipoise.present.figures.net_map",
    "plot_influence": "equipoise.present.figures.diagnostics",
    "plot_ladder": "equipoise.present.figures.methods",
    "plot_league": "equipoise.present.figures.net_league",
    "plot_net_heat": "equipoise.present.figures.net_shares",
    "plot_network": "equipoise.present.figures.net_graph",
    "plot_posterior": "equipoise.present.figures.posterior_plot",
    "plot_ranks": "equipoise.present.figures.net_ranks",
    "plot_split": "equipoise.present.figures.net_split",
    "priors": "equipoise.models.bayes",
    "radial": "equipoise.present.figures.radial",
    "plot_sequential": "equipoise.present.figures.sequential_plot",
    "published": "equipoise.effects.contrasts",
    "read_answer": "equipoise.present.exports.reading",
    "recover": "equipoise.effects",
    "regress": "equipoise.models.regression",
    "required_information": "equipoise.models.information",
    "robust": "equipoise.models.robust",
    "selection": "equipoise.models.bias.selection",
    "sequential": "equipoise.models.sequential",
    "sequential_boundaries": "equipoise.models.boundaries",
    "small_study": "equipoise.models.bias.asymmetry",
    "small_study_panel": "equipoise.models.bias.asymmetry",
    "subgroups": "equipoise.models.subgroups",
    "tau2_by_group": "equipoise.models.network.tau2_groups",
    "trim_fill": "equipoise.models.bias.trim_fill",
    "vcalc": "equipoise.models.covariance",
}


def __getattr__(name: str) -> object:
    if name in _HOME:
        home = importlib.import_module(_HOME[name])
        # What its home does not have by that name is a module in it.
        value = getattr(home, name, None) or importlib.import_module(f"{_HOME[name]}.{name}")
    elif name == "__version__":
        value = importlib.import_module("importlib.metadata").version("equipoise")
    else:
        raise AttributeError(f"module 'equipoise' has no attribute {name!r}", name=name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME, "__version__"})
