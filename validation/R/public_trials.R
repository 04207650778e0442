# Tables of published trials, as they stand in metadat: what the tests of wrongly entered data hold
# to be clean. Writes values/public_trials.json.
#
# Needs: metadat, jsonlite.  Run from this folder:  Rscript public_trials.R OUTPUT_FOLDER

library(metadat)
library(jsonlite)

target <- commandArgs(TRUE)[1]
stopifnot(!is.na(target), dir.exists(target))

counts <- function(study, events1, n1, events2, n2) {
  keep <- complete.cases(events1, n1, events2, n2)
  columns <- list(events1 = events1, n1 = n1, events2 = events2, n2 = n2)
  c(list(study = I(as.character(study)[keep])), lapply(columns, function(x) I(x[keep])))
}
sets <- list(
  bcg = with(dat.bcg, counts(paste(author, year), tpos, tpos + tneg, cpos, cpos + cneg)),
  nielweise2007 = with(dat.nielweise2007, counts(paste(author, year), ai, n1i, ci, n2i)),
  collins1985a = with(dat.collins1985a, counts(trial, b.xti, nti, b.xci, nci)),
  hine1989 = with(dat.hine1989, counts(source, ai, n1i, ci, n2i)),
  normand1999 = with(dat.normand1999, list(study = I(source), mean1 = I(m1i), sd1 = I(sd1i),
    n1 = I(n1i), mean2 = I(m2i), sd2 = I(sd2i), n2 = I(n2i))),
  raudenbush1985 = with(dat.raudenbush1985, list(study = I(paste(author, year)),
    yi = I(as.vector(yi)), vi = I(vi)))
)
versions <- list(R = unbox(R.version.string), metadat = unbox(as.character(packageVersion("metadat"))))
write(toJSON(list(id = unbox("public_trials"), source = unbox("metadat"),
                  script = unbox("validation/R/public_trials.R"), versions = versions, sets = sets),
             digits = I(15), na = "string"), file.path(target, "public_trials.json"))
