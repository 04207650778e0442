# Reference values for every estimator of tau2, for fits with weights of one's own, for fit
# statistics, and for intervals of tau2 other than the Q-profile.
#
# Needs: metafor, jsonlite, and for GENQM and the intervals GENQ also CompQuadForm (left out without
# it).  Run from this folder:  Rscript estimators.R OUTPUT_FOLDER
# Takes the estimates and variances of ../values/pairwise_*.json; writes estimators.json.

library(metafor)
library(jsonlite)

target <- commandArgs(TRUE)[1]
stopifnot(!is.na(target), dir.exists(target))

fit_control <- list(threshold = 1e-12, maxiter = 20000, tol = 1e-13)
interval_control <- list(tol = 1e-11, maxiter = 20000)
estimators <- c("EE", "DL", "HE", "HS", "HSk", "SJ", "ML", "REML", "EB", "PM", "PMM", "DLIT", "SJIT")
quantities <- c("beta", "se", "tau2", "se_tau2", "I2", "H2", "ll_ML", "AIC_ML", "BIC_ML", "AICc_ML",
                "ll_REML", "AIC_REML", "BIC_REML", "AICc_REML")
bounds <- c("se", "ci_lb", "ci_ub", "pi_lb", "pi_ub")

values_of <- function(fit) {
  s <- fit$fit.stats
  as.numeric(c(fit$beta, fit$se, fit$tau2, if (is.null(fit$se.tau2)) NA else fit$se.tau2, fit$I2, fit$H2,
               s["ll", "ML"], s["AIC", "ML"], s["BIC", "ML"], s["AICc", "ML"],
               s["ll", "REML"], s["AIC", "REML"], s["BIC", "REML"], s["AICc", "REML"]))
}

bounds_of <- function(fit) {
  p <- if (fit$method == "EE") list(pi.lb = NA, pi.ub = NA) else predict(fit)
  as.numeric(c(fit$se, fit$ci.lb, fit$ci.ub, p$pi.lb, p$pi.ub))
}

quadratic_forms <- requireNamespace("CompQuadForm", quietly = TRUE)

# confint() looks for these bounds to an absolute width of 6e-5, whatever it is told.
generalised_q <- function(yi, vi, weights) {
  fit <- rma(yi, vi, method = "GENQ", weights = weights, control = fit_control)
  as.numeric(confint(fit, type = "GENQ", control = interval_control)$random[1, 2:3])
}

analysis <- function(yi, vi) {
  out <- list(fits = list(), knha = list(), adhoc = list(), PL = list(), GENQ = list())
  for (m in estimators) {
    fit <- try(rma(yi, vi, method = m, control = fit_control), silent = TRUE)
    if (inherits(fit, "try-error")) next
    out$fits[[m]] <- values_of(fit)
    if (m == "EE") next
    for (test in c("knha", "adhoc"))
      out[[test]][[m]] <- bounds_of(rma(yi, vi, method = m, test = test, control = fit_control))
  }
  weights <- list(inv = 1 / vi, sqrtinv = sqrt(1 / vi))
  for (n in names(weights)) {
    for (m in c("GENQ", if (quadratic_forms) "GENQM"))
      out$fits[[paste(m, n, sep = "_")]] <- values_of(
        rma(yi, vi, method = m, weights = weights[[n]], control = fit_control))
    if (quadratic_forms) out$GENQ[[n]] <- generalised_q(yi, vi, weights[[n]])
  }
  plain <- seq_along(yi)
  out$fits$REML_unweighted <- values_of(rma(yi, vi, weighted = FALSE, control = fit_control))
  out$fits$REML_weights <- values_of(rma(yi, vi, weights = plain, control = fit_control))
  out$knha$REML_weights <- bounds_of(rma(yi, vi, weights = plain, test = "knha", control = fit_control))
  for (m in c("REML", "ML")) {
    fit <- try(rma(yi, vi, method = m, control = fit_control), silent = TRUE)
    if (inherits(fit, "try-error")) next
    found <- confint(fit, type = "PL", control = interval_control)
    out$PL[[m]] <- as.numeric(c(found$random[1, 2:3], found$random[3, 2:3], found$random[4, 2:3]))
  }
  out
}

sets <- list()
for (file in sort(list.files("../values", "^pairwise_.*json$", full.names = TRUE))) {
  data <- fromJSON(file)
  for (measure in names(data$analyses)) {
    a <- data$analyses[[measure]]
    sets[[paste(data$id, measure, sep = "/")]] <- analysis(a$yi, a$vi)
  }
}

versions <- list(R = unbox(R.version.string))
for (package in c("metafor", if (quadratic_forms) "CompQuadForm"))
  versions[[package]] <- unbox(as.character(packageVersion(package)))
content <- list(
  script = unbox("validation/R/estimators.R"),
  versions = versions, quantities = quantities, bounds = bounds, sets = sets)
writeLines(toJSON(content, digits = I(13), na = "string", null = "null"), file.path(target, "estimators.json"))
