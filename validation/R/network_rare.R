# Networks of rare events by netmetabin: Mantel-Haenszel, non-central hypergeometric, penalised.
#
# Needs: netmeta, brglm2, jsonlite.  Run from this folder:  Rscript network_rare.R OUTPUT_FOLDER
# Writes network_rare.json as it stands in ../values.

library(netmeta)
library(brglm2)
library(jsonlite)

target <- commandArgs(TRUE)[1]
stopifnot(!is.na(target), dir.exists(target))

scalar <- function(x) unbox(as.vector(x)[1])
matrix_of <- function(x) unname(as.matrix(x))

methods_of <- function(pairs, reference) {
  one <- function(method) {
    net <- netmetabin(pairs, sm = "OR", method = method, reference.group = reference)
    out <- list(
      trts = I(net$trts), k = scalar(net$k), m = scalar(net$m), d = scalar(net$d),
      Q = scalar(net$Q.inconsistency), df = scalar(net$df.Q.inconsistency), p = scalar(net$pval.Q.inconsistency),
      TE = matrix_of(net$TE.common), seTE = matrix_of(net$seTE.common),
      lower = matrix_of(net$lower.common), upper = matrix_of(net$upper.common), pval = matrix_of(net$pval.common),
      Pscore = I(unname(netrank(net)$ranking.common)))
    if (method == "LRP") c(out, list(phi = scalar((net$seTE.random[1, 2] / net$seTE.common[1, 2])^2)))
    else c(out, list(
      direct = list(TE = matrix_of(net$TE.direct.common), seTE = matrix_of(net$seTE.direct.common)),
      indirect = list(TE = matrix_of(net$TE.indirect.common), seTE = matrix_of(net$seTE.indirect.common))))
  }
  list(MH = one("MH"), NCH = one("NCH"), LRP = one("LRP"))
}

arms_of <- function(study, treat, events, n) list(
  study = I(as.character(study)), treat = I(as.character(treat)), events = I(events), n = I(n))

data(smokingcessation)
data(Dogliotti2014)
smoking <- pairwise(list(treat1, treat2, treat3), list(event1, event2, event3), list(n1, n2, n3), data = smokingcessation, sm = "OR")
stroke <- pairwise(treatment, stroke, total, studlab = id, data = Dogliotti2014, sm = "OR")
long <- with(smokingcessation, data.frame(
  study = rep(seq_along(treat1), 3), treat = c(as.character(treat1), as.character(treat2), as.character(treat3)),
  events = c(event1, event2, event3), n = c(n1, n2, n3)))
long <- long[!is.na(long$n), ]
long <- long[order(long$study), ]
versions <- list(R = unbox(R.version.string))
for (package in c("netmeta", "meta", "brglm2")) versions[[package]] <- unbox(as.character(packageVersion(package)))
content <- list(
  id = unbox("network_rare"), source = unbox("netmeta data smokingcessation (Hasselblad 1998) and Dogliotti2014"),
  program = unbox("netmeta netmetabin()"), versions = versions, script = unbox("validation/R/network_rare.R"),
  sets = list(
    smokingcessation = list(arms = arms_of(long$study, long$treat, long$events, long$n), methods = methods_of(smoking, "A")),
    Dogliotti2014 = with(Dogliotti2014, list(arms = arms_of(id, treatment, stroke, total), methods = methods_of(stroke, "Apixaban")))))
writeLines(toJSON(content, digits = I(15), na = "string"), file.path(target, "network_rare.json"))
