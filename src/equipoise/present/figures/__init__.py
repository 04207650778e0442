"""Figures: deterministic, accessible SVG, each with the table that says the same."""

from equipoise.present.figures.bars import paired_bars
from equipoise.present.figures.baujat import plot_baujat
from equipoise.present.figures.bubble import bubble
from equipoise.present.figures.diagnostics import plot_influence
from equipoise.present.figures.drapery import drapery
from equipoise.present.figures.figure import Figure, figure_css
from equipoise.present.figures.forest import forest
from equipoise.present.figures.funnel import funnel
from equipoise.present.figures.gosh_plot import plot_gosh
from equipoise.present.figures.icons import icon_array, not_known
from equipoise.present.figures.labbe_plot import labbe
from equipoise.present.figures.ladder import parts_ladder
from equipoise.present.figures.marks import certainty_dots, risk_light
from equipoise.present.figures.methods import plot_ladder
from equipoise.present.figures.net_components import plot_attribution, plot_components
from equipoise.present.figures.net_funnel import plot_comparison_funnel
from equipoise.present.figures.net_graph import plot_network
from equipoise.present.figures.net_league import plot_league
from equipoise.present.figures.net_map import plot_identifiability
from equipoise.present.figures.net_ranks import plot_ranks
from equipoise.present.figures.net_shares import plot_contributions, plot_net_heat
from equipoise.present.figures.net_split import plot_split
from equipoise.present.figures.plot import Line
from equipoise.present.figures.posterior_plot import plot_posterior
from equipoise.present.figures.radial import radial
from equipoise.present.figures.sequential_plot import plot_sequential

__all__ = [
    "Figure",
    "Line",
    "bubble",
    "certainty_dots",
    "drapery",
    "figure_css",
    "forest",
    "funnel",
    "icon_array",
    "labbe",
    "not_known",
    "paired_bars",
    "parts_ladder",
    "plot_attribution",
    "plot_baujat",
    "plot_comparison_funnel",
    "plot_components",
    "plot_contributions",
    "plot_gosh",
    "plot_identifiability",
    "plot_influence",
    "plot_ladder",
    "plot_league",
    "plot_net_heat",
    "plot_network",
    "plot_posterior",
    "plot_ranks",
    "plot_sequential",
    "plot_split",
    "radial",
    "risk_light",
]
