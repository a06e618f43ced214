"""Whether a decoder keeps the target's output: greedy, sampling, whole decoders."""
