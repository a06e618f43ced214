"""Who takes part: targets, decoders, distillers, arms."""
