# Penalised logistic regression of a network of trials, by netmeta and brglm2.
#
# Needs: netmeta, brglm2, jsonlite.  Run from this folder:  Rscript counts_penalised.R OUTPUT_FOLDER
# Writes counts_penalised.json as it stands in ../values.

library(netmeta)
library(brglm2)
library(jsonlite)

target <- commandArgs(TRUE)[1]
stopifnot(!is.na(target), dir.exists(target))
data(smokingcessation)
pairs <- pairwise(list(treat1, treat2, treat3), list(event1, event2, event3), list(n1, n2, n3), data = smokingcessation, sm = "OR")
fit <- netmetabin(pairs, sm = "OR", method = "LRP", reference.group = "A")
arms <- unique(rbind(
  data.frame(study = as.integer(pairs$studlab), treat = pairs$treat1, events = pairs$event1, n = pairs$n1),
  data.frame(study = as.integer(pairs$studlab), treat = pairs$treat2, events = pairs$event2, n = pairs$n2)))
arms <- arms[order(arms$study, arms$treat), ]
versions <- list(R = unbox(R.version.string))
for (package in c("netmeta", "brglm2")) versions[[package]] <- unbox(as.character(packageVersion(package)))
content <- list(
  id = unbox("counts_penalised"), source = unbox("netmeta data smokingcessation (24 trials, 4 treatments; Hasselblad 1998)"),
  program = unbox('netmeta netmetabin(method="LRP"), by brglm2'), versions = versions, script = unbox("validation/R/counts_penalised.R"),
  rows = lapply(seq_len(nrow(arms)), function(i) unname(lapply(arms[i, ], unbox))), against = unbox("A"), treatments = c("B", "C", "D"),
  beta = I(unname(fit$TE.common[c("B", "C", "D"), "A"])), se = I(unname(fit$seTE.common[c("B", "C", "D"), "A"])))
writeLines(toJSON(content, digits = I(15)), file.path(target, "counts_penalised.json"))
