"""SVAMP as a suite: one-step word problems, varied so that reading the question matters."""
