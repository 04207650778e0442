# Reference values for subgroups of trials: the BCG trials by how people were allocated.
#
# Needs: metafor, metadat, jsonlite.  Run from this folder:  Rscript subgroups.R OUTPUT_FOLDER
# Writes subgroups.json.

library(metafor)
library(metadat)
library(jsonlite)

target <- commandArgs(TRUE)[1]
stopifnot(!is.na(target), dir.exists(target))

control <- list(threshold = 1e-12, maxiter = 20000, tol = 1e-13)
number <- function(x) unbox(as.numeric(x)[1])
bcg <- escalc("RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = dat.bcg)
groups <- unique(bcg$alloc)

one <- function(group) {
  fit <- rma(yi, vi, data = bcg[bcg$alloc == group, ], control = control)
  list(k = number(fit$k), beta = number(fit$beta), se = number(fit$se), tau2 = number(fit$tau2),
       I2 = number(fit$I2), QE = number(fit$QE))
}

separate <- lapply(setNames(nm = groups), one)
means <- sapply(separate, function(x) x$beta)
errors <- sapply(separate, function(x) x$se)
between <- rma(means, sei = errors, method = "FE")
common <- rma(yi, vi, mods = ~ factor(alloc, levels = groups), data = bcg, control = control)

content <- list(
  script = unbox("validation/R/subgroups.R"),
  versions = list(R = unbox(R.version.string), metafor = unbox(as.character(packageVersion("metafor")))),
  groups = groups, label = bcg$alloc, separate = separate,
  separate_test = list(Q = number(between$QE), p = number(between$QEp)),
  common = list(tau2 = number(common$tau2), QM = number(common$QM), QMp = number(common$QMp),
                difference = as.numeric(common$beta)[-1], se = common$se[-1]))
writeLines(toJSON(content, digits = I(14), na = "string", null = "null"), file.path(target, "subgroups.json"))
