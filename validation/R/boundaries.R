# Reference values for the boundaries of looks at growing information: efficacy, futility, inflation.
#
# Needs: rpact, mvtnorm, jsonlite.  Run from this folder:  Rscript boundaries.R OUTPUT_FOLDER
# Writes boundaries.json, as it stands in ../values.

library(rpact)
library(mvtnorm)
library(jsonlite)

target <- commandArgs(TRUE)[1]
stopifnot(!is.na(target), dir.exists(target))

vector_of <- function(x) I(as.vector(unname(x)))
tight <- 1e-10

#: Spending functions by the codes of this project.
types <- list(OBF = list("asOF"), Pocock = list("asP"), HSD = list("asHSD", -4), HSD1 = list("asHSD", 1),
              KD = list("asKD", 3), KD1 = list("asKD", 1))

efficacy <- function(t, alpha, type) {
  args <- list(informationRates = t, kMax = length(t), sided = 2, alpha = alpha,
               typeOfDesign = type[[1]], tolerance = tight)
  if (length(type) > 1) args$gammaA <- type[[2]]
  design <- do.call(getDesignGroupSequential, args)
  inflation <- getDesignCharacteristics(design)$inflationFactor
  list(fraction = vector_of(t), alpha = unbox(alpha), spent = vector_of(design$alphaSpent),
       z = vector_of(design$criticalValues), inflation = unbox(inflation))
}

# A lower boundary by spending of beta that does not bind, one-sided.
futile <- function(t, alpha, beta, type, lower) {
  args <- list(informationRates = t, kMax = length(t), sided = 1, alpha = alpha / 2, beta = beta,
               typeOfDesign = type[[1]], typeBetaSpending = lower[[1]], bindingFutility = FALSE,
               tolerance = tight)
  if (length(type) > 1) args$gammaA <- type[[2]]
  if (length(lower) > 1) args$gammaB <- lower[[2]]
  design <- do.call(getDesignGroupSequential, args)
  inflation <- getDesignCharacteristics(design)$inflationFactor
  list(fraction = vector_of(t), alpha = unbox(alpha), beta = unbox(beta),
       z = vector_of(design$criticalValues), futility = vector_of(design$futilityBounds),
       inflation = unbox(inflation))
}

# The chance of staying within boundaries, by another integral: mvtnorm's over a rectangle.
within <- function(t, z) {
  sigma <- outer(t, t, function(a, b) sqrt(pmin(a, b) / pmax(a, b)))
  p <- pmvnorm(-z, z, sigma = sigma, algorithm = Miwa(steps = 4097))
  list(fraction = vector_of(t), z = vector_of(z), crossed = unbox(1 - as.numeric(p)))
}

times <- list(five = 1:5 / 5, three = c(0.3, 0.55, 1), ten = 1:10 / 10, uneven = c(0.2, 0.25, 0.7, 0.9, 1))
content <- list(
  versions = list(R = unbox(R.version.string), rpact = unbox(as.character(packageVersion("rpact"))),
                  mvtnorm = unbox(as.character(packageVersion("mvtnorm")))),
  script = unbox("validation/R/boundaries.R"),
  efficacy = lapply(times, function(t) lapply(types, function(type) efficacy(t, 0.05, type))),
  strict = lapply(types, function(type) efficacy(1:5 / 5, 0.01, type)),
  futility = list(
    OBF = futile(1:4 / 4, 0.05, 0.2, types$OBF, list("bsOF")),
    uneven = futile(c(0.3, 0.55, 1), 0.05, 0.1, types$OBF, list("bsOF")),
    Pocock = futile(1:4 / 4, 0.05, 0.2, types$Pocock, list("bsP")),
    HSD = futile(1:4 / 4, 0.05, 0.1, types$HSD, list("bsHSD", -2)),
    KD = futile(1:5 / 5, 0.05, 0.2, types$KD, list("bsKD", 2))),
  within = list(within(c(0.2, 0.5, 1), c(3, 2.5, 2)), within(c(0.4, 0.45, 0.9), c(2.2, 2.4, 2.1)),
                within(c(0.25, 0.5, 0.75, 1), c(4.3326, 2.9631, 2.359, 2.0141))))
writeLines(toJSON(content, digits = I(17), na = "string", null = "null"),
           file.path(target, "boundaries.json"))
