# Answers lines on standard input: "METHOD COUNT" fits that many of the data sets in the file of
# the first argument (one a row: k estimates, then k variances) by rma.uni with its defaults, in a
# warm loop, and prints the seconds of CPU that the loop took.
suppressMessages(library(metafor))
data <- as.matrix(read.table(commandArgs(trailingOnly = TRUE)[1], sep = ","))
k <- ncol(data) / 2
input <- file("stdin", "r")
cat(sprintf("metafor %s, R %s.%s\n", packageVersion("metafor"), R.version$major, R.version$minor))
while (length(line <- readLines(input, 1)) > 0) {
  words <- strsplit(line, " ")[[1]]
  rows <- rep_len(seq_len(nrow(data)), as.integer(words[2]))
  start <- sum(proc.time()[1:2])
  for (i in rows) try(suppressWarnings(
    rma.uni(data[i, 1:k], data[i, (k + 1):(2 * k)], method = words[1])), silent = TRUE)
  cat(sprintf("%.6f\n", sum(proc.time()[1:2]) - start))
}
