"""Recordings to words: hidden Markov models with mixtures or with networks (the hybrid)."""
