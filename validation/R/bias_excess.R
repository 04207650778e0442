# Reference values for the test of excess significance.
#
# Needs: metafor, jsonlite.  Run from this folder:  Rscript bias_excess.R OUTPUT_FOLDER
# Takes estimates and variances from ../values/pairwise_*.json, writes bias_excess.json.

library(metafor)
library(jsonlite)

target <- commandArgs(TRUE)[1]
stopifnot(!is.na(target), dir.exists(target))
one <- function(x) unbox(as.vector(unname(x))[1])

sets <- list()
for (row in list(c("bcg", "RR"), c("collins1985a", "OR"), c("hackshaw1998", "OR"), c("hine1989", "OR"),
                 c("raudenbush1985", "SMD"))) {
  a <- fromJSON(file.path("..", "values", paste0("pairwise_", row[1], ".json")))$analyses[[row[2]]]
  fits <- list()
  for (alternative in c("two.sided", "greater", "less")) for (test in c("chi2", "binom", "exact")) for (tau2 in c(0, 0.1)) {
    if (test == "exact" && length(a$yi) > 13) next  # metafor lists all outcomes, 2^k of them
    fit <- tes(a$yi, a$vi, alternative = alternative, test = test, tau2 = tau2, find.lim = FALSE)
    fits[[paste(alternative, test, tau2, sep = "/")]] <- list(theta = one(fit$theta), O = one(fit$O), E = one(fit$E),
      pval = one(fit$pval), power = I(as.vector(fit$power)))
  }
  sets[[row[1]]] <- list(measure = unbox(row[2]), fits = fits)
}
content <- list(
  versions = list(R = unbox(R.version.string), metafor = unbox(as.character(packageVersion("metafor")))),
  script = unbox("validation/R/bias_excess.R"), sets = sets)
writeLines(toJSON(content, digits = I(17), na = "string", null = "null"), file.path(target, "bias_excess.json"))
