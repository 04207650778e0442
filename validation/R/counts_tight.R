# Mixed models of counts by lme4, let run as far as they go: what metafor's rma.glmm fits with default
# settings, which stop early.
#
# Needs: lme4, jsonlite.  Run from this folder:  Rscript counts_tight.R OUTPUT_FOLDER
# Takes the counts of ../values/counts.json; writes counts_tight.json, as it stands in ../values.

library(lme4)
library(jsonlite)

target <- commandArgs(TRUE)[1]
stopifnot(!is.na(target), dir.exists(target))
sets <- fromJSON("../values/counts.json")$sets
tight <- glmerControl(optimizer = "nloptwrap", optCtrl = list(
  algorithm = "NLOPT_LN_BOBYQA", xtol_abs = 1e-12, xtol_rel = 1e-12, ftol_abs = 1e-14, ftol_rel = 1e-16, maxeval = 1e5),
  check.conv.grad = "ignore", check.conv.singular = "ignore", check.conv.hess = "ignore", tolPwrss = 1e-10)

values <- function(fit, effect) {
  list(beta = unbox(unname(fixef(fit)[effect])), se = unbox(sqrt(as.matrix(vcov(fit))[effect, effect])),
       tau2 = unbox(unname(getME(fit, "theta"))[1]^2))
}

one_set <- function(columns) {
  time <- !is.null(columns$time1)
  size1 <- if (time) columns$time1 else columns$n1
  size2 <- if (time) columns$time2 else columns$n2
  total <- columns$events1 + columns$events2
  keep <- total > 0 & (time | total < size1 + size2)
  e1 <- columns$events1[keep]; e2 <- columns$events2[keep]; size1 <- size1[keep]; size2 <- size2[keep]
  k <- length(e1)
  long <- data.frame(events = c(e1, e2), size = c(size1, size2), group = rep(c(0.5, -0.5), each = k), study = factor(rep(seq_len(k), 2)))
  family <- if (time) poisson else binomial
  response <- if (time) quote(events) else quote(cbind(events, size - events))
  long$shift <- if (time) log(long$size) else 0
  fit <- function(right, nAGQ) suppressWarnings(glmer(
    as.formula(call("~", response, right)), offset = shift, data = long, family = family, nAGQ = nAGQ, control = tight))
  fixed <- fit(quote(0 + study + group + (0 + group | study)), 25)
  wide <- data.frame(e1, e2, shift = log(size1 / size2), study = factor(seq_len(k)))
  approximate <- suppressWarnings(glmer(cbind(e1, e2) ~ 1 + (1 | study), offset = shift, data = wide, family = binomial, nAGQ = 25, control = tight))
  list("UM.FS" = values(fixed, "group"),
       "CM.AL" = values(approximate, "(Intercept)"))
}

versions <- list(R = unbox(R.version.string), lme4 = unbox(as.character(packageVersion("lme4"))))
content <- list(id = unbox("counts_tight"), versions = versions, script = unbox("validation/R/counts_tight.R"),
                sets = lapply(sets, function(s) one_set(s$columns)))
writeLines(toJSON(content, digits = I(15), na = "string"), file.path(target, "counts_tight.json"))
