# Reference values for leave-one-out, cumulative synthesis, influence and Baujat's axes.
#
# Needs: metafor, metadat, jsonlite.  Run from this folder:  Rscript robustness.R OUTPUT_FOLDER
# Writes robustness.json, as it stands in ../values.

library(metafor)
library(jsonlite)

target <- commandArgs(TRUE)[1]
stopifnot(!is.na(target), dir.exists(target))

# metafor's default tolerances stop at 1e-5 (absolute); these let it go as far as it can.
tight <- list(threshold = 1e-12, maxiter = 20000, tol = 1e-13)
vector_of <- function(x) I(as.vector(unname(x)))

columns <- c("estimate", "se", "zval", "pval", "ci.lb", "ci.ub", "Q", "Qp", "tau2", "I2", "H2")

refits <- function(found) {
  present <- Filter(function(name) !is.null(found[[name]]), columns)
  lapply(setNames(present, present), function(name) vector_of(found[[name]]))
}

one_fit <- function(yi, vi, method, test) {
  fit <- rma(yi, vi, method = method, test = test, control = tight)
  values <- list(leave1out = refits(leave1out(fit)), cumul = refits(cumul(fit)))
  if (test == "z") {
    found <- influence(fit)
    standard <- rstandard(fit)
    axes <- baujat(fit)
    if (length(found$inf$rstudent) != length(yi)) stop("not one value a trial")
    keep <- c("rstudent", "dffits", "cook.d", "cov.r", "tau2.del", "QE.del", "hat", "weight")
    values$influence <- lapply(setNames(keep, keep), function(name) vector_of(found$inf[[name]]))
    values$influence$dfbs <- vector_of(found$dfbs[[1]])
    values$influence$influential <- vector_of(found$is.infl)
    values$influence$rstandard <- vector_of(standard$z)
    values$influence$resid_se <- vector_of(standard$se)
    values$baujat <- list(x = vector_of(axes$x), y = vector_of(axes$y))
    if (method != "FE") {
      best <- blup(fit)
      values$influence$blup <- vector_of(best$pred)
      values$influence$blup_se <- vector_of(best$se)
    }
  }
  values
}

pdf(NULL)
a_set <- function(source, yi, vi) {
  yi <- as.numeric(yi)
  vi <- as.numeric(vi)
  list(source = unbox(source), yi = vector_of(yi), vi = vector_of(vi), fits = list(
    "FE/z" = one_fit(yi, vi, "FE", "z"), "DL/z" = one_fit(yi, vi, "DL", "z"),
    "REML/z" = one_fit(yi, vi, "REML", "z"), "REML/knha" = one_fit(yi, vi, "REML", "knha")))
}

tables <- with(metadat::dat.bcg, escalc("RR", ai = tpos, bi = tneg, ci = cpos, di = cneg))
stay <- with(metadat::dat.normand1999, escalc("SMD",
  m1i = m1i, sd1i = sd1i, n1i = n1i, m2i = m2i, sd2i = sd2i, n2i = n2i))
smoke <- metadat::dat.hackshaw1998
teachers <- metadat::dat.raudenbush1985
content <- list(
  versions = list(R = unbox(R.version.string),
                  metafor = unbox(as.character(packageVersion("metafor"))),
                  metadat = unbox(as.character(packageVersion("metadat")))),
  script = unbox("validation/R/robustness.R"),
  sets = list(
    bcg = a_set("metadat::dat.bcg, log risk ratio", tables$yi, tables$vi),
    normand1999 = a_set("metadat::dat.normand1999, SMD", stay$yi, stay$vi),
    hackshaw1998 = a_set("metadat::dat.hackshaw1998, log odds ratio", smoke$yi, smoke$vi),
    raudenbush1985 = a_set("metadat::dat.raudenbush1985, SMD", teachers$yi, teachers$vi)))
writeLines(toJSON(content, digits = I(17), na = "string", null = "null"),
           file.path(target, "robustness.json"))
