# Reference values for the pairwise synthesis and the Mantel-Haenszel risk difference.
#
# Needs: metafor, metadat, jsonlite.  Run from this folder:  Rscript pairwise.R OUTPUT_FOLDER
# Writes one pairwise_<data set>.json for each data set, as they stand in ../values.

library(metafor)
library(jsonlite)

target <- commandArgs(TRUE)[1]
stopifnot(!is.na(target), dir.exists(target))

# metafor's default tolerances stop at 1e-5 (absolute); these let it go as far as it can.
fit_control <- list(threshold = 1e-12, maxiter = 20000, tol = 1e-13)
interval_control <- list(tol = 1e-11, maxiter = 20000)
estimators <- c("EE", "DL", "PM", "ML", "REML")
tests <- c("z", "t", "knha", "adhoc")

scalar <- function(x) unbox(as.vector(x)[1])
vector_of <- function(x) I(as.vector(unname(x)))

fit_values <- function(fit) {
  values <- list(
    beta = scalar(fit$beta), se = scalar(fit$se), zval = scalar(fit$zval), pval = scalar(fit$pval),
    ci_lb = scalar(fit$ci.lb), ci_ub = scalar(fit$ci.ub), tau2 = scalar(fit$tau2),
    I2 = scalar(fit$I2), H2 = scalar(fit$H2),
    QE = scalar(fit$QE), QEp = scalar(fit$QEp), QEdf = scalar(fit$k - fit$p)
  )
  if (fit$method != "EE") {
    usual <- predict(fit)
    riley <- predict(fit, predtype = "Riley")
    values <- c(values, list(
      pi_lb = scalar(usual$pi.lb), pi_ub = scalar(usual$pi.ub),
      pi_riley_lb = scalar(riley$pi.lb), pi_riley_ub = scalar(riley$pi.ub)
    ))
  }
  c(values, list(logLik_REML = scalar(fit$fit.stats["ll", "REML"])))
}

analysis <- function(yi, vi) {
  used <- is.finite(yi) & is.finite(vi) & vi > 0
  yi <- as.numeric(yi)[used]
  vi <- as.numeric(vi)[used]
  fits <- list()
  intervals <- list()
  for (estimator in estimators) {
    for (test in tests) {
      if (estimator == "EE" && test %in% c("knha", "adhoc")) next
      fit <- rma(yi, vi, method = estimator, test = test, control = fit_control)
      fits[[paste(estimator, test, sep = "/")]] <- fit_values(fit)
    }
    if (estimator != "EE") {
      fit <- rma(yi, vi, method = estimator, control = fit_control)
      found <- confint(fit, type = "QP", control = interval_control)
      intervals[[estimator]] <- list(
        tau2 = vector_of(found$random[1, ]), I2 = vector_of(found$random[3, ]),
        H2 = vector_of(found$random[4, ]), ci_null = scalar(isTRUE(found$ci.null))
      )
    }
  }
  list(k = scalar(sum(used)), yi = vector_of(yi), vi = vector_of(vi), row_used = vector_of(used),
       fits = fits, confint = intervals)
}

write_set <- function(id, source, analyses, columns = NULL, mantel_haenszel = NULL) {
  versions <- list(R = unbox(R.version.string))
  for (package in c("metafor", "metadat")) versions[[package]] <- unbox(as.character(packageVersion(package)))
  content <- list(id = unbox(id), source = unbox(source), versions = versions,
                  script = unbox("validation/R/pairwise.R"))
  content$columns <- columns
  content$analyses <- analyses
  content$mantel_haenszel_RD <- mantel_haenszel
  file <- file.path(target, paste0("pairwise_", id, ".json"))
  writeLines(toJSON(content, digits = I(17), na = "string", null = "null"), file)
}

two_by_two <- function(id, source, ai, n1i, ci, n2i, measures) {
  analyses <- lapply(setNames(measures, measures), function(measure) {
    effects <- escalc(measure, ai = ai, n1i = n1i, ci = ci, n2i = n2i)
    analysis(effects$yi, effects$vi)
  })
  mh <- rma.mh(measure = "RD", ai = ai, n1i = n1i, ci = ci, n2i = n2i)
  write_set(id, source, analyses,
    columns = lapply(list(ai = ai, n1i = n1i, ci = ci, n2i = n2i), vector_of),
    mantel_haenszel = list(
      k = scalar(mh$k), beta = scalar(mh$beta), se = scalar(mh$se), zval = scalar(mh$zval),
      pval = scalar(mh$pval), ci_lb = scalar(mh$ci.lb), ci_ub = scalar(mh$ci.ub)
    ))
}

with(metadat::dat.bcg, two_by_two(
  "bcg", "metadat::dat.bcg (Colditz et al. 1994)",
  tpos, tpos + tneg, cpos, cpos + cneg, c("RR", "OR", "RD")))

bleeding <- metadat::dat.collins1985a
bleeding <- bleeding[!is.na(bleeding$b.xti) & !is.na(bleeding$b.xci), ]
with(bleeding, two_by_two(
  "collins1985a", "metadat::dat.collins1985a, outcome b (persistent or recurrent bleeding)",
  b.xti, nti, b.xci, nci, c("OR", "RR", "RD", "PETO")))

with(metadat::dat.nielweise2007, two_by_two(
  "nielweise2007", "metadat::dat.nielweise2007 (rare events)",
  ai, n1i, ci, n2i, c("OR", "RR", "RD", "AS")))

with(metadat::dat.hine1989, two_by_two(
  "hine1989", "metadat::dat.hine1989 (tau2 = 0)", ai, n1i, ci, n2i, c("OR", "RD")))

stay <- metadat::dat.normand1999
stay_analyses <- lapply(setNames(nm = c("MD", "SMD", "ROM")), function(measure) {
  effects <- escalc(measure, m1i = m1i, sd1i = sd1i, n1i = n1i, m2i = m2i, sd2i = sd2i, n2i = n2i, data = stay)
  analysis(effects$yi, effects$vi)
})
write_set("normand1999", "metadat::dat.normand1999", stay_analyses)

write_set("hackshaw1998", "metadat::dat.hackshaw1998 (yi = log OR, vi)",
  list(OR = with(metadat::dat.hackshaw1998, analysis(yi, vi))))

write_set("raudenbush1985", "metadat::dat.raudenbush1985 (SMD)",
  list(SMD = with(metadat::dat.raudenbush1985, analysis(yi, vi))))

adherence <- escalc("ZCOR", ri = ri, ni = ni, data = metadat::dat.molloy2014)
write_set("molloy2014", "metadat::dat.molloy2014 (r to Fisher z)",
  list(ZCOR = analysis(adherence$yi, adherence$vi)))

proportions <- lapply(setNames(nm = c("PLO", "PFT", "PAS", "PR", "PLN")), function(measure) {
  effects <- escalc(measure, xi = xi, ni = ni, data = metadat::dat.pritz1997)
  analysis(effects$yi, effects$vi)
})
write_set("pritz1997", "metadat::dat.pritz1997 (proportions; includes 0%/100%)", proportions)

rates <- lapply(setNames(nm = c("IRR", "IRD", "IRSD")), function(measure) {
  effects <- escalc(measure, x1i = x1i, x2i = x2i, t1i = t1i, t2i = t2i, data = metadat::dat.hart1999)
  analysis(effects$yi, effects$vi)
})
write_set("hart1999", "metadat::dat.hart1999 (person-time)", rates)
