"""Decoders without Jakiro's experts: autoregressive, prompt lookup, EAGLE-2 and transformers' own."""
