"""The papers of the methods for counts."""

from __future__ import annotations

from equipoise.core.result import Method

MANTEL_HAENSZEL = Method(
    "Mantel–Haenszel estimate",
    "Mantel, Haenszel 1959, J Natl Cancer Inst 22:719",
    "10.1093/jnci/22.4.719",
)
ROBINS = Method(
    "variance of the Mantel–Haenszel odds ratio for few large and for many small trials",
    "Robins, Breslow, Greenland 1986, Biometrics 42:311",
    "10.2307/2531052",
)
GREENLAND = Method(
    "variance of the Mantel–Haenszel risk ratio, rate ratio and rate difference",
    "Greenland, Robins 1985, Biometrics 41:55",
    "10.2307/2530643",
)
SATO = Method(
    "variance of the Mantel–Haenszel risk difference",
    "Sato, Greenland, Robins 1989, Biometrics 45:1323",
)
CMH = Method("Cochran–Mantel–Haenszel test", "Cochran 1954, Biometrics 10:417", "10.2307/3001616")
BRESLOW_DAY = Method(
    "test of one odds ratio in all trials",
    "Breslow, Day 1980, Statistical Methods in Cancer Research, volume 1, IARC, Lyon",
)
TARONE = Method(
    "correction of the Breslow–Day test",
    "Tarone 1985, Biometrika 72:91",
    "10.1093/biomet/72.1.91",
)
PETO = Method(
    "Peto's one-step odds ratio",
    "Yusuf, Peto, Lewis, Collins, Sleight 1985, Prog Cardiovasc Dis 27:335",
    "10.1016/S0033-0620(85)80003-7",
)
STIJNEN = Method(
    "exact conditional likelihood with normal random effects",
    "Stijnen, Hamza, Özdemir 2010, Stat Med 29:3046",
    "10.1002/sim.4040",
)
JACKSON = Method(
    "generalised linear mixed models for trials of two groups",
    "Jackson, Law, Stijnen, Viechtbauer, White 2018, Stat Med 37:1059",
    "10.1002/sim.7588",
)
QUADRATURE = Method(
    "adaptive Gauss–Hermite quadrature",
    "Pinheiro, Bates 1995, J Comput Graph Stat 4:12",
    "10.1080/10618600.1995.10474663",
)
GART = Method(
    "exact conditional interval for a common odds ratio",
    "Gart 1970, Biometrika 57:471",
    "10.1093/biomet/57.3.471",
)
MEHTA = Method(
    "exact distribution over several tables by convolution",
    "Mehta, Patel, Gray 1985, J Am Stat Assoc 80:969",
    "10.1080/01621459.1985.10478212",
)
KUSS = Method(
    "beta-binomial regression with a common correlation",
    "Kuss 2015, Stat Med 34:1097",
    "10.1002/sim.6383",
)
FIRTH = Method(
    "likelihood penalised by Jeffreys' prior",
    "Firth 1993, Biometrika 80:27",
    "10.1093/biomet/80.1.27",
)
HEINZE = Method(
    "profile of the penalised likelihood",
    "Heinze, Schemper 2002, Stat Med 21:2409",
    "10.1002/sim.1047",
)
SIMPSON = Method(
    "why trials are not added up as if they were one",
    "Altman, Deeks 2002, BMC Med Res Methodol 2:3",
    "10.1186/1471-2288-2-3",
)
HANDBOOK = Method(
    "choice of the method for rare events",
    "Cochrane Handbook for Systematic Reviews of Interventions, section 10.4.4",
)
BRADBURN = Method(
    "comparison of the methods for rare events",
    "Bradburn, Deeks, Berlin, Localio 2007, Stat Med 26:53",
    "10.1002/sim.2528",
)
