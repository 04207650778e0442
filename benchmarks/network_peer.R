# Times a network of R's netmeta: a table of contrasts in, seconds of CPU, tau² and version out.
if (!requireNamespace("netmeta", quietly = TRUE)) quit(status = 3)
suppressMessages(library(netmeta))
d <- read.csv(commandArgs(TRUE)[1])
begin <- proc.time()
fit <- netmeta(d$yi, d$sei, d$treat1, d$treat2, d$study, sm = "MD", method.tau = "REML")
alone <- sum((proc.time() - begin)[1:2])
invisible(netsplit(fit))
seconds <- sum((proc.time() - begin)[1:2])
cat(sprintf(
  '{"seconds": %.6f, "fit": %.6f, "tau2": %.15g, "version": "%s"}\n',
  seconds, alone, fit$tau^2, packageVersion("netmeta")
))
