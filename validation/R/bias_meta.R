# Reference values for tests of asymmetry from counts and for trim and fill, by package meta.
#
# Needs: meta, jsonlite.  Run from this folder:  Rscript bias_meta.R OUTPUT_FOLDER
# Takes counts and estimates from ../values and writes bias_meta.json as it stands there.

library(meta)
library(jsonlite)

target <- commandArgs(TRUE)[1]
stopifnot(!is.na(target), dir.exists(target))

one <- function(x) if (length(x)) unbox(as.vector(unname(x))[1]) else NULL
all_of <- function(x) I(as.vector(unname(x)))
present <- function(l) Filter(Negate(is.null), l)
bias <- function(fit, tests) lapply(setNames(tests, tests), function(test) {
  b <- metabias(fit, method.bias = test, k.min = 3)
  present(list(statistic = one(b$statistic), df = one(b$df), pval = one(b$pval), intercept = one(b$intercept),
               se_intercept = one(b$se.intercept), estimate = all_of(b$estimate)))
})

sets <- list()
pinned <- fromJSON("../values/bias_meta.json")$sets
for (name in c("bcg", "collins1985a", "nielweise2007", "hine1989")) {
  c <- pinned[[name]]$columns
  fit <- metabin(c$ai, c$n1i, c$ci, c$n2i, sm = "OR")
  sets[[name]] <- list(columns = lapply(c, all_of),
                       metabias = bias(fit, c("Harbord", "Peters", "Deeks", "Schwarzer", "Macaskill")))
}
for (row in list(c("hackshaw1998", "OR", "hackshaw1998_gen"), c("raudenbush1985", "SMD", "raudenbush1985_gen"),
                 c("bcg", "RR", "bcg_RR_gen"))) {
  a <- fromJSON(file.path("..", "values", paste0("pairwise_", row[1], ".json")))$analyses[[row[2]]]
  fit <- metagen(a$yi, sqrt(a$vi), method.tau = "REML")
  tf <- trimfill(fit)
  sets[[row[3]]] <- list(metabias = bias(fit, c("Begg", "Egger", "Thompson")),
    trimfill_REML = list(k0 = one(tf$k0), side_left = one(tf$left), TE.random = one(tf$TE.random),
                         seTE.random = one(tf$seTE.random), tau2 = one(tf$tau2)))
}
content <- list(
  versions = list(R = unbox(R.version.string), meta = unbox(as.character(packageVersion("meta"))),
                  metafor = unbox(as.character(packageVersion("metafor")))),
  script = unbox("validation/R/bias_meta.R"), sets = sets)
writeLines(toJSON(content, digits = I(17), na = "string", null = "null"), file.path(target, "bias_meta.json"))
