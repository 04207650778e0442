# Reference values for selection models, with tight integrals.
#
# Needs: metafor, jsonlite.  Run from this folder:  Rscript bias_selection.R OUTPUT_FOLDER
# Takes estimates and variances from ../values/pairwise_*.json, writes bias_selection.json.

library(metafor)
library(jsonlite)

target <- commandArgs(TRUE)[1]
stopifnot(!is.na(target), dir.exists(target))

# metafor integrates to a relative error of 1e-4 by default, which shows in the fourth digit of the
# log-likelihood. Tight integrals take minutes a fit, so only a few models have them too.
control <- list(optimizer = "nlminb")
tight <- list(optimizer = "nlminb", intCtrl = list(rel.tol = 1e-10, subdivisions = 2000))
one <- function(x) if (length(x)) unbox(as.vector(unname(x))[1]) else NULL
all_of <- function(x) if (length(x)) I(as.vector(unname(x))) else NULL
present <- function(l) Filter(Negate(is.null), l)

told <- function(t) present(list(
  logLik = one(t$fit.stats["ll", "ML"]), beta = one(t$beta), se = one(t$se), tau2 = one(t$tau2),
  se_tau2 = one(t$se.tau2), delta = all_of(t$delta), se_delta = all_of(t$se.delta),
  LRT = one(t$LRT), LRTdf = one(t$LRTdf), LRTp = one(t$LRTp)))

attempt <- function(expr) {
  tryCatch(told(suppressWarnings(expr)), error = function(e) list(error = unbox(conditionMessage(e))))
}

severities <- list(
  "moderate-one-sided" = c(1, .99, .95, .80, .75, .65, .60, .55, .50, .50, .50, .50, .50, .50),
  "severe-one-sided" = c(1, .99, .90, .75, .60, .50, .40, .35, .30, .25, .10, .10, .10, .10))
woods <- c(.005, .01, .05, .10, .25, .35, .50, .65, .75, .90, .95, .99, .995, 1)

ml <- function(yi, vi) rma(yi, vi, method = "ML", control = list(threshold = 1e-12, maxiter = 2000, tol = 1e-13))

models <- function(yi, vi, alternative, types) {
  fit <- ml(yi, vi)
  model <- function(...) attempt(selmodel(fit, alternative = alternative, control = control, ...))
  out <- lapply(setNames(types, types), function(type) model(type = type))
  for (steps in list(.025, .05, c(.05, .5), c(.025, .05, .5)))
    out[[paste0("step/", paste(steps, collapse = ","))]] <- model(type = "stepfun", steps = steps)
  out[["step/0.05/two-sided"]] <- attempt(selmodel(fit, type = "stepfun", steps = .05,
                                                   alternative = "two.sided", control = control))
  for (name in names(severities))
    out[[paste0("Vevea-Woods/", name)]] <- model(type = "stepfun", steps = woods, delta = severities[[name]])
  out
}

sets <- list()
for (row in list(c("bcg", "RR", "less", "power"), c("collins1985a", "OR", "less"), c("hackshaw1998", "OR", "greater", "negexp"),
                 c("hine1989", "OR", "greater", "halfnorm"), c("nielweise2007", "OR", "less", "logistic"), c("normand1999", "MD", "less"),
                 c("raudenbush1985", "SMD", "greater"), c("molloy2014", "ZCOR", "greater"))) {
  a <- fromJSON(file.path("..", "values", paste0("pairwise_", row[1], ".json")))$analyses[[row[2]]]
  smooth <- if (row[1] == "molloy2014") "beta" else c("beta", "halfnorm", "negexp", "logistic", "power")
  sets[[row[1]]] <- list(measure = unbox(row[2]), alternative = unbox(row[3]),
                         fits = models(a$yi, a$vi, row[3], smooth))
  for (type in row[-(1:3)]) sets[[row[1]]]$tight[[type]] <-
    attempt(selmodel(ml(a$yi, a$vi), type = type, alternative = row[3], control = tight))
}
content <- list(
  versions = list(R = unbox(R.version.string), metafor = unbox(as.character(packageVersion("metafor")))),
  script = unbox("validation/R/bias_selection.R"), sets = sets)
writeLines(toJSON(content, digits = I(17), na = "string", null = "null"),
           file.path(target, "bias_selection.json"))
