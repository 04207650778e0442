# REML and ML of networks by a second route: a multivariate model with known covariances.
#
# Needs: metafor, metadat, jsonlite.  Run from this folder:  Rscript network_likelihood.R OUTPUT_FOLDER
# Writes network_likelihood.json, as it stands in ../values. netmeta's own REML depends on how its
# data are handed to it; this is the likelihood of the contrasts with one base arm a trial, whose
# random effects correlate by one half.

library(metafor)
library(jsonlite)

target <- commandArgs(TRUE)[1]
stopifnot(!is.na(target), dir.exists(target))
scalar <- function(x) unbox(as.vector(x)[1])
vector_of <- function(x) I(as.vector(unname(x)))

# Contrasts of every arm with the first one of its study, and their covariance matrix.
fit_of <- function(study, treat, value, variance, reference) {
  treatments <- c(reference, setdiff(sort(unique(treat)), reference))
  rows <- list(); blocks <- list()
  for (name in unique(study)) {
    at <- which(study == name)
    base <- at[1]; rest <- at[-1]
    design <- matrix(0, length(rest), length(treatments), dimnames = list(NULL, treatments))
    for (i in seq_along(rest)) {
      design[i, treat[rest[i]]] <- 1
      design[i, treat[base]] <- design[i, treat[base]] - 1
    }
    rows[[name]] <- list(y = value[rest] - value[base], X = design, study = rep(name, length(rest)), arm = seq_along(rest))
    blocks[[name]] <- diag(variance[rest], length(rest)) + variance[base]
  }
  y <- unlist(lapply(rows, `[[`, "y")); X <- do.call(rbind, lapply(rows, `[[`, "X"))[, -1]
  frame <- data.frame(study = unlist(lapply(rows, `[[`, "study")), arm = unlist(lapply(rows, `[[`, "arm")))
  V <- bldiag(blocks)
  one <- function(method) {
    fit <- rma.mv(y, V, mods = X, intercept = FALSE, random = ~ arm | study, struct = "CS", rho = 0.5,
                  data = frame, method = method, control = list(optimizer = "optim", optmethod = "BFGS", reltol = 1e-15, maxit = 1000))
    list(tau2 = scalar(fit$tau2), beta = vector_of(fit$beta), se = vector_of(fit$se), logLik = scalar(logLik(fit)))
  }
  list(reference = unbox(reference), treatments = vector_of(treatments[-1]), study = vector_of(study), treat = vector_of(treat),
       value = vector_of(value), variance = vector_of(variance), REML = one("REML"), ML = one("ML"))
}

smoke <- metadat::dat.hasselblad1998
# A half is added to every cell of the studies where nobody in a group had the event.
zero <- smoke$study %in% smoke$study[smoke$xi == 0]
x <- smoke$xi + 0.5 * zero
n <- smoke$ni + zero
diabetes <- metadat::dat.senn2013
content <- list(
  versions = list(R = unbox(R.version.string), metafor = unbox(as.character(packageVersion("metafor")))),
  script = unbox("validation/R/network_likelihood.R"),
  sets = list(
    hasselblad1998 = c(list(source = unbox("metadat::dat.hasselblad1998, log odds ratio"), measure = unbox("OR")), fit_of(as.character(smoke$study), smoke$trt, log(x / (n - x)), 1 / x + 1 / (n - x), "no_contact")),
    senn2013 = c(list(source = unbox("metadat::dat.senn2013, mean difference"), measure = unbox("MD")), fit_of(as.character(diabetes$study), diabetes$treatment, diabetes$mi, diabetes$sdi^2 / diabetes$ni, "placebo"))))
writeLines(toJSON(content, digits = I(17), na = "string", null = "null"), file.path(target, "network_likelihood.json"))
