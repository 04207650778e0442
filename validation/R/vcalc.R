# Covariance matrices of dependent effects by vcalc(), and aggregated effects.
#
# Needs: metafor 3.8-1 or later, metadat, jsonlite.  Run from this folder:  Rscript vcalc.R OUTPUT_FOLDER
# Writes vcalc.json: for each case the columns, the settings and the matrix.

library(metafor)
library(jsonlite)

target <- commandArgs(TRUE)[1]
stopifnot(!is.na(target), dir.exists(target))

frame <- function(d) lapply(as.list(d), function(x) I(if (is.factor(x)) as.character(x) else as.vector(x)))
one <- function(columns, V, ...) list(columns = frame(columns), settings = list(...), V = unname(as.matrix(V)))
cases <- list()

d <- dat.assink2016
d <- d[d$study %in% c(3, 16), c("study", "esid", "vi", "deltype")]
cases$obs <- one(d, vcalc(vi, cluster = study, obs = esid, data = d, rho = 0.6), rho = unbox(0.6))
cases$type_obs <- one(d, vcalc(vi, cluster = study, type = deltype, obs = esid, data = d, rho = c(0.7, 0.5)), rho = c(0.7, 0.5))
cases$type <- one(d, vcalc(vi, cluster = study, type = deltype, data = d, rho = 0.4), rho = unbox(0.4))
d$half <- rep_len(c("a", "a", "b"), nrow(d))
cases$subgroup <- one(d, vcalc(vi, cluster = study, subgroup = half, obs = esid, data = d, rho = 0.6), rho = unbox(0.6))
d$scale <- rep_len(c("p", "q"), nrow(d))
R <- matrix(c(1, 0.3, 0.3, 1), 2, dimnames = list(c("p", "q"), c("p", "q")))
cases$rho_matrix <- one(d, vcalc(vi, cluster = study, obs = scale, data = d, rho = R, checkpd = FALSE), rho = unbox(0.3))
cases$repeated_obs <- one(d, vcalc(vi, cluster = study, type = deltype, obs = scale, data = d, rho = c(0.7, 0.5), checkpd = FALSE), rho = c(0.7, 0.5))

d <- data.frame(study = c(1, 1, 1, 2, 2, 3, 3, 3, 3), time = c(1, 2, 5, 1, 3, 0.5, 1, 2, 4),
  what = c("a", "a", "b", "a", "b", "a", "b", "a", "b"),
  vi = c(0.1, 0.2, 0.15, 0.3, 0.1, 0.12, 0.2, 0.25, 0.05))
cases$time <- one(d, vcalc(vi, cluster = study, time1 = time, phi = 0.9, data = d), phi = unbox(0.9))
cases$time_type <- one(d, vcalc(vi, cluster = study, time1 = time, type = what, phi = 0.8, rho = 0.5, data = d), phi = unbox(0.8), rho = unbox(0.5))

d <- data.frame(study = c(1, 1, 1, 2, 2, 2, 3, 3), g1 = c("A", "B", "C", "A", "A", "B", "A", "C"),
  g2 = c("P", "P", "P", "P", "B", "P", "P", "D"), n1 = c(50, 40, 30, 20, 20, 25, 60, 61),
  n2 = c(45, 45, 45, 22, 25, 22, 70, 71), vi = c(0.1, 0.2, 0.15, 0.3, 0.1, 0.12, 0.2, 0.25),
  scale = c("x", "x", "y", "x", "x", "y", "x", "y"))
cases$groups <- one(d, vcalc(vi, cluster = study, grp1 = g1, grp2 = g2, data = d, checkpd = FALSE))
cases$groups_sizes <- one(d, vcalc(vi, cluster = study, grp1 = g1, grp2 = g2, w1 = n1, w2 = n2, data = d, checkpd = FALSE))
cases$groups_obs <- one(d, vcalc(vi, cluster = study, grp1 = g1, grp2 = g2, w1 = n1, w2 = n2, obs = scale, rho = 0.7, data = d, checkpd = FALSE), rho = unbox(0.7))

d <- data.frame(study = c(1, 1, 1, 2, 2, 3, 3), g1 = c("A", "A", "B", "A", "A", "A", "B"), g2 = c("A", "A", "A", "B", "B", "A", "B"),
  t1 = c(2, 3, 2, 2, 3, 2, 2), t2 = c(1, 1, 1, 1, 1, 1, 1), vi = c(0.1, 0.2, 0.15, 0.3, 0.1, 0.12, 0.2),
  n1 = c(20, 20, 30, 40, 41, 50, 10), n2 = c(20, 20, 25, 40, 38, 50, 10))
cases$within <- one(d, vcalc(vi, cluster = study, grp1 = g1, grp2 = g2, time1 = t1, time2 = t2, phi = 0.7, data = d, checkpd = FALSE), phi = unbox(0.7))
cases$within_sizes <- one(d, vcalc(vi, cluster = study, grp1 = g1, grp2 = g2, time1 = t1, time2 = t2, w1 = n1, w2 = n2, phi = 0.7, data = d, checkpd = FALSE), phi = unbox(0.7))

d <- dat.assink2016
e <- escalc(yi = yi, vi = vi, data = d, measure = "GEN")
get <- function(a) list(study = I(a$study), yi = I(as.numeric(a$yi)), vi = I(a$vi))
aggregated <- list(ID = get(aggregate(e, cluster = study, struct = "ID")), CS = get(aggregate(e, cluster = study, struct = "CS", rho = 0.6)),
  CS_unweighted = get(aggregate(e, cluster = study, struct = "CS", rho = 0.6, weighted = FALSE)),
  CAR = get(aggregate(e, cluster = study, struct = "CAR", time = esid, phi = 0.8)))
out <- list(script = unbox("validation/R/vcalc.R"), source = unbox("vcalc() and aggregate() of metafor"), versions = list(R = unbox(R.version.string), metafor = unbox(as.character(packageVersion("metafor")))),
  cases = cases, aggregated = aggregated)
writeLines(toJSON(out, digits = I(17), na = "string"), file.path(target, "vcalc.json"))
