# Reference values for the models of counts: Mantel-Haenszel, Peto, and mixed models.
#
# Needs: metafor, metadat, lme4, BiasedUrn, numDeriv, jsonlite.
# Run from this folder:  Rscript counts.R OUTPUT_FOLDER
# Writes counts.json, as it stands in ../values, of what does not apply (NA) nothing.

library(metafor)
library(lme4)
library(BiasedUrn)
library(numDeriv)
library(jsonlite)

target <- commandArgs(TRUE)[1]
stopifnot(!is.na(target), dir.exists(target))

scalar <- function(x) if (is.null(x)) NULL else unbox(as.vector(x)[1])
vector_of <- function(x) I(as.vector(unname(x)))
tried <- function(expression) tryCatch(suppressWarnings(expression), error = function(e) e)

pick <- function(fit, names) {
  if (inherits(fit, "error")) return(list(error = unbox(conditionMessage(fit))))
  found <- lapply(setNames(nm = names), function(name) scalar(fit[[name]]))
  if (!is.null(fit$ci.lb)) found <- c(found, ci_lb = list(scalar(fit$ci.lb)), ci_ub = list(scalar(fit$ci.ub)))
  Filter(function(x) !is.null(x) && !is.na(x), found)
}
closed <- c("k", "k.yi", "beta", "se", "zval", "pval", "QE", "I2", "H2", "MH", "MHp", "TA", "TAp", "BD", "BDp", "CO", "COp")
mixed <- c("beta", "se", "zval", "pval", "tau2", "sigma2", "I2", "H2", "QE.Wld", "QE.LRT", "QE.df")
glmm <- function(...) {
  fit <- tried(rma.glmm(...))
  c(pick(fit, mixed), if (!inherits(fit, "error")) list(logLik = scalar(fit$fit.stats["ll", "ML"])))
}

people <- function(source, ai, n1i, ci, n2i, models) {
  mh <- list()
  for (measure in c("OR", "RR", "RD")) {
    mh[[paste0(measure, "/correct")]] <- pick(tried(rma.mh(measure = measure, ai = ai, n1i = n1i, ci = ci, n2i = n2i)), closed)
  }
  mh[["OR/nocorrect"]] <- pick(tried(rma.mh(measure = "OR", ai = ai, n1i = n1i, ci = ci, n2i = n2i, correct = FALSE)), closed)
  for (measure in c("OR", "RR")) {
    mh[[paste0(measure, "/add_half_only0_all")]] <- pick(tried(rma.mh(
      measure = measure, ai = ai, n1i = n1i, ci = ci, n2i = n2i, add = c(1/2, 1/2), to = c("only0", "only0"))), closed)
  }
  fits <- list()
  for (model in models) for (method in c("ML", "EE")) {
    fits[[paste(model, method, sep = "/")]] <- glmm(measure = "OR", ai = ai, n1i = n1i, ci = ci, n2i = n2i, model = model, method = method)
  }
  list(source = unbox(source), columns = lapply(list(events1 = ai, n1 = n1i, events2 = ci, n2 = n2i), vector_of),
       mh = mh, peto = pick(tried(rma.peto(ai = ai, n1i = n1i, ci = ci, n2i = n2i)), closed), glmm = fits)
}

all_models <- c("UM.FS", "UM.RS", "CM.EL", "CM.AL")
bleeding <- metadat::dat.collins1985a
bleeding <- bleeding[!is.na(bleeding$b.xti) & !is.na(bleeding$b.xci), ]
sets <- list(
  bcg = with(metadat::dat.bcg, people("metadat::dat.bcg (Colditz et al. 1994)", tpos, tpos + tneg, cpos, cpos + cneg, all_models)),
  nielweise2007 = with(metadat::dat.nielweise2007, people("metadat::dat.nielweise2007 (rare events)", ai, n1i, ci, n2i, all_models)),
  hine1989 = with(metadat::dat.hine1989, people("metadat::dat.hine1989 (tau2 = 0)", ai, n1i, ci, n2i, all_models)),
  collins1985a = with(bleeding, people(
    "metadat::dat.collins1985a, outcome b (persistent or recurrent bleeding)", b.xti, nti, b.xci, nci, c("UM.FS", "CM.AL")))
)
strokes <- metadat::dat.hart1999
rates <- list(source = unbox("metadat::dat.hart1999 (person-time)"),
  columns = with(strokes, lapply(list(events1 = x1i, time1 = t1i, events2 = x2i, time2 = t2i), vector_of)), mh = list(), glmm = list())
for (measure in c("IRR", "IRD")) {
  rates$mh[[paste0(measure, "/correct")]] <- pick(with(strokes, rma.mh(measure = measure, x1i = x1i, x2i = x2i, t1i = t1i, t2i = t2i)), closed)
}
for (model in c("UM.FS", "UM.RS", "CM.EL")) for (method in c("ML", "EE")) {
  rates$glmm[[paste(model, method, sep = "/")]] <- with(strokes, glmm(
    measure = "IRR", x1i = x1i, x2i = x2i, t1i = t1i, t2i = t2i, model = model, method = method))
}
sets$hart1999 <- rates

versions <- list(R = unbox(R.version.string))
for (package in c("metafor", "metadat", "lme4")) versions[[package]] <- unbox(as.character(packageVersion(package)))
content <- list(id = unbox("counts"), versions = versions, script = unbox("validation/R/counts.R"), sets = sets)
writeLines(toJSON(content, digits = I(15), na = "string", null = "null"), file.path(target, "counts.json"))
