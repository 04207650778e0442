# Reference values for multilevel and multivariate models: rma.mv on three published data sets.
#
# Needs: metafor, metadat, jsonlite.  Run from this folder:  Rscript multilevel.R OUTPUT_FOLDER
# Writes multilevel_<data set>.json. Each model is fitted with four optimisers; the fit with the
# highest likelihood is kept, and that likelihood is `ll`.

library(metafor)
library(jsonlite)

target <- commandArgs(TRUE)[1]
stopifnot(!is.na(target), dir.exists(target))

optimisers <- list(
  list(),
  list(optimizer = "nlminb", rel.tol = 1e-10, x.tol = 1e-9, eval.max = 10000, iter.max = 10000),
  list(optimizer = "optim", optmethod = "Nelder-Mead", reltol = 1e-15, maxit = 50000),
  list(optimizer = "optim", optmethod = "BFGS", reltol = 1e-14)
)

scalar <- function(x) unbox(as.vector(x)[1])
vector_of <- function(x) if (is.null(x)) NULL else I(as.vector(unname(x)))
likelihood <- function(fit) fit$fit.stats["ll", if (fit$method == "REML") "REML" else "ML"]

best_of <- function(...) {
  # rma.mv looks its arguments up by name, so the call is built and not passed on.
  call <- as.call(c(quote(rma.mv), as.list(substitute(list(...)))[-1]))
  env <- parent.frame()
  best <- NULL
  for (control in optimisers) {
    call$control <- control
    fit <- tryCatch(suppressWarnings(eval(call, env)), error = function(e) NULL)
    if (!is.null(fit) && (is.null(best) || likelihood(fit) > likelihood(best))) best <- fit
  }
  best
}

values_of <- function(fit) {
  out <- list(
    coef_names = vector_of(rownames(fit$beta)), beta = vector_of(fit$beta), se = vector_of(fit$se),
    pval = vector_of(fit$pval), ci_lb = vector_of(fit$ci.lb), ci_ub = vector_of(fit$ci.ub),
    sigma2 = vector_of(fit$sigma2), tau2 = vector_of(fit$tau2),
    rho = vector_of(fit$rho), QE = scalar(fit$QE), QEp = scalar(fit$QEp), QEdf = scalar(fit$k - fit$p),
    QM = scalar(fit$QM), QMp = scalar(fit$QMp), QMdf = vector_of(fit$QMdf),
    logLik_ML = scalar(fit$fit.stats["ll", "ML"]), AIC_ML = scalar(fit$fit.stats["AIC", "ML"]),
    logLik_REML = scalar(fit$fit.stats["ll", "REML"]),
    AIC_REML = scalar(fit$fit.stats["AIC", "REML"]),
    BIC_REML = scalar(fit$fit.stats["BIC", "REML"]), ll = scalar(likelihood(fit))
  )
  if (fit$test == "t") out$ddf <- vector_of(fit$ddf)
  if (fit$withS) out$s_names <- vector_of(fit$s.names)
  Filter(Negate(is.null), out)
}

write_values <- function(name, source, input, ...) {
  out <- c(list(
    id = unbox(name), script = unbox("validation/R/multilevel.R"), source = unbox(source),
    versions = list(R = unbox(R.version.string), metafor = unbox(as.character(packageVersion("metafor")))),
    input = lapply(as.list(input), function(x) I(if (is.factor(x)) as.character(x) else as.vector(x)))
  ), list(...))
  writeLines(toJSON(out, digits = I(17), na = "string"), file.path(target, paste0("multilevel_", name, ".json")))
}

d <- dat.konstantopoulos2011[, c("district", "school", "study", "year", "yi", "vi")]
models <- list()
for (method in c("REML", "ML")) {
  models[[paste0("nested_intercept/", method)]] <- values_of(best_of(yi, vi, random = ~ 1 | district/school, data = d, method = method))
  models[[paste0("nested_year/", method)]] <- values_of(best_of(yi, vi, mods = ~ I(year - mean(year)), random = ~ 1 | district/school, data = d, method = method))
  models[[paste0("multivariate_CS/", method)]] <- values_of(best_of(yi, vi, random = ~ school | district, struct = "CS", data = d, method = method))
}
# What refits, as cooks.distance() and confint() do, needs an optimiser that always ends: the default.
nested <- rma.mv(yi, vi, random = ~ 1 | district/school, data = d)
models[["nested_intercept/REML/t_contain"]] <- values_of(best_of(yi, vi, random = ~ 1 | district/school, data = d, test = "t", dfs = "contain"))
models[["nested_intercept/REML/t"]] <- values_of(best_of(yi, vi, random = ~ 1 | district/school, data = d, test = "t"))
models[["district_only/REML"]] <- values_of(best_of(yi, vi, random = ~ 1 | district, data = d))
d$third <- d$district %% 3
d$seven <- rep(1:7, 8)
contained <- function(...) vector_of(eval(substitute(rma.mv(yi, vi, ..., data = d, test = "t", dfs = "contain")))$ddf)
bounds <- lapply(confint(nested, control = list(tol = 1e-8))[1:2], function(z) list(sigma2 = vector_of(z$random[1, ])))
effects <- lapply(ranef(nested), function(z) list(level = vector_of(rownames(z)), intrcpt = vector_of(z$intrcpt), se = vector_of(z$se)))
predicted <- predict(nested)
input <- d[, c("district", "school", "study", "year", "yi", "vi")]
write_values("konstantopoulos2011", "metadat::dat.konstantopoulos2011, three levels", input,
  models = models, confint_nested = setNames(bounds, c("1", "2")), ranef_nested = effects,
  predict_nested = list(pi_lb = vector_of(predicted$pi.lb), pi_ub = vector_of(predicted$pi.ub)),
  cooks_district = vector_of(cooks.distance(nested, cluster = d$district)),
  hatvalues = vector_of(hatvalues(nested)),
  contain = list(
    none = contained(random = ~ 1 | district/school),
    third = contained(random = ~ 1 | district/school, mods = ~ third),
    seven = contained(random = ~ 1 | district/school, mods = ~ seven),
    seven_third = contained(random = ~ 1 | district/school, mods = ~ seven + third),
    inner = contained(random = ~ seven | district, mods = ~ factor(seven)),
    crossed = contained(random = list(~ 1 | district, ~ 1 | seven), mods = ~ third)
  ))

d <- dat.berkey1998[, c("trial", "year", "outcome", "yi", "vi", "v1i", "v2i")]
V <- vcalc(vi = 1, cluster = trial, rvars = c(v1i, v2i), data = d)
models <- list()
for (method in c("REML", "ML")) {
  for (struct in c("UN", "CS", "HCS", "DIAG", "ID")) {
    models[[paste0("outcome_", struct, "/", method)]] <- values_of(best_of(yi, V, mods = ~ 0 + outcome, random = ~ outcome | trial, struct = struct, data = d, method = method))
  }
  models[[paste0("outcome_year_UN/", method)]] <- values_of(best_of(yi, V, mods = ~ 0 + outcome + outcome:I(year - 1983), random = ~ outcome | trial, struct = "UN", data = d, method = method))
}
models[["FE_outcome"]] <- values_of(best_of(yi, V, mods = ~ 0 + outcome, data = d))
un <- best_of(yi, V, mods = ~ 0 + outcome, random = ~ outcome | trial, struct = "UN", data = d)
contrast <- anova(un, X = rbind(c(1, -1)))
write_values("berkey1998", "metadat::dat.berkey1998, two outcomes", d, models = models,
  V_matrix = unname(as.matrix(V)),
  contrast_AL_minus_PD = list(Xb = vector_of(contrast$Xb), se = vector_of(contrast$se), zval = vector_of(contrast$zval)))

d <- dat.assink2016[, c("study", "esid", "yi", "vi", "pubstatus", "year", "deltype")]
V <- vcalc(vi, cluster = study, obs = esid, rho = 0.6, data = d)
models <- list(
  `nested/REML` = values_of(best_of(yi, vi, random = ~ 1 | study/esid, data = d)),
  `nested_pubstatus_year/REML` = values_of(best_of(yi, vi, mods = ~ pubstatus + year, random = ~ 1 | study/esid, data = d)),
  `CHE_rho06/REML` = values_of(best_of(yi, V, random = ~ 1 | study/esid, data = d))
)
combined <- aggregate(escalc(yi = yi, vi = vi, data = d, measure = "GEN"), cluster = study, rho = 0.6)
write_values("assink2016", "metadat::dat.assink2016, three levels", d, models = models,
  vcalc_rho06_first_study_block = unname(as.matrix(V)[d$study == d$study[1], d$study == d$study[1]]),
  aggregate_CS_rho06 = list(study = vector_of(combined$study), yi = vector_of(as.numeric(combined$yi)), vi = vector_of(combined$vi)))
