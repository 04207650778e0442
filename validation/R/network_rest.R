# What the other scripts for networks leave out: covariances, league and contributions of a network of
# 22 treatments, and Mantel-Haenszel with a correction where a design has an arm without events.
#
# Needs: netmeta, meta, jsonlite.  Run from this folder:  Rscript network_rest.R OUTPUT_FOLDER
# Writes network_rest.json, as it stands in ../values.

library(netmeta)
library(meta)
library(jsonlite)

target <- commandArgs(TRUE)[1]
stopifnot(!is.na(target), dir.exists(target))

scalar <- function(x) unbox(as.vector(x)[1])
vector_of <- function(x) I(as.vector(unname(x)))
above <- function(m) I(t(as.matrix(m))[lower.tri(m)])

data(Linde2016)
rows <- data.frame(studlab = Linde2016$id, treat1 = Linde2016$treat1, treat2 = Linde2016$treat2,
                   TE = Linde2016$lnOR, seTE = Linde2016$selnOR)
net <- netmeta(TE, seTE, treat1, treat2, studlab, data = rows, sm = "OR", reference.group = "Placebo",
               tol.multiarm = 0.01, tol.multiarm.se = 0.05)
# Effects of the first treatment against all others; every other covariance is a sum of these.
against_first <- function(m) {
  m <- m[paste(net$trts[1], net$trts[-1], sep = ":"), paste(net$trts[1], net$trts[-1], sep = ":")]
  lapply(seq_len(nrow(m)), function(i) I(unname(m[i, i:ncol(m)])))
}
shares <- netcontrib(net, method = "shortestpath")
own <- function(m) list(comparison = I(colnames(m)), own = vector_of(m[cbind(colnames(m), colnames(m))]))

data(smokingcessation)
data(Dogliotti2014)
smoking <- pairwise(list(treat1, treat2, treat3), list(event1, event2, event3), list(n1, n2, n3), data = smokingcessation, sm = "OR")
stroke <- pairwise(treatment, stroke, total, studlab = id, data = Dogliotti2014, sm = "OR")
corrected <- function(pairs, reference) {
  net <- netmetabin(pairs, sm = "OR", method = "MH", cc.pooled = TRUE, reference.group = reference)
  list(trts = I(net$trts), k = scalar(net$k), m = scalar(net$m), d = scalar(net$d),
       Q = scalar(net$Q.inconsistency), df = scalar(net$df.Q.inconsistency),
       TE = above(net$TE.common), seTE = above(net$seTE.common))
}

content <- list(
  source = unbox("netmeta on Linde2016: what network_more.json leaves out because of its size; and netmetabin with a correction where a design has an arm without events"),
  script = unbox("validation/R/network_rest.R"),
  versions = list(R = unbox(R.version.string), netmeta = unbox(as.character(packageVersion("netmeta"))),
                  meta = unbox(as.character(packageVersion("meta")))),
  treatments = vector_of(net$trts),
  Cov.common = against_first(net$Cov.common), Cov.random = against_first(net$Cov.random),
  league = unname(as.matrix(netleague(net, digits = 4)$random)),
  shortestpath = list(common = own(shares$common), random = own(shares$random)),
  MH_corrected = list(smokingcessation = corrected(smoking, "A"), Dogliotti2014 = corrected(stroke, "Apixaban")))
writeLines(toJSON(content, digits = I(15), na = "string"), file.path(target, "network_rest.json"))
