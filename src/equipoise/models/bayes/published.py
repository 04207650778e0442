"""How much trials differed in Cochrane reviews: the published distributions of tau², as numbers.

Each pair is (mean or location, standard deviation or scale) of log tau². Both tables were entered
from two secondary sources that were held against each other: the help pages and parameter tables
of R's bayesmeta 3.x (``TurnerEtAlPrior``, ``RhodesEtAlPrior``) and of rnmamod
(``table_tau2_prior``). They agree in all numbers but one, which `MISPRINTS` names.
"""

from __future__ import annotations

Pairs = tuple[tuple[float, float], ...]

#: Types of comparison, in the order of the columns of Turner's table IV.
TURNER_COMPARISONS = (
    "pharmacological vs placebo",
    "pharmacological vs pharmacological",
    "non-pharmacological vs placebo",
    "non-pharmacological vs pharmacological",
    "non-pharmacological vs non-pharmacological",
)

#: Over all settings (Turner et al. 2015, page 993).
TURNER_ANY = (-2.56, 1.74)

#: Log-normal: mean and standard deviation of log tau², by type of outcome (table IV).
TURNER: dict[str, Pairs] = {
    "all-cause mortality": (
        (-3.95, 1.34),
        (-4.18, 1.41),
        (-4.17, 1.55),
        (-2.92, 1.02),
        (-3.50, 1.26),
    ),
    "obstetric outcomes": (
        (-3.52, 1.74),
        (-3.75, 1.79),
        (-3.74, 1.91),
        (-2.49, 1.50),
        (-3.08, 1.68),
    ),
    "cause-specific mortality or major morbidity": (
        (-3.71, 1.74),
        (-3.95, 1.79),
        (-3.93, 1.91),
        (-2.68, 1.51),
        (-3.27, 1.68),
    ),
    "resource use or hospital stay": (
        (-2.34, 1.74),
        (-2.58, 1.79),
        (-2.56, 1.91),
        (-1.31, 1.50),
        (-1.90, 1.68),
    ),
    "surgical or device success": (
        (-2.14, 1.74),
        (-2.37, 1.79),
        (-2.36, 1.91),
        (-1.11, 1.50),
        (-1.69, 1.68),
    ),
    "withdrawals or drop-outs": (
        (-2.99, 1.74),
        (-3.23, 1.79),
        (-3.21, 1.91),
        (-1.96, 1.51),
        (-2.55, 1.68),
    ),
    "internal or structural outcomes": (
        (-2.71, 1.74),
        (-2.94, 1.79),
        (-2.93, 1.92),
        (-1.67, 1.51),
        (-2.26, 1.68),
    ),
    "general physical health": (
        (-2.29, 1.53),
        (-2.53, 1.58),
        (-2.51, 1.72),
        (-1.26, 1.25),
        (-1.85, 1.46),
    ),
    "adverse events": (
        (-1.87, 1.52),
        (-2.10, 1.58),
        (-2.10, 1.71),
        (-0.84, 1.24),
        (-1.43, 1.45),
    ),
    "infection or new disease": (
        (-2.49, 1.52),
        (-2.73, 1.58),
        (-2.71, 1.71),
        (-1.46, 1.24),
        (-2.05, 1.45),
    ),
    "signs or symptoms of a condition": (
        (-2.06, 1.51),
        (-2.29, 1.58),
        (-2.28, 1.71),
        (-1.03, 1.24),
        (-1.61, 1.45),
    ),
    "pain": (
        (-1.83, 1.52),
        (-2.06, 1.58),
        (-2.05, 1.71),
        (-0.80, 1.25),
        (-1.38, 1.45),
    ),
    "quality of life or functioning": (
        (-2.54, 1.54),
        (-2.78, 1.60),
        (-2.77, 1.73),
        (-1.51, 1.27),
        (-2.10, 1.47),
    ),
    "mental health": (
        (-2.12, 1.53),
        (-2.35, 1.60),
        (-2.34, 1.72),
        (-1.09, 1.27),
        (-1.67, 1.47),
    ),
    "biological markers": (
        (-1.77, 1.52),
        (-2.00, 1.58),
        (-1.99, 1.71),
        (-0.74, 1.24),
        (-1.33, 1.45),
    ),
    "subjective outcomes": (
        (-2.70, 1.52),
        (-2.93, 1.58),
        (-2.92, 1.71),
        (-1.67, 1.25),
        (-2.26, 1.45),
    ),
}

#: Types of comparison, in the order of the columns of Turner 2012.
TURNER_2012_COMPARISONS = (
    "pharmacological vs placebo",
    "pharmacological vs pharmacological",
    "non-pharmacological vs any",
)

#: Log-normal: mean and standard deviation of log tau², by type of outcome (Turner et al. 2012).
#: All were read in R's gemtc (``mtc.hy.empirical.lor``). The second sources, which agree, are
#: published code and texts that cite the paper: the help of Stata's ``network bayes`` and a script
#: for it (-2.01, -3.02), an article on two networks (-2.01, -2.13), the documentation of
#: R's multinma (-3.93), and BUGS or JAGS code of published syntheses (-4.06, -3.02, -3.23, -2.34).
TURNER_2012: dict[str, Pairs] = {
    "all-cause mortality": (
        (-4.06, 1.45),
        (-4.27, 1.48),
        (-3.93, 1.51),
    ),
    "semi-objective outcomes": (
        (-3.02, 1.85),
        (-3.23, 1.88),
        (-2.89, 1.91),
    ),
    "subjective outcomes": (
        (-2.13, 1.58),
        (-2.34, 1.62),
        (-2.01, 1.64),
    ),
}

#: Settings of Turner 2012 that a single secondary source gives.
TURNER_2012_ONE_SOURCE = (
    ("all-cause mortality", "pharmacological vs pharmacological"),
    ("semi-objective outcomes", "non-pharmacological vs any"),
)

#: Types of comparison, in the order of the columns of Rhodes' tables.
RHODES_COMPARISONS = (
    "pharmacological vs placebo",
    "pharmacological vs pharmacological",
    "non-pharmacological vs any",
)

#: Over all settings (Rhodes et al. 2015, section 3.3).
RHODES_ANY = (-3.44, 2.59)

#: Medical areas.
RHODES_AREAS = ("other", "respiratory", "cancer")

#: t with 5 degrees of freedom: location and scale of log tau², by medical area and type of outcome
#: (tables 3, A.3.1 and A.3.2).
RHODES: dict[str, dict[str, Pairs]] = {
    "other": {
        "obstetric outcomes": (
            (-4.13, 2.34),
            (-4.40, 2.31),
            (-3.99, 2.11),
        ),
        "resource use or hospital stay": (
            (-2.55, 2.73),
            (-2.83, 2.70),
            (-2.41, 2.57),
        ),
        "internal or structural outcomes": (
            (-2.43, 2.50),
            (-2.70, 2.46),
            (-2.29, 2.32),
        ),
        "physical health, adverse events, pain or quality of life": (
            (-3.16, 2.50),
            (-3.44, 2.44),
            (-3.02, 2.27),
        ),
        "signs, symptoms, infection or new disease": (
            (-3.00, 2.50),
            (-3.27, 2.47),
            (-2.86, 2.33),
        ),
        "mental health": (
            (-2.99, 2.16),
            (-3.27, 2.14),
            (-3.85, 1.93),
        ),
        "biological markers": (
            (-3.41, 2.83),
            (-3.68, 2.78),
            (-3.27, 2.66),
        ),
        "subjective outcomes": (
            (-2.76, 2.58),
            (-3.03, 2.59),
            (-2.62, 2.41),
        ),
    },
    "respiratory": {
        "obstetric outcomes": (
            (-6.03, 2.36),
            (-6.31, 2.31),
            (-5.89, 2.21),
        ),
        "resource use or hospital stay": (
            (-4.46, 2.74),
            (-4.73, 2.70),
            (-4.32, 2.57),
        ),
        "internal or structural outcomes": (
            (-4.33, 2.51),
            (-4.61, 2.46),
            (-4.19, 2.33),
        ),
        "physical health, adverse events, pain or quality of life": (
            (-5.07, 2.51),
            (-5.34, 2.45),
            (-4.93, 2.28),
        ),
        "signs, symptoms, infection or new disease": (
            (-4.90, 2.50),
            (-5.18, 2.47),
            (-4.76, 2.33),
        ),
        "mental health": (
            (-4.90, 2.17),
            (-5.17, 2.14),
            (-4.76, 1.94),
        ),
        "biological markers": (
            (-5.31, 2.83),
            (-5.59, 2.78),
            (-5.17, 2.66),
        ),
        "subjective outcomes": (
            (-4.66, 2.59),
            (-4.94, 2.59),
            (-4.52, 2.41),
        ),
    },
    "cancer": {
        "obstetric outcomes": (
            (-1.57, 2.45),
            (-1.85, 2.41),
            (-1.43, 2.24),
        ),
        "resource use or hospital stay": (
            (0.01, 2.83),
            (-0.27, 2.79),
            (0.15, 2.68),
        ),
        "internal or structural outcomes": (
            (-0.13, 2.61),
            (-0.14, 2.56),
            (0.27, 2.45),
        ),
        "physical health, adverse events, pain or quality of life": (
            (-0.60, 2.61),
            (-0.88, 2.55),
            (-0.46, 2.40),
        ),
        "signs, symptoms, infection or new disease": (
            (-0.44, 2.60),
            (-0.71, 2.57),
            (-0.30, 2.46),
        ),
        "mental health": (
            (-0.43, 2.28),
            (-0.71, 2.25),
            (-0.29, 2.08),
        ),
        "biological markers": (
            (-0.85, 2.93),
            (-1.13, 2.87),
            (-0.71, 2.78),
        ),
        "subjective outcomes": (
            (-0.20, 2.68),
            (-0.48, 2.68),
            (-0.06, 2.53),
        ),
    },
}

#: Numbers that do not fit the rest, by area, outcome and comparison. The locations are sums of a
#: term for the outcome, one for the comparison and one for the area, to within rounding.
MISPRINTS: dict[tuple[str, str, str], str] = {
    ("other", "mental health", "non-pharmacological vs any"): (
        "The location of log tau² in the paper's table 3, -3.85, does not fit the rest of that "
        "table, in which effects add up: they give -2.85. It may be a misprint; it is used as "
        "published. Try log_t(-1.425, 0.965) too."
    ),
    ("cancer", "internal or structural outcomes", "pharmacological vs placebo"): (
        "The location of log tau² in the paper's table A.3.2, -0.13, does not fit the rest of "
        "that table, in which effects add up: they give 0.13. It may be a misprint; it is used "
        "as published. Try log_t(0.065, 1.305) too."
    ),
    ("cancer", "resource use or hospital stay", "pharmacological vs placebo"): (
        "Secondary sources give the location of log tau² in the paper's table A.3.2 as 0.01 "
        "(bayesmeta) and as -0.01 (rnmamod); 0.01 fits the rest of that table and is used."
    ),
}
