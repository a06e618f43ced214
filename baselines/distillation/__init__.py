"""Distillers without MIND's perspectives: single rationales, step by step, uniform mixtures and their kin."""
