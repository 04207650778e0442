# Reference values for the effect measures: made-up tables through metafor's escalc(), and its
# transformations. Writes values/escalc.json.
#
# Needs: metafor, mvtnorm (tetrachoric correlations), gsl (unbiased correlations), jsonlite.
# Run from this folder:  Rscript escalc.R OUTPUT_FOLDER
# Values that an older metafor does not know are left out; ../values was made with 5.1.12.

library(metafor)
library(mvtnorm)
library(gsl)
library(jsonlite)

target <- commandArgs(TRUE)[1]
stopifnot(!is.na(target), dir.exists(target))

vector <- function(x) I(as.vector(unname(x)))
entries <- list()
add <- function(key, columns, ...) {
  options <- list(...)
  made <- tryCatch(suppressWarnings(do.call(escalc, c(options, columns))), error = function(e) NULL)
  if (is.null(made)) return(invisible())
  entries[[key]] <<- list(options = lapply(options, unbox), inputs = lapply(columns, vector),
                          yi = vector(made$yi), vi = vector(made$vi))
}

tables <- list(ai = c(12, 0, 30, 5, 1, 250, 8, 0, 10), bi = c(88, 40, 20, 45, 499, 9750, 0, 25, 0),
               ci = c(20, 3, 10, 5, 0, 200, 4, 0, 12), di = c(80, 37, 40, 45, 500, 9800, 6, 30, 0))
full <- lapply(tables, function(z) z[c(1, 3, 4, 6)])
for (m in c("RR", "OR", "RD", "AS", "PETO", "PHI", "ZPHI", "YUQ", "YUY", "RTET", "ZTET", "PBIT",
            "OR2D", "OR2DN", "OR2DL")) {
  add(paste0(m, "/nonzero"), full, measure = m)
  for (to in c("only0", "all", "if0all", "none"))
    add(paste0(m, "/zeros/to=", to), tables, measure = m, to = to)
  add(paste0(m, "/zeros/drop00"), tables, measure = m, drop00 = TRUE)
}
add("OR/add=0.1", tables, measure = "OR", add = 0.1)
for (m in c("RD", "RR")) add(paste0(m, "/vtype=AV"), full, measure = m, vtype = "AV")
for (v in c("CS", "ST")) add(paste0("PHI/vtype=", v), full, measure = "PHI", vtype = v)
add("REH", full, measure = "REH")

pairs <- list(ai = c(20, 5, 60, 0, 33), bi = c(10, 3, 15, 4, 0), ci = c(5, 8, 12, 2, 6),
              di = c(40, 30, 10, 20, 25))
for (m in c("MPRD", "MPRR", "MPOR", "MPORC", "MPPETO")) add(m, pairs, measure = m)
add("MPORM/ri", c(lapply(pairs, `[`, 1:3), list(ri = c(.3, .5, .2))), measure = "MPORM")
add("MPORM/pi", c(lapply(pairs, `[`, 1:3), list(pi = c(.1, .2, .3))), measure = "MPORM")

time <- list(x1i = c(5, 0, 12, 100), t1i = c(100.5, 50, 340, 5000), x2i = c(9, 4, 0, 80),
             t2i = c(110, 60.25, 300, 4900))
for (m in c("IRR", "IRD", "IRSD")) {
  add(m, time, measure = m)
  add(paste0(m, "/to=all"), time, measure = m, to = "all")
}

means <- list(m1i = c(10.2, 55, 3.1, 100, 7.7), sd1i = c(3.1, 12, 0.9, 15, 2),
              n1i = c(20, 45, 8, 200, 3), m2i = c(8.9, 50, 3.6, 98, 5.1),
              sd2i = c(2.8, 15, 1.1, 14, 2.5), n2i = c(22, 40, 9, 210, 4))
for (m in c("MD", "SMD", "SMDH", "SMD1", "SMD1H", "ROM", "RPB", "ZPB", "RBIS", "ZBIS", "D2OR",
            "D2ORN", "D2ORL", "CVR", "CLESN", "AUCN")) add(m, means, measure = m)
add("VR", means[c("sd1i", "n1i", "sd2i", "n2i")], measure = "VR")
for (v in c("LS", "LS2", "UB", "AV", "H0")) {
  add(paste0("SMD/vtype=", v), means, measure = "SMD", vtype = v)
  add(paste0("SMD1/vtype=", v), means, measure = "SMD1", vtype = v)
}
for (v in c("LS", "HO", "AV", "AVHO")) add(paste0("ROM/vtype=", v), means, measure = "ROM", vtype = v)
for (v in c("LS", "HO")) add(paste0("MD/vtype=", v), means, measure = "MD", vtype = v)
for (v in c("ST", "CS")) add(paste0("RPB/vtype=", v), means, measure = "RPB", vtype = v)
for (m in c("ROM", "CVR", "SMD")) add(paste0(m, "/correct=FALSE"), means, measure = m, correct = FALSE)
two <- list(n1i = c(20, 30), n2i = c(25, 28))
add("SMD/from_t", c(list(ti = c(2.1, -1.3)), two), measure = "SMD")
add("SMD/from_d", c(list(di = c(.5, -.2)), two), measure = "SMD")
add("SMD/from_p", c(list(pi = c(.03, -.2)), two), measure = "SMD")
add("CLES/from_d", list(di = .5, n1i = 20, n2i = 30), measure = "CLESN")
areas <- list(ai = c(.6, .45, .9), n1i = c(20, 30, 8), n2i = c(25, 28, 10))
for (m in c("CLES", "AUC")) add(m, areas, measure = m)

correlations <- list(ri = c(.5, -.3, .95, 0, .12), ni = c(30, 100, 12, 50, 400))
for (m in c("COR", "UCOR", "ZCOR")) add(m, correlations, measure = m)
for (v in c("LS", "UB", "AV", "H0")) {
  if (v != "UB") add(paste0("COR/vtype=", v), correlations, measure = "COR", vtype = v)
  add(paste0("UCOR/vtype=", v), correlations, measure = "UCOR", vtype = v)
}
partial <- list(ti = c(2.5, -1.1, .3), ni = c(40, 120, 60), mi = c(3, 5, 2))
whole <- list(r2i = c(.3, .25, .4))
for (m in c("PCOR", "ZPCOR")) add(m, partial, measure = m)
for (m in c("SPCOR", "ZSPCOR")) add(m, c(partial, whole), measure = m)
for (m in c("R2", "ZR2", "R2F", "ZR2F"))
  add(m, c(whole, list(mi = c(3, 5, 2), ni = c(40, 120, 60))), measure = m)

proportions <- list(xi = c(5, 0, 20, 99, 10), ni = c(50, 30, 20, 1000, 33))
for (m in c("PR", "PLN", "PLO", "PRZ", "PAS", "PFT")) {
  add(m, proportions, measure = m)
  add(paste0(m, "/to=all"), proportions, measure = m, to = "all")
}
for (m in c("IR", "IRLN", "IRS", "IRFT"))
  add(m, list(xi = c(5, 0, 20, 99), ti = c(50.5, 30, 20, 1000)), measure = m)
one <- list(mi = c(10, 5.5, 100), sdi = c(2, 3, 15), ni = c(25, 10, 80))
for (m in c("MN", "SMN", "MNLN", "CVLN")) add(m, one, measure = m)
add("SDLN", one[c("sdi", "ni")], measure = "SDLN")

change <- list(m1i = c(12, 30, 5.5), m2i = c(10, 33, 5), sd1i = c(3, 8, 1.2),
               sd2i = c(2.5, 7, 1.5), ri = c(.7, .4, .9), ni = c(25, 60, 12))
for (m in c("MC", "SMCC", "SMCR", "SMCRH", "SMCRP", "SMCRPH", "ROMC", "CVRC", "CLESCN", "AUCCN"))
  add(m, change, measure = m)
add("VRC", change[c("sd1i", "sd2i", "ri", "ni")], measure = "VRC")
for (v in c("LS", "LS2")) add(paste0("SMCC/vtype=", v), change, measure = "SMCC", vtype = v)

alphas <- list(ai = c(.8, .92, .55), mi = c(10, 20, 5), ni = c(100, 250, 40))
for (m in c("ARAW", "AHW", "ABT")) add(m, alphas, measure = m)
add("HR_GEN_sei", list(yi = c(.1, .3), sei = c(.2, .15)), measure = "GEN")

transforms <- list()
back <- function(name, x) {
  if (exists(name)) transforms[[name]] <<- list(x = vector(x), y = vector(get(name)(x)))
}
for (name in c("transf.rtoz", "transf.logit", "transf.arcsin", "transf.ahw", "transf.abt"))
  back(name, c(.05, .3, .9))
for (name in c("transf.ztor", "transf.ilogit", "transf.dtou1", "transf.dtou2", "transf.dtou3",
               "transf.dtocles", "transf.dtorbis", "transf.lnortod.norm", "transf.dtolnor.norm"))
  back(name, c(-.5, .2, 1.3))
for (name in c("transf.iarcsin", "transf.iahw", "transf.iabt")) back(name, c(.1, .5, 1.2))
transforms$transf.pft <- list(xi = vector(c(.1, .5)), ni = vector(c(20, 30)),
                              y = vector(transf.pft(c(.1, .5), c(20, 30))))
transforms$transf.ipft <- list(y_in = vector(c(.4, .8)), ni = vector(c(20, 30)),
                               y = vector(transf.ipft(c(.4, .8), c(20, 30))))
transforms$transf.ipft.hm <- list(y_in = vector(c(.4, .8)), ni = vector(c(20, 30)),
  y = vector(transf.ipft.hm(c(.4, .8), targs = list(ni = c(20, 30)))))
if (exists("conv.fivenum")) {
  five <- list(min = c(2, NA, 1), q1 = c(NA, 4, 3), median = c(6, 6, 5), q3 = c(NA, 9, 8),
               max = c(14, NA, 12), n = c(20, 20, 40))
  made <- do.call(conv.fivenum, five)
  transforms$conv.fivenum <- c(lapply(five, vector),
                               list(out = list(mean = vector(made$mean), sd = vector(made$sd))))
}

versions <- list(R = unbox(R.version.string), metafor = unbox(as.character(packageVersion("metafor"))))
write(toJSON(list(id = unbox("escalc"), source = unbox("made-up tables"),
                  script = unbox("validation/R/escalc.R"), versions = versions, entries = entries, transforms = transforms),
             digits = I(15), na = "string"), file.path(target, "escalc.json"))
