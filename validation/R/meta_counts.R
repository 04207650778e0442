# Reference values of package meta from counts and from means: metabin, metacont and metaprop.
#
# Needs: meta, metadat, jsonlite.  Run from this folder:  Rscript meta_counts.R OUTPUT_FOLDER
# Writes meta_counts.json.

library(meta)
library(metadat)
library(jsonlite)

target <- commandArgs(TRUE)[1]
stopifnot(!is.na(target), dir.exists(target))

kept <- c("TE.common", "seTE.common", "lower.common", "upper.common", "pval.common", "TE.random",
          "seTE.random", "lower.random", "upper.random", "lower.predict", "upper.predict", "tau2", "Q",
          "H", "lower.H", "upper.H", "I2", "lower.I2", "upper.I2")

values_of <- function(fit) {
  found <- lapply(fit[kept], function(x) unbox(as.numeric(x)[1]))
  c(found, list(TE = as.numeric(fit$TE), seTE = as.numeric(fit$seTE)))
}

counts <- function(d) {
  bin <- function(...) values_of(metabin(d$a, d$n1, d$c, d$n2, prediction = TRUE, ...))
  fits <- list(
    "OR/MH" = bin(sm = "OR", method = "MH"), "OR/MH/exact" = bin(sm = "OR", method = "MH", MH.exact = TRUE),
    "OR/Peto" = bin(sm = "OR", method = "Peto"), "OR/Inverse" = bin(sm = "OR", method = "Inverse"),
    "OR/Inverse/allstudies" = bin(sm = "OR", method = "Inverse", allstudies = TRUE),
    "OR/Inverse/incr=TACC" = bin(sm = "OR", method = "Inverse", incr = "TACC"),
    "OR/Inverse/method.incr=all" = bin(sm = "OR", method = "Inverse", method.incr = "all"),
    "RR/MH" = bin(sm = "RR", method = "MH"), "RR/Inverse" = bin(sm = "RR", method = "Inverse"),
    "RD/MH" = bin(sm = "RD", method = "MH"), "RD/Inverse" = bin(sm = "RD", method = "Inverse"),
    "ASD/Inverse" = bin(sm = "ASD", method = "Inverse"))
  c(list(events1 = d$a, n1 = d$n1, events2 = d$c, n2 = d$n2), list(fits = fits))
}

collins <- subset(dat.collins1985a, !is.na(b.xci) & !is.na(b.xti))
normand <- dat.normand1999
pritz <- dat.pritz1997
cont <- function(sm) values_of(metacont(n1i, m1i, sd1i, n2i, m2i, sd2i, data = normand, sm = sm, prediction = TRUE))
prop <- function(sm) values_of(metaprop(xi, ni, data = pritz, sm = sm, method = "Inverse", prediction = TRUE))

content <- list(
  script = unbox("validation/R/meta_counts.R"),
  versions = list(R = unbox(R.version.string), meta = unbox(as.character(packageVersion("meta"))),
                  metafor = unbox(as.character(packageVersion("metafor")))),
  counts = list(
    bcg = counts(with(dat.bcg, list(a = tpos, n1 = tpos + tneg, c = cpos, n2 = cpos + cneg))),
    collins1985a = counts(with(collins, list(a = b.xti, n1 = nti, c = b.xci, n2 = nci))),
    nielweise2007 = counts(with(dat.nielweise2007, list(a = ai, n1 = n1i, c = ci, n2 = n2i))),
    hine1989 = counts(with(dat.hine1989, list(a = ai, n1 = n1i, c = ci, n2 = n2i)))),
  means = list(
    mean1 = normand$m1i, sd1 = normand$sd1i, n1 = normand$n1i, mean2 = normand$m2i, sd2 = normand$sd2i,
    n2 = normand$n2i, fits = list(MD = cont("MD"), ROM = cont("ROM"))),
  proportions = list(
    events = pritz$xi, n = pritz$ni, fits = list(PLOGIT = prop("PLOGIT"), PFT = prop("PFT"), PAS = prop("PAS"))))
writeLines(toJSON(content, digits = I(13), na = "string", null = "null"), file.path(target, "meta_counts.json"))
