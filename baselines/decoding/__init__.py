"""Decoders without Jakiro's experts: autoregressive, speculative sampling, prompt lookup and learned heads."""
