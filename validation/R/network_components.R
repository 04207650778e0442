# Component models by netcomb and discomb: additive, with an interaction, without an inactive one.
#
# Needs: netmeta, meta, jsonlite.  Run from this folder:  Rscript network_components.R OUTPUT_FOLDER
# Writes network_components.json, as it stands in ../values.

library(netmeta)
library(meta)
library(jsonlite)

target <- commandArgs(TRUE)[1]
stopifnot(!is.na(target), dir.exists(target))

scalar <- function(x) unbox(as.vector(x)[1])
vector_of <- function(x) I(as.vector(unname(x)))
above <- function(m) I(t(as.matrix(m))[lower.tri(m)])
of_names <- function(x, names) lapply(setNames(nm = names), function(n) x[[n]])

SCALARS <- c("k", "m", "n", "d", "c", "s", "Q.additive", "df.Q.additive", "pval.Q.additive",
             "Q.standard", "df.Q.standard", "pval.Q.standard", "Q.diff", "df.Q.diff", "pval.Q.diff",
             "tau", "I2", "lower.I2", "upper.I2")
kinds <- function(names) as.vector(outer(names, c("common", "random"), paste, sep = "."))

told <- function(g) {
  known <- Filter(function(n) length(g[[n]]) == 1, SCALARS)
  c(list(scalars = lapply(of_names(g, known), scalar), comps = vector_of(g$comps), trts = vector_of(g$trts)),
    lapply(of_names(g, kinds(c("Comp", "seComp", "lower.Comp", "upper.Comp", "statistic.Comp",
                               "pval.Comp", "Comb", "seComb"))), vector_of),
    lapply(of_names(g, kinds(c("TE", "seTE"))), above),
    list(C.matrix = unname(as.matrix(g$C.matrix)), X.matrix = unname(as.matrix(g$X.matrix))))
}

data(Linde2016)
net <- netmeta(lnOR, selnOR, treat1, treat2, id, data = Linde2016, sm = "OR", reference.group = "Placebo")
rows <- data.frame(TE = Linde2016$lnOR, seTE = Linde2016$selnOR, treat1 = Linde2016$treat1,
                   treat2 = Linde2016$treat2, studlab = Linde2016$id)
C <- netcomb(net, inactive = "Placebo")$C.matrix
C <- cbind(C, "Face-to-face PST*SSRI" = as.numeric(rownames(C) == "Face-to-face PST + SSRI"))
C <- C[, colnames(C) != "Placebo"]

example <- data.frame(
  TE = c(4.1, 2.05, 0, 0, 0.1, 0.1, 0.05), seTE = rep(0.1, 7),
  treat1 = c("A + B", "A + C", "A", "A", "D", "D", "E"),
  treat2 = c("C", "B", "B + C", "A + D", "E", "F", "F"), studlab = paste("study", c(1:4, 5, 5, 5)))
apart <- function(p, sm, inactive, reference) {
  discomb(TE, seTE, treat1, treat2, studlab, data = p, sm = sm, inactive = inactive, reference.group = reference)
}

content <- list(
  source = unbox("netmeta on Linde2016, and the example of help(discomb)"),
  script = unbox("validation/R/network_components.R"),
  versions = list(R = unbox(R.version.string), netmeta = unbox(as.character(packageVersion("netmeta"))),
                  meta = unbox(as.character(packageVersion("meta")))),
  Linde2016 = list(
    netcomb_inactive_placebo = told(netcomb(net, inactive = "Placebo")),
    netcomb_no_inactive = told(netcomb(net)),
    netcomb_interaction_PST_SSRI = told(netcomb(net, inactive = "Placebo", C.matrix = C)),
    discomb_full = told(apart(rows, "OR", "Placebo", "Placebo"))),
  example = list(
    input = list(study = vector_of(example$studlab), treat1 = vector_of(example$treat1),
                 treat2 = vector_of(example$treat2), yi = vector_of(example$TE), sei = vector_of(example$seTE)),
    n.subnets = scalar(netconnection(example$treat1, example$treat2, example$studlab)$n.subnets),
    discomb = told(apart(example, "MD", NULL, "")),
    discomb_inactive_F = told(apart(example, "MD", "F", ""))))
writeLines(toJSON(content, digits = I(15), na = "string"), file.path(target, "network_components.json"))
