# Reference values for the prediction intervals "V" and "HTS" of package meta.
#
# Needs: meta, metafor, metadat, jsonlite.  Run from this folder:
#   Rscript meta_predictions.R OUTPUT_FOLDER

library(meta)
library(jsonlite)

target <- commandArgs(TRUE)[1]
stopifnot(!is.na(target), dir.exists(target))

names_wanted <- c("TE.random", "seTE.random", "lower.random", "upper.random", "df.random", "tau2",
                  "lower.predict", "upper.predict", "df.predict")

predictions <- function(yi, vi) {
  found <- list()
  for (interval in c("classic", "HK")) for (prediction in c("V", "HTS")) {
    fit <- metagen(as.numeric(yi), sqrt(as.numeric(vi)), method.tau = "REML",
                   method.random.ci = interval, prediction = TRUE, method.predict = prediction)
    key <- paste0("REML/ci=", interval, "/predict=", prediction)
    found[[key]] <- lapply(fit[names_wanted], function(x) unbox(x[1]))
  }
  found
}

bcg <- metafor::escalc("RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = metadat::dat.bcg)
versions <- list(R = unbox(R.version.string))
for (package in c("metafor", "meta")) versions[[package]] <- unbox(as.character(packageVersion(package)))
content <- list(
  id = unbox("meta_predictions"),
  source = unbox("package meta on given estimates: bcg (log risk ratios), raudenbush1985, hackshaw1998"),
  versions = versions,
  script = unbox("validation/R/meta_predictions.R"),
  sets = list(
    "bcg/RR" = predictions(bcg$yi, bcg$vi),
    "raudenbush1985/SMD" = with(metadat::dat.raudenbush1985, predictions(yi, vi)),
    "hackshaw1998/OR" = with(metadat::dat.hackshaw1998, predictions(yi, vi))
  )
)
writeLines(toJSON(content, digits = I(17), na = "string"), file.path(target, "meta_predictions.json"))
