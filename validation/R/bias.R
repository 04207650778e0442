# Reference values for small-study effects: regression and rank tests, trim and fill, fail-safe N,
# the Henmi-Copas interval.
#
# Needs: metafor, jsonlite.  Run from this folder:  Rscript bias.R OUTPUT_FOLDER
# Takes estimates and variances from ../values/pairwise_*.json, the numbers of people from the
# bias.json that is there, and writes bias.json as it stands in ../values.

library(metafor)
library(jsonlite)

target <- commandArgs(TRUE)[1]
stopifnot(!is.na(target), dir.exists(target))

tight <- list(threshold = 1e-12, maxiter = 2000, tol = 1e-13)
one <- function(x) if (length(x)) unbox(as.vector(unname(x))[1]) else NULL
all_of <- function(x) I(as.vector(unname(x)))
present <- function(l) Filter(Negate(is.null), l)
attempt <- function(expr) tryCatch(suppressWarnings(suppressMessages(expr)),
                                   error = function(e) list(error = unbox(conditionMessage(e))))
failed <- function(x) identical(names(x), "error")

regtests <- function(yi, vi, ni) {
  out <- list()
  for (method in c("FE", "DL", "REML")) {
    fit <- rma(yi, vi, ni = ni, method = method, control = tight)
    for (model in c("rma", "lm")) for (predictor in c("sei", "vi", "ni", "ninv", "sqrtni", "sqrtninv")) {
      if (model == "lm" && method != "REML") next
      key <- if (model == "lm") paste("lm", predictor, sep = "/") else paste("rma", method, predictor, sep = "/")
      t <- attempt(regtest(fit, model = model, predictor = predictor))
      out[[key]] <- if (failed(t)) t else present(list(
        zval = one(t$zval), pval = one(t$pval), est = one(t$est), ci_lb = one(t$ci.lb), ci_ub = one(t$ci.ub),
        coef = all_of(coef(t$fit)),
        se = all_of(if (inherits(t$fit, "rma")) t$fit$se else summary(t$fit)$coefficients[, 2]),
        tau2 = one(t$fit$tau2)))
    }
  }
  out
}

trimfills <- function(yi, vi) {
  out <- list()
  for (method in c("FE", "DL", "REML")) for (estimator in c("L0", "R0", "Q0")) for (side in c("auto", "left", "right")) {
    fit <- rma(yi, vi, method = method, control = tight)
    t <- attempt(if (side == "auto") trimfill(fit, estimator = estimator)
                 else trimfill(fit, estimator = estimator, side = side))
    r <- if (failed(t)) t else {
      found <- list(k0 = one(t$k0), se_k0 = one(t$se.k0), p_k0 = one(t$p.k0), side = one(t$side))
      if (method == "REML") found
      else c(found, list(beta = all_of(t$beta), se = all_of(t$se), tau2 = one(t$tau2), QE = one(t$QE)))
    }
    out[[paste(method, estimator, side, sep = "/")]] <- r
  }
  out
}

failsafe <- function(yi, vi) {
  out <- list()
  for (type in c("Rosenthal", "Orwin", "Rosenberg")) {
    t <- attempt(if (type == "Orwin") fsn(yi, vi, type = type, weighted = TRUE) else fsn(yi, vi, type = type))
    meanes <- if (is.null(t$meanes)) t$est else t$meanes
    out[[type]] <- if (failed(t)) t else present(list(fsnum = one(t$fsnum), alpha = one(t$alpha),
      pval = one(t$pval), meanes = one(meanes), target = one(t$target)))
  }
  t <- attempt(fsn(rma(yi, vi, method = "REML", control = tight), type = "General"))
  out[["General/REML"]] <- if (failed(t)) t else present(list(fsnum = one(t$fsnum), est = one(t$est.fsn),
    pval = one(t$pval.fsn), tau2 = one(t$tau2.fsn)))
  out
}

analysis <- function(yi, vi, ni) {
  found <- if (is.null(ni)) list() else list(ni = all_of(ni), regtest = regtests(yi, vi, ni))
  r <- ranktest(yi, vi)
  h <- attempt(hc(rma(yi, vi, method = "DL")))
  c(found, list(
    ranktest = list(tau = one(r$tau), pval = one(r$pval)),
    trimfill = trimfills(yi, vi),
    fsn = failsafe(yi, vi),
    hc = if (failed(h)) h else list(beta = one(h$beta), se = one(h$se), ci_lb = one(h$ci.lb),
                                    ci_ub = one(h$ci.ub), tau2 = one(h$tau2))))
}

pinned <- fromJSON("../values/bias.json", simplifyVector = TRUE)$sets
sets <- list()
for (name in names(pinned)) {
  given <- fromJSON(file.path("..", "values", paste0("pairwise_", name, ".json")))$analyses
  for (measure in names(pinned[[name]]))
    sets[[name]][[measure]] <- analysis(given[[measure]]$yi, given[[measure]]$vi, pinned[[name]][[measure]]$ni)
}
content <- list(
  versions = list(R = unbox(R.version.string), metafor = unbox(as.character(packageVersion("metafor")))),
  script = unbox("validation/R/bias.R"), sets = sets)
writeLines(toJSON(content, digits = I(17), na = "string", null = "null"), file.path(target, "bias.json"))
