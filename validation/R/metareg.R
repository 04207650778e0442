# Reference values for meta-regression, permutation tests and location-scale models.
#
# Needs: metafor, metadat, numDeriv, jsonlite; CompQuadForm for GENQM and intervals of GENQ, which are left out
# where it is absent.  Run from this folder:  Rscript metareg.R OUTPUT_FOLDER
# Writes metareg_bcg.json and metareg_more.json, as they stand in ../values.

library(metafor)
library(numDeriv)
library(jsonlite)

target <- commandArgs(TRUE)[1]
stopifnot(!is.na(target), dir.exists(target))

# metafor's default tolerances stop at 1e-5 (absolute); these let it go as far as it can.
fit_control <- list(threshold = 1e-12, maxiter = 20000, tol = 1e-13)
interval_control <- list(tol = 1e-11, maxiter = 20000)
estimators <- c("EE", "DL", "HE", "HS", "HSk", "SJ", "ML", "REML", "EB", "PM", "PMM")

mixtures <- requireNamespace("CompQuadForm", quietly = TRUE)

scalar <- function(x) if (is.null(x)) NULL else unbox(as.vector(x)[1])
vector_of <- function(x) if (is.null(x)) NULL else I(as.vector(unname(x)))

coefficients <- function(fit) list(
  se = vector_of(fit$se), zval = vector_of(fit$zval), pval = vector_of(fit$pval),
  ci_lb = vector_of(fit$ci.lb), ci_ub = vector_of(fit$ci.ub), QM = scalar(fit$QM), QMp = scalar(fit$QMp)
)

fit_values <- function(fit) {
  stats <- fit$fit.stats
  values <- c(list(beta = vector_of(fit$beta), vcov = unname(as.matrix(fit$vb))), coefficients(fit), list(
    tau2 = scalar(fit$tau2), se_tau2 = scalar(fit$se.tau2), I2 = scalar(fit$I2), H2 = scalar(fit$H2),
    R2 = scalar(fit$R2), QE = scalar(fit$QE), QEp = scalar(fit$QEp)))
  for (kind in c("ML", "REML")) for (what in c("ll", "AIC", "BIC", "AICc"))
    values[[paste(if (what == "ll") "logLik" else what, kind, sep = "_")]] <- scalar(stats[what, kind])
  values$dev_ML <- scalar(stats["dev", "ML"])
  values
}

one_model <- function(yi, vi, X, methods = estimators, generalised = TRUE, intercept = TRUE) {
  run <- function(...) rma(yi, vi, mods = X, intercept = intercept, control = fit_control, ...)
  fits <- list()
  confints <- list()
  for (method in methods) for (test in c("z", "t", "knha", "adhoc")) {
    if (method == "EE" && test %in% c("knha", "adhoc")) next
    fit <- run(method = method, test = test)
    fits[[paste(method, test, sep = "/")]] <- if (test == "z") fit_values(fit) else coefficients(fit)
  }
  if (generalised) {
    for (method in c("GENQ", if (mixtures) "GENQM")) for (kind in c("inv", "sqrtinv"))
      fits[[paste0(method, "_", kind, "/z")]] <- fit_values(run(
        method = method, weights = if (kind == "inv") 1 / vi else sqrt(1 / vi)))
    fits[["REML_unweighted/z"]] <- fit_values(run(method = "REML", weighted = FALSE))
  }
  bounds <- function(fit, type) vector_of(confint(fit, type = type, control = interval_control)$random[1, 2:3])
  confints[["REML/QP"]] <- bounds(run(method = "REML"), "QP")
  for (method in c("REML", "ML")) confints[[paste0(method, "/PL")]] <- bounds(run(method = method), "PL")
  if (generalised && mixtures) for (kind in c("inv", "sqrtinv")) confints[[paste0("GENQ_", kind, "/GENQ")]] <- bounds(
    run(method = "GENQ", weights = if (kind == "inv") 1 / vi else sqrt(1 / vi)), "GENQ")
  list(columns = vector_of(colnames(X)), X = unname(X), fits = fits, confint = confints,
       vif = vector_of(sapply(vif(run(method = "REML"))$vif, function(one) if (is.list(one)) one$vif else one)))
}

write_values <- function(id, source, content) {
  versions <- list(R = unbox(R.version.string))
  for (package in c("metafor", "metadat", if (mixtures) "CompQuadForm")) versions[[package]] <- unbox(as.character(packageVersion(package)))
  head <- list(id = unbox(id), source = unbox(source), versions = versions, script = unbox("validation/R/metareg.R"))
  writeLines(toJSON(c(head, content), digits = I(17), na = "string", null = "null"), file.path(target, paste0(id, ".json")))
}

predicted <- function(fit, newmods) {
  found <- predict(fit, newmods = newmods)
  list(newmods = unname(newmods), pred = vector_of(found$pred), se = vector_of(found$se),
       ci_lb = vector_of(found$ci.lb), ci_ub = vector_of(found$ci.ub),
       pi_lb = vector_of(found$pi.lb), pi_ub = vector_of(found$pi.ub))
}

# The BCG trials, log risk ratios, with latitude, year and allocation.

bcg <- escalc("RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = metadat::dat.bcg)
yi <- as.numeric(bcg$yi)
vi <- as.numeric(bcg$vi)
moderators <- list(ablat = bcg$ablat, year = bcg$year)
alloc <- model.matrix(~ factor(bcg$alloc))[, -1]
colnames(alloc) <- c("allocrandom", "allocsystematic")
designs <- list(ablat = cbind(ablat = bcg$ablat), ablat_year = cbind(ablat = bcg$ablat, year = bcg$year), alloc = alloc)
places <- rbind(c(33, 1970), c(0, 1948), c(60, 1980))
run <- function(X, ...) rma(yi, vi, mods = X, control = fit_control, ...)
larger <- run(designs$ablat_year, method = "ML")
lrt <- anova(larger, rma(yi, vi, method = "ML", control = fit_control))
levels_test <- anova(run(alloc), btt = 2:3)

write_values("metareg_bcg", "metadat::dat.bcg (Colditz et al. 1994), log risk ratio", list(
  yi = vector_of(yi), vi = vector_of(vi),
  moderators = c(lapply(moderators, vector_of), list(alloc = vector_of(bcg$alloc))),
  models = lapply(designs, function(X) one_model(yi, vi, X)),
  predict = list(z = predicted(run(designs$ablat_year), places),
                 knha = predicted(run(designs$ablat_year, test = "knha"), places)),
  anova_alloc = list(QM = scalar(levels_test$QM), QMp = scalar(levels_test$QMp)),
  lrt_ablat_year = list(LRT = scalar(lrt$LRT), pval = scalar(lrt$pval), R2 = scalar(lrt$R2))
))

# More data sets and models, by the version of metafor that is installed.

more <- function(effects, formula, intercept = TRUE) {
  X <- model.matrix(formula, effects)
  names <- colnames(X)
  if (intercept) X <- X[, -1, drop = FALSE]
  yi <- as.numeric(effects$yi)
  vi <- as.numeric(effects$vi)
  fits <- list()
  for (method in c("DL", "ML", "REML", "PM")) for (test in c("z", "knha")) {
    fit <- rma(yi, vi, mods = X, intercept = intercept, method = method, test = test, control = fit_control)
    fits[[paste(method, test, sep = "/")]] <- if (test == "z") fit_values(fit) else coefficients(fit)
  }
  list(columns = I(names), X = unname(X), intercept = unbox(intercept), yi = vector_of(yi), vi = vector_of(vi), fits = fits)
}

writing <- metadat::dat.bangertdrowns2004
writing <- writing[complete.cases(writing[, c("length", "wic", "meta", "grade", "ni")]), ]
teachers <- metadat::dat.raudenbush1985
models <- list(
  writing_three = more(writing, ~ length + wic + meta),
  writing_interaction = more(writing, ~ length * wic),
  writing_grades = more(writing, ~ 0 + factor(grade), intercept = FALSE),
  writing_square = more(writing, ~ I(length - mean(length)) + I((length - mean(length))^2)),
  teachers_weeks = more(teachers, ~ weeks),
  teachers_setting = more(teachers, ~ pmin(weeks, 3) * factor(setting))
)

# Exact permutation tests of the first six BCG trials.

exact <- function(moderators, method, test) {
  six <- bcg[1:6, ]
  fit <- if (is.null(moderators)) {
    rma(yi, vi, data = six, method = method, test = test, control = fit_control)
  } else {
    rma(yi, vi, mods = moderators, data = six, method = method, test = test, control = fit_control)
  }
  found <- permutest(fit, exact = TRUE, progbar = FALSE)
  list(method = unbox(method), test = unbox(test), zval = vector_of(fit$zval), pval = vector_of(found$pval),
       QM = scalar(fit$QM), QMp = scalar(found$QMp))
}
permutations <- list(
  ablat = exact(~ ablat, "REML", "z"), ablat_year = exact(~ ablat + year, "DL", "knha"),
  ablat_pm = exact(~ ablat, "PM", "adhoc"), alloc = exact(~ factor(alloc), "ML", "z"),
  common = exact(~ year, "EE", "z"), signs = exact(NULL, "REML", "knha"), signs_z = exact(NULL, "REML", "z")
)

# Location-scale models.

located <- function(effects, mods, scale, method = "REML", test = "z", link = "log") {
  run <- function(control) rma(yi, vi, mods = mods, scale = scale, data = effects, method = method, test = test,
                               link = link, control = control)
  # As tight as the optimiser goes without giving up.
  fit <- NULL
  for (tight in c(1e-14, 1e-12, 1e-10)) if (is.null(fit)) fit <- tryCatch(
    run(list(optimizer = "nlminb", rel.tol = tight, iter.max = 5000, eval.max = 5000)), error = function(e) NULL)
  if (is.null(fit)) fit <- run(list())
  list(method = unbox(method), test = unbox(test), link = unbox(link),
       beta = vector_of(fit$beta), se = vector_of(fit$se), pval = vector_of(fit$pval), QM = scalar(fit$QM),
       alpha = vector_of(fit$alpha), se_alpha = vector_of(fit$se.alpha), pval_alpha = vector_of(fit$pval.alpha),
       QS = scalar(fit$QS), QSp = scalar(fit$QSp), tau2 = vector_of(fit$tau2), QE = scalar(fit$QE),
       logLik = scalar(fit$fit.stats["ll", method]), AIC = scalar(fit$fit.stats["AIC", method]),
       AICc = scalar(fit$fit.stats["AICc", method]))
}
writing$lead <- writing$length - 10
scales <- if (requireNamespace("numDeriv", quietly = TRUE)) list(
  ablat = located(bcg, ~ ablat, ~ ablat),
  ablat_ml = located(bcg, ~ ablat, ~ ablat, method = "ML"),
  ablat_knha = located(bcg, ~ ablat + year, ~ ablat, test = "knha"),
  alloc = located(bcg, ~ 1, ~ factor(alloc), test = "knha"),
  year = located(bcg, ~ 1, ~ year),
  writing = located(writing, ~ lead, ~ lead),
  writing_ml = located(writing, ~ wic, ~ lead + wic, method = "ML"),
  writing_size = located(writing, ~ meta, ~ I(100 / ni)),
  identity = located(bcg, ~ 1, ~ ablat, link = "identity")
)

# All subsets of three moderators, by AICc.

subsets <- c("~ 1", "~ ablat", "~ year", "~ alloc", "~ ablat + year", "~ ablat + alloc", "~ year + alloc", "~ ablat + year + alloc")
fitted <- lapply(subsets, function(f) rma(yi, vi, mods = as.formula(f), data = bcg, method = "ML", control = fit_control))
values <- sapply(fitted, function(f) f$fit.stats["AICc", "ML"])
weights <- exp(-(values - min(values)) / 2)
weights <- weights / sum(weights)
average <- function(name) {
  found <- t(sapply(fitted, function(f) {
    at <- match(name, rownames(f$beta))
    if (is.na(at)) c(0, 0) else c(f$beta[at], f$se[at])
  }))
  estimate <- sum(weights * found[, 1])
  vector_of(c(estimate, sqrt(sum(weights * (found[, 2]^2 + (found[, 1] - estimate)^2)))))
}

write_values("metareg_more", "metadat: dat.bangertdrowns2004 (g), dat.raudenbush1985 (SMD), dat.bcg (log risk ratio)", list(
  models = models, permutations = permutations, writing = lapply(writing[, c("yi", "vi", "length", "lead", "wic", "meta", "grade", "ni")], vector_of),
  teachers = list(weeks = vector_of(teachers$weeks), setting = vector_of(as.character(teachers$setting))), location_scale = scales,
  subsets = list(formula = I(subsets), AICc = vector_of(values), weight = vector_of(weights), ablat = average("ablat"), year = average("year"))
))
