# Reference values for bootstrap intervals: the BCG trials by DerSimonian and Laird, trials drawn with
# replacement and results drawn from the model, by package boot.
#
# Needs: boot, metafor, metadat, jsonlite.  Run from this folder:  Rscript bootstrap.R OUTPUT_FOLDER
# Writes bootstrap.json.

library(boot)
library(metafor)
library(metadat)
library(jsonlite)

target <- commandArgs(TRUE)[1]
stopifnot(!is.na(target), dir.exists(target))

bcg <- escalc("RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = dat.bcg)
yi <- as.numeric(bcg$yi)
vi <- as.numeric(bcg$vi)
fit <- rma(yi, vi, method = "DL")
both <- function(fit) c(as.numeric(fit$beta), fit$tau2)

set.seed(42)
trials <- boot(seq_along(yi), function(data, i) both(rma(yi[i], vi[i], method = "DL")), R = 499)
parametric <- boot(yi, function(data) both(rma(data, vi, method = "DL")), R = 499, sim = "parametric",
  ran.gen = function(data, mle) rnorm(length(vi), mle[1], sqrt(vi + mle[2])), mle = both(fit))

left <- t(sapply(seq_along(yi), function(i) both(rma(yi[-i], vi[-i], method = "DL"))))
w <- 1 / (vi + fit$tau2)
# boot takes a = sum(L^3) / (6 sum(L^2)^1.5). Of the parametric samples: values of L with the sums of
# cubes and squares that the skewness of the score of tau^2 asks for.
score <- function(a) {
  L <- function(x) c(1, x)
  f <- function(x) sum(L(x)^3) / (6 * sum(L(x)^2)^1.5) - a
  L(uniroot(f, c(-1, 0), tol = 1e-15)$root)
}
of_tau2 <- sum(w^3) / (6 * (sum(w^2) / 2)^1.5)

number <- function(x) unbox(as.numeric(x)[1])
one <- function(sampled, index, L, level) {
  ci <- boot.ci(sampled, conf = level, type = c("perc", "bca"), index = index, L = L)
  list(level = number(level), percentile = as.numeric(ci$percent)[4:5], bca = as.numeric(ci$bca)[4:5])
}
levels <- c(0.95, 0.9, 0.5)
of <- function(sampled, index, L) list(
  fitted = number(sampled$t0[index]), samples = sampled$t[, index],
  acceleration = number(sum(L^3) / (6 * sum(L^2)^1.5)),
  intervals = lapply(levels, function(level) one(sampled, index, L, level)))

content <- list(
  script = unbox("validation/R/bootstrap.R"),
  versions = list(R = unbox(R.version.string), metafor = unbox(as.character(packageVersion("metafor"))),
                  boot = unbox(as.character(packageVersion("boot")))),
  yi = yi, vi = vi,
  trials = list(estimate = of(trials, 1, mean(left[, 1]) - left[, 1]),
                tau2 = of(trials, 2, mean(left[, 2]) - left[, 2])),
  parametric = list(estimate = of(parametric, 1, c(-1, 1)), tau2 = of(parametric, 2, score(of_tau2))),
  indices = boot.array(trials, indices = TRUE)[1:10, ])
writeLines(toJSON(content, digits = I(14), na = "string", null = "null"), file.path(target, "bootstrap.json"))
