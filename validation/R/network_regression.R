# Network meta-regression on one covariate as a multivariate model with known covariances.
#
# Needs: metafor, metadat, jsonlite.  Run from this folder:  Rscript network_regression.R OUTPUT_FOLDER
# Writes network_regression.json, as it stands in ../values. Contrasts of every arm with the first
# one of its study, random effects of which correlate by one half; the covariate is the year of the
# trial, centred over the trials. Exchangeable slopes are a second variance, whose likelihood is
# maximised here with optim, and checked at the values that it gives.

library(metafor)
library(jsonlite)

target <- commandArgs(TRUE)[1]
stopifnot(!is.na(target), dir.exists(target))
scalar <- function(x) unbox(as.vector(x)[1])
vector_of <- function(x) I(as.vector(unname(x)))

fits_of <- function(study, treat, value, variance, year, reference) {
  active <- setdiff(sort(unique(treat)), reference)
  center <- mean(year[!duplicated(study)])
  rows <- list(); blocks <- list()
  code <- function(t) as.numeric(active == t)
  for (name in unique(study)) {
    at <- which(study == name); base <- at[1]; rest <- at[-1]
    design <- t(sapply(rest, function(i) code(treat[i]) - code(treat[base])))
    anything <- sapply(rest, function(i) (treat[i] != reference) - (treat[base] != reference))
    z <- year[base] - center
    rows[[name]] <- list(y = value[rest] - value[base], X = design, common = anything * z, own = design * z,
                         study = rep(name, length(rest)), arm = seq_along(rest))
    blocks[[name]] <- diag(variance[rest], length(rest)) + variance[base]
  }
  join <- function(part) do.call(rbind, lapply(rows, `[[`, part))
  y <- unlist(lapply(rows, `[[`, "y")); X <- join("X"); own <- join("own")
  common <- unlist(lapply(rows, `[[`, "common"))
  frame <- data.frame(study = unlist(lapply(rows, `[[`, "study")), arm = unlist(lapply(rows, `[[`, "arm")))
  V <- bldiag(blocks)
  one <- function(mods, tests, method) {
    fit <- rma.mv(y, V, mods = mods, intercept = FALSE, random = ~ arm | study, struct = "CS", rho = 0.5, btt = tests,
                  data = frame, method = method, control = list(optimizer = "optim", optmethod = "BFGS", reltol = 1e-16, maxit = 2000))
    list(tau2 = scalar(fit$tau2), beta = vector_of(fit$beta), se = vector_of(fit$se), QM = scalar(fit$QM),
         QE = scalar(fit$QE), logLik = scalar(logLik(fit)))
  }
  p <- ncol(X)
  told <- sapply(active, function(t) length(unique(year[treat == t])) > 1)
  R <- 0.5 * (outer(frame$study, frame$study, "==") + diag(nrow(frame)))
  exchangeable <- function() {
    D <- own / sd(year); M <- cbind(X, common / sd(year))
    minus <- function(theta) {
      S <- V + exp(theta[1]) * R + exp(theta[2]) * tcrossprod(D)
      W <- solve(S); XWX <- t(M) %*% W %*% M
      b <- solve(XWX, t(M) %*% W %*% y); e <- y - M %*% b
      0.5 * (determinant(S)$modulus + determinant(XWX)$modulus + t(e) %*% W %*% e)
    }
    best <- NULL
    for (start in list(c(-1, -1), c(-3, -3), c(-1, -6), c(0, -3))) {
      found <- optim(start, minus, method = "Nelder-Mead", control = list(reltol = 1e-16, maxit = 5000))
      if (is.null(best) || found$value < best$value) best <- found
    }
    list(tau2 = scalar(exp(best$par[1])), omega2 = scalar(exp(best$par[2]) / var(year)), loglik = scalar(-best$value))
  }
  list(reference = unbox(reference), active = vector_of(active), center = scalar(center),
       study = vector_of(study), treat = vector_of(treat), value = vector_of(value), variance = vector_of(variance), year = vector_of(year),
       none = one(X, 1:p, "REML"), REML = one(cbind(X, common), p + 1, "REML"), ML = one(cbind(X, common), p + 1, "ML"),
       told = vector_of(unname(told)), independent = one(cbind(X, own[, told]), p + seq_len(sum(told)), "REML"),
       exchangeable = exchangeable())
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
  script = unbox("validation/R/network_regression.R"),
  sets = list(
    hasselblad1998 = c(list(source = unbox("metadat::dat.hasselblad1998, log odds ratio"), measure = unbox("OR")),
      fits_of(as.character(smoke$study), smoke$trt, log(x / (n - x)), 1 / x + 1 / (n - x), smoke$year, "no_contact")),
    baker2009 = c(list(source = unbox("metadat::dat.baker2009, log odds ratio"), measure = unbox("OR")),
      fits_of(copd$study, copd$treatment, log(x2 / (n2 - x2)), 1 / x2 + 1 / (n2 - x2), copd$year, "Placebo"))))
writeLines(toJSON(content, digits = I(17), na = "string", null = "null"), file.path(target, "network_regression.json"))
