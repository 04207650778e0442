# The rest of what netmeta gives for its own data sets: every matrix, hat matrices, covariances,
# splits of the common effect and by SIDDE, REML and ML, leagues, contributions, impact of trials.
#
# Needs: netmeta, meta, jsonlite.  Run from this folder:  Rscript network_more.R OUTPUT_FOLDER
# Writes network_more.json, as it stands in ../values.

library(netmeta)
library(meta)
library(jsonlite)

target <- commandArgs(TRUE)[1]
stopifnot(!is.na(target), dir.exists(target))

scalar <- function(x) unbox(as.vector(x)[1])
vector_of <- function(x) I(as.vector(unname(x)))
matrix_of <- function(x) unname(as.matrix(x))
named <- function(m) list(rows = I(rownames(m)), cols = I(colnames(m)), values = matrix_of(m))
above <- function(m) I(t(as.matrix(m))[lower.tri(m)])
chosen <- function(x, names) lapply(x[names], vector_of)
loaded <- function(name) {
  place <- new.env()
  data(list = name, package = "netmeta", envir = place)
  get(name, place)
}
fitted <- function(rows, measure, reference, method) {
  netmeta(TE, seTE, treat1, treat2, studlab, data = rows, sm = measure,
          reference.group = reference, method.tau = method,
          tol.multiarm = 0.01, tol.multiarm.se = 0.05)
}

MATRICES <- c("TE.common", "seTE.common", "lower.common", "upper.common", "pval.common",
              "TE.random", "seTE.random", "lower.random", "upper.random", "pval.random",
              "lower.predict", "upper.predict", "seTE.predict",
              "TE.direct.common", "seTE.direct.common", "TE.direct.random", "seTE.direct.random",
              "TE.indirect.common", "seTE.indirect.common", "TE.indirect.random",
              "seTE.indirect.random", "Q.direct", "tau2.direct", "I2.direct", "A.matrix")
SCALARS <- c("k", "m", "n", "d", "Q", "df.Q", "pval.Q", "I2", "tau2", "tau", "lower.I2", "upper.I2",
             "Q.heterogeneity", "df.Q.heterogeneity", "pval.Q.heterogeneity",
             "Q.inconsistency", "df.Q.inconsistency", "pval.Q.inconsistency")

set_of <- function(rows, measure, reference, small, large = FALSE) {
  net <- fitted(rows, measure, reference, "DL")
  out <- list(measure = unbox(measure), reference = unbox(reference), treatments = vector_of(net$trts),
    scalars = lapply(net[SCALARS], scalar), matrices = lapply(net[MATRICES], above),
    proportions = chosen(net, c("prop.direct.common", "prop.direct.random")),
    by_comparison = chosen(net, c("studlab", "treat1", "treat2", "seTE.adj.common", "seTE.adj.random",
                                  "leverage.common", "Q.common")),
    designs = vector_of(net$designs), Q.decomp = lapply(net$Q.decomp, vector_of))
  if (!large) {
    upper <- function(m) lapply(seq_len(nrow(m)), function(i) I(unname(m[i, i:ncol(m)])))
    out$covariances <- list(Cov.common = upper(net$Cov.common), Cov.random = upper(net$Cov.random))
    out$hat <- list(H.matrix.common = matrix_of(net$H.matrix.common),
                    H.matrix.random = matrix_of(net$H.matrix.random))
  }
  out$other_tau2 <- lapply(c(REML = "REML", ML = "ML"), function(method) {
    other <- fitted(rows, measure, reference, method)
    c(list(tau2 = scalar(other$tau^2)),
      lapply(other[c("TE.random", "seTE.random", "lower.predict", "upper.predict")], above))
  })
  joined <- netconnection(rows$treat1, rows$treat2, rows$studlab)
  out$netconnection <- c(lapply(joined[c("k", "m", "n", "n.subnets")], scalar),
                         list(details.disconnected = unbox(joined$n.subnets > 1)))
  parts <- function(x) lapply(x, vector_of)
  sides <- netsplit(net)
  out$split <- c(chosen(sides, c("comparison", "k", "prop.common", "prop.random")),
                 lapply(sides[c("direct.common", "indirect.common", "compare.common")], parts))
  sides <- netsplit(fitted(rows, measure, reference, "REML"))
  out$split_REML <- c(chosen(sides, "comparison"),
                      lapply(sides[c("direct.random", "indirect.random", "compare.random")], parts))
  sides <- tryCatch(netsplit(net, method = "SIDDE"), error = function(e) NULL)
  if (!is.null(sides)) {
    out$split_SIDDE <- c(chosen(sides, "comparison"),
                         lapply(sides[c("indirect.common", "indirect.random")], parts))
  }
  ranks <- netrank(net, small.values = small)
  out$P_scores <- list(small_values = unbox(small), treatments = vector_of(net$trts),
    common = vector_of(ranks$ranking.common[net$trts]), random = vector_of(ranks$ranking.random[net$trts]),
    matrix = matrix_of(ranks$Pmatrix.random))
  if (!large) {
    out$league <- matrix_of(netleague(net, digits = 4)$random)
    for (method in c("shortestpath", "randomwalk")) {
      shares <- netcontrib(net, method = method)
      out[[method]] <- list(common = named(shares$common), random = named(shares$random))
    }
    impact <- tryCatch(netimpact(net), error = function(e) NULL)
    if (!is.null(impact)) {
      out$impact <- list(common = named(impact$impact.common), random = named(impact$impact.random))
    }
  }
  out
}

other_measure <- function(rows, measure, reference) {
  net <- fitted(rows, measure, reference, "DL")
  list(yi = vector_of(rows$TE), sei = vector_of(rows$seTE), treat1 = vector_of(rows$treat1),
       treat2 = vector_of(rows$treat2), study = vector_of(rows$studlab), tau2 = scalar(net$tau^2),
       Q = scalar(net$Q), TE = above(net$TE.random), seTE = above(net$seTE.random))
}

counted <- function(measure) {
  pairwise(list(treat1, treat2, treat3), list(event1, event2, event3), list(n1, n2, n3),
           data = loaded("smokingcessation"), sm = measure)
}
measured <- function(measure) {
  pairwise(list(Treatment1, Treatment2, Treatment3), n = list(n1, n2, n3), mean = list(y1, y2, y3),
           sd = list(sd1, sd2, sd3), data = loaded("Franchini2012"), studlab = Study, sm = measure)
}
plain <- function(rows) as.data.frame(rows)[c("studlab", "treat1", "treat2", "TE", "seTE")]

depression <- loaded("Linde2016")
depression <- data.frame(studlab = depression$id, treat1 = depression$treat1, treat2 = depression$treat2,
                         TE = depression$lnOR, seTE = depression$selnOR)
strokes <- loaded("Dogliotti2014")
stroke_rows <- plain(pairwise(treatment, stroke, total, studlab = study, data = strokes, sm = "OR"))

sets <- list(
  Senn2013 = set_of(loaded("Senn2013"), "MD", "plac", "desirable"),
  smokingcessation = set_of(plain(counted("OR")), "OR", "A", "undesirable"),
  Franchini2012 = set_of(plain(measured("MD")), "MD", "Placebo", "desirable"),
  Linde2016 = set_of(depression, "OR", "Placebo", "undesirable", large = TRUE),
  Dogliotti2014 = set_of(stroke_rows, "OR", "Placebo/Control", "desirable")
)
sets$smokingcessation$raw <- lapply(loaded("smokingcessation"), vector_of)
for (measure in c("RR", "RD")) {
  sets$smokingcessation[[measure]] <- other_measure(plain(counted(measure)), measure, "A")
}
sets$Franchini2012$SMD <- other_measure(plain(measured("SMD")), "SMD", "Placebo")
sets$Dogliotti2014$input <- setNames(lapply(stroke_rows, vector_of), c("study", "treat1", "treat2", "yi", "sei"))
parts <- decomp.design(fitted(stroke_rows, "OR", "Placebo/Control", "DL"))
sets$Dogliotti2014$decomposition <- lapply(
  parts[c("Q.decomp", "Q.het.design", "Q.inc.detach", "Q.inc.random")], function(x) lapply(x, vector_of))

content <- list(source = unbox("netmeta on its own data sets; what network_*.json does not hold"),
  script = unbox("validation/R/network_more.R"),
  versions = list(R = unbox(R.version.string), netmeta = unbox(as.character(packageVersion("netmeta"))),
                  meta = unbox(as.character(packageVersion("meta")))),
  sets = sets)
writeLines(toJSON(content, digits = I(15), na = "string", null = "null"),
           file.path(target, "network_more.json"))
