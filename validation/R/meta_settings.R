# Reference values of package meta for its estimators, intervals and definitions of I2.
#
# Needs: meta, jsonlite.  Run from this folder:  Rscript meta_settings.R OUTPUT_FOLDER
# Takes the estimates and variances of ../values/pairwise_*.json; writes meta_settings.json.

library(meta)
library(jsonlite)

target <- commandArgs(TRUE)[1]
stopifnot(!is.na(target), dir.exists(target))

kept <- c("TE.random", "seTE.random", "df.random", "lower.random", "upper.random", "statistic.random",
          "pval.random", "lower.predict", "upper.predict", "df.predict", "tau2", "lower.tau2", "upper.tau2",
          "Q", "H", "lower.H", "upper.H", "I2", "lower.I2", "upper.I2")

values_of <- function(fit) {
  found <- fit[intersect(kept, names(fit))]
  lapply(found, function(x) if (is.infinite(x)) unbox("Inf") else unbox(as.numeric(x)[1]))
}

one <- function(id, measure) {
  data <- fromJSON(file.path("..", "values", paste0("pairwise_", id, ".json")))$analyses[[measure]]
  gen <- function(...) values_of(metagen(data$yi, sqrt(data$vi), prediction = TRUE, ...))
  out <- list()
  for (m in c("DL", "REML", "PM", "SJ")) out[[paste0("tau=", m)]] <- gen(method.tau = m)
  for (ci in c("classic", "HK", "KR")) for (pi in c("V", "HTS", "HK", "KR", "S"))
    out[[paste0("REML/ci=", ci, "/predict=", pi)]] <- gen(method.random.ci = ci, method.predict = pi)
  for (adhoc in c("se", "ci", "IQWiG6"))
    out[[paste0("REML/HK/adhoc=", adhoc)]] <- gen(method.random.ci = "HK", adhoc.hakn.ci = adhoc)
  for (around in c("QP", "BJ", "J")) out[[paste0("REML/tau.ci=", around)]] <- gen(method.tau.ci = around)
  for (origin in c("Q", "tau2")) out[[paste0("REML/I2=", origin)]] <- gen(method.I2 = origin)
  out
}

sets <- list(
  "bcg/RR" = one("bcg", "RR"), "hackshaw1998/OR" = one("hackshaw1998", "OR"),
  "raudenbush1985/SMD" = one("raudenbush1985", "SMD"))

content <- list(
  script = unbox("validation/R/meta_settings.R"),
  versions = list(R = unbox(R.version.string), meta = unbox(as.character(packageVersion("meta"))),
                  metafor = unbox(as.character(packageVersion("metafor")))),
  sets = sets)
writeLines(toJSON(content, digits = I(13), na = "string", null = "null"), file.path(target, "meta_settings.json"))
