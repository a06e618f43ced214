"""The decoding loop and its parts: backbone, cache, tree, sampling, verification, drafters and the clock."""
