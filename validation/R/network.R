# Reference values for networks: effects, splits, decomposition, P-scores, contributions.
#
# Needs: netmeta, meta, jsonlite.  Run from this folder:  Rscript network.R OUTPUT_FOLDER
# Writes one network_<data set>.json for each data set, as they stand in ../values.

library(netmeta)
library(meta)
library(jsonlite)

target <- commandArgs(TRUE)[1]
stopifnot(!is.na(target), dir.exists(target))

scalar <- function(x) unbox(as.vector(x)[1])
vector_of <- function(x) I(as.vector(unname(x)))
matrix_of <- function(x) unname(as.matrix(x))
loaded <- function(name) {
  place <- new.env()
  data(list = name, package = "netmeta", envir = place)
  get(name, place)
}

network_of <- function(id, source, rows, measure, reference) {
  net <- netmeta(TE, seTE, treat1, treat2, studlab, data = rows, sm = measure,
                 reference.group = reference, method.tau = "DL",
                 tol.multiarm = 0.01, tol.multiarm.se = 0.05)
  parts <- decomp.design(net)
  sides <- netsplit(net)
  walk <- tryCatch(netcontrib(net, method = "randomwalk"), error = function(e) NULL)
  short <- netcontrib(net, method = "shortestpath")
  with_names <- function(m) list(rows = I(rownames(m)), cols = I(colnames(m)), values = matrix_of(m))
  content <- list(
    id = unbox(id), source = unbox(source),
    versions = list(R = unbox(R.version.string), netmeta = unbox(as.character(packageVersion("netmeta")))),
    script = unbox("validation/R/network.R"),
    measure = unbox(measure), reference = unbox(reference),
    input = list(study = vector_of(as.character(rows$studlab)), treat1 = vector_of(as.character(rows$treat1)),
                 treat2 = vector_of(as.character(rows$treat2)), yi = vector_of(rows$TE), sei = vector_of(rows$seTE)),
    treatments = vector_of(net$trts),
    scalars = lapply(net[c("k", "m", "n", "d", "Q", "df.Q", "pval.Q", "I2", "tau2")], scalar),
    TE_common = matrix_of(net$TE.common), seTE_common = matrix_of(net$seTE.common),
    TE_random = matrix_of(net$TE.random), seTE_random = matrix_of(net$seTE.random),
    lower_predict = matrix_of(net$lower.predict), upper_predict = matrix_of(net$upper.predict),
    split = list(comparison = vector_of(sides$comparison), k = vector_of(sides$k), share = vector_of(sides$prop.random),
      direct = vector_of(sides$direct.random$TE), direct_se = vector_of(sides$direct.random$seTE),
      indirect = vector_of(sides$indirect.random$TE), indirect_se = vector_of(sides$indirect.random$seTE),
      difference = vector_of(sides$compare.random$TE), difference_se = vector_of(sides$compare.random$seTE),
      p_value = vector_of(sides$compare.random$p)),
    decomposition = list(Q = vector_of(parts$Q.decomp$Q), df = vector_of(parts$Q.decomp$df), p_value = vector_of(parts$Q.decomp$pval),
      random = list(Q = scalar(parts$Q.inc.random$Q), df = scalar(parts$Q.inc.random$df), p_value = scalar(parts$Q.inc.random$pval),
                    tau_within = scalar(parts$Q.inc.random$tau.within)),
      designs = list(design = vector_of(parts$Q.het.design$design), Q = vector_of(parts$Q.het.design$Q), df = vector_of(parts$Q.het.design$df)),
      detached = list(design = vector_of(parts$Q.inc.detach$design), Q = vector_of(parts$Q.inc.detach$Q), df = vector_of(parts$Q.inc.detach$df))),
    p_score_lower = vector_of(netrank(net, small.values = "desirable")$ranking.random[net$trts]))
  if (!is.null(walk)) content$random_walk <- with_names(walk$random)
  content$shortest_path <- with_names(short$random)
  writeLines(toJSON(content, digits = I(15), na = "string", null = "null"),
             file.path(target, paste0("network_", id, ".json")))
}

network_of("Senn2013", "netmeta::Senn2013", loaded("Senn2013"), "MD", "plac")

smoking <- loaded("smokingcessation")
network_of("smokingcessation", "netmeta::smokingcessation", pairwise(
  list(treat1, treat2, treat3), list(event1, event2, event3), list(n1, n2, n3),
  data = smoking, sm = "OR"), "OR", "A")

dopamine <- loaded("Franchini2012")
network_of("Franchini2012", "netmeta::Franchini2012", pairwise(
  list(Treatment1, Treatment2, Treatment3), n = list(n1, n2, n3), mean = list(y1, y2, y3),
  sd = list(sd1, sd2, sd3), data = dopamine, studlab = Study, sm = "MD"), "MD", "Placebo")

depression <- loaded("Linde2016")
depression$TE <- depression$lnOR
depression$seTE <- depression$selnOR
depression$studlab <- depression$id
network_of("Linde2016", "netmeta::Linde2016", depression, "OR", "Placebo")
