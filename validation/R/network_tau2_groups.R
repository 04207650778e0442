# Networks with tau² by class of treatments: arms with effects of their studies and random effects.
#
# Needs: metafor, metadat, jsonlite.  Run from this folder:  Rscript network_tau2_groups.R OUTPUT_FOLDER
# Writes network_tau2_groups.json, as it stands in ../values. Each arm has a random effect whose
# variance depends on its class; with a fixed effect for each study, REML is that of the contrasts.
# tau² of a class, for a comparison within it, is twice the variance of its arms.

library(metafor)
library(jsonlite)

target <- commandArgs(TRUE)[1]
stopifnot(!is.na(target), dir.exists(target))
scalar <- function(x) unbox(as.vector(x)[1])
vector_of <- function(x) I(as.vector(unname(x)))

fit_of <- function(study, treat, value, variance, group, reference) {
  active <- setdiff(sort(unique(treat)), reference)
  frame <- data.frame(study = factor(study), treat = factor(treat, levels = c(reference, active)),
                      arm = seq_along(study), group = factor(group, levels = unique(group)))
  one <- function(random, struct) {
    best <- NULL
    for (start in c(0.01, 0.1, 1)) {
      found <- tryCatch(rma.mv(value, variance, mods = ~ 0 + study + treat, random = random, struct = struct, data = frame, method = "REML",
        control = list(optimizer = "optim", optmethod = "Nelder-Mead", reltol = 1e-16, maxit = 20000,
                       tau2.init = rep(start, nlevels(frame$group)), sigma2.init = start)), error = function(e) NULL)
      if (!is.null(found) && (is.null(best) || logLik(found) > logLik(best))) best <- found
    }
    best
  }
  own <- one(~ group | arm, "DIAG")
  all <- one(~ 1 | arm, "CS")
  at <- paste0("treat", active)
  list(reference = unbox(reference), active = vector_of(active), study = vector_of(study), treat = vector_of(treat),
       value = vector_of(value), variance = vector_of(variance), group = vector_of(group),
       classes = vector_of(own$g.levels.f[[1]]), tau2 = vector_of(2 * own$tau2), loglik = scalar(logLik(own)),
       tau2_common = scalar(2 * all$sigma2), loglik_common = scalar(logLik(all)),
       beta = vector_of(own$beta[at, 1]), se = vector_of(sqrt(diag(vcov(own))[at])))
}

smoke <- metadat::dat.hasselblad1998
zero <- smoke$study %in% smoke$study[smoke$xi == 0]
x <- smoke$xi + 0.5 * zero
n <- smoke$ni + zero
copd <- metadat::dat.baker2009
zero2 <- copd$study %in% copd$study[copd$exac == 0 | copd$exac == copd$total]
x2 <- copd$exac + 0.5 * zero2
n2 <- copd$total + zero2
content <- list(
  versions = list(R = unbox(R.version.string), metafor = unbox(as.character(packageVersion("metafor")))),
  script = unbox("validation/R/network_tau2_groups.R"),
  sets = list(
    hasselblad1998 = c(list(source = unbox("metadat::dat.hasselblad1998, log odds ratio"), measure = unbox("OR")),
      fit_of(as.character(smoke$study), smoke$trt, log(x / (n - x)), 1 / x + 1 / (n - x), ifelse(smoke$trt == "no_contact", "none", "others"), "no_contact")),
    baker2009 = c(list(source = unbox("metadat::dat.baker2009, log odds ratio"), measure = unbox("OR")),
      fit_of(copd$study, copd$treatment, log(x2 / (n2 - x2)), 1 / x2 + 1 / (n2 - x2),
             ifelse(copd$treatment == "Placebo", "placebo", ifelse(grepl("+", copd$treatment, fixed = TRUE), "two", "one")), "Placebo"))))
writeLines(toJSON(content, digits = I(17), na = "string", null = "null"), file.path(target, "network_tau2_groups.json"))
