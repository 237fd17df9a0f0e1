"""Where models are trained and measured: splits, thresholds, metrics with their intervals."""
