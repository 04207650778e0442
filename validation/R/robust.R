# Reference values for cluster-robust inference: metafor's robust() and clubSandwich on six fits.
#
# Needs: metafor from 5.0 on, metadat, clubSandwich, jsonlite.
# Run from this folder:  Rscript robust.R OUTPUT_FOLDER
# Writes robust.json. The variances of the fits are in it, so that the tests start from the same ones.

library(metafor)
library(clubSandwich)
library(jsonlite)

target <- commandArgs(TRUE)[1]
stopifnot(!is.na(target), dir.exists(target))

vector_of <- function(x) I(as.vector(unname(x)))
kinds <- c("CR0", "CR1", "CR1p", "CR1S", "CR2", "CR3")

table_of <- function(found) list(
  se = vector_of(found$se), ddf = vector_of(found$ddf), pval = vector_of(found$pval),
  ci_lb = vector_of(found$ci.lb), ci_ub = vector_of(found$ci.ub), vcov = unname(as.matrix(found$vb)),
  QM = unbox(as.vector(found$QM)), QMp = unbox(as.vector(found$QMp)), QMdf = vector_of(found$QMdf)
)

all_of <- function(fit, cluster) {
  out <- list(
    `robust/adjust=TRUE` = table_of(do.call(robust, list(fit, cluster = cluster))),
    `robust/adjust=FALSE` = table_of(do.call(robust, list(fit, cluster = cluster, adjust = FALSE))),
    `robust/clubSandwich_CR2` = table_of(do.call(robust, list(fit, cluster = cluster, clubSandwich = TRUE)))
  )
  for (kind in kinds) {
    V <- vcovCR(fit, cluster = cluster, type = kind)
    satterthwaite <- coef_test(fit, vcov = V, test = "Satterthwaite")
    naive <- coef_test(fit, vcov = V, test = "naive-t")
    out[[paste0("clubSandwich/", kind)]] <- list(
      vcov = unname(as.matrix(V)), df = vector_of(satterthwaite$df_Satt), p = vector_of(satterthwaite$p_Satt),
      df_t = vector_of(naive$df_t), p_t = vector_of(naive$p_t))
  }
  out
}

fits <- list()
d <- dat.konstantopoulos2011
fits$konstantopoulos2011 <- list(rma.mv(yi, vi, random = ~ 1 | district/school, data = d), d$district)
d <- dat.berkey1998
V <- vcalc(vi = 1, cluster = author, rvars = c(v1i, v2i), data = d)
fits$berkey1998 <- list(rma.mv(yi, V, mods = ~ 0 + outcome, random = ~ outcome | trial, struct = "UN", data = d,
  control = list(optimizer = "optim", optmethod = "Nelder-Mead", reltol = 1e-15, maxit = 50000)), d$trial)
d <- dat.assink2016
fits$assink2016 <- list(rma.mv(yi, vi, random = ~ 1 | study/esid, data = d,
  control = list(optimizer = "optim", optmethod = "Nelder-Mead", reltol = 1e-15, maxit = 50000)), d$study)
W <- vcalc(vi, cluster = study, obs = esid, rho = 0.6, data = d)
fits$assink2016_CHE <- list(rma.mv(yi, W, random = ~ 1 | study/esid, data = d), d$study)
d <- escalc("RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = dat.bcg)
tight <- list(threshold = 1e-12, maxiter = 2000)
fits$bcg_study <- list(rma(yi, vi, mods = cbind(ablat, year), data = d, control = tight), seq_len(nrow(d)))
fits$bcg_alloc <- list(rma(yi, vi, mods = cbind(ablat), data = d, control = tight), d$alloc)

variances <- lapply(fits, function(f) vector_of(if (inherits(f[[1]], "rma.uni")) f[[1]]$tau2 else if (f[[1]]$withG) c(f[[1]]$tau2, f[[1]]$rho) else f[[1]]$sigma2))
out <- list(
  script = unbox("validation/R/robust.R"), source = unbox("metafor's robust() and clubSandwich on six fits"),
  versions = list(R = unbox(R.version.string), metafor = unbox(as.character(packageVersion("metafor"))),
    clubSandwich = unbox(as.character(packageVersion("clubSandwich")))),
  bcg = list(yi = vector_of(as.numeric(d$yi)), vi = vector_of(d$vi), ablat = vector_of(d$ablat),
    year = vector_of(d$year), alloc = vector_of(d$alloc)),
  variances = variances, robust = lapply(fits, function(f) all_of(f[[1]], f[[2]]))
)
writeLines(toJSON(out, digits = I(17), na = "string"), file.path(target, "robust.json"))
