"""Hierarchical noise: weights, the law of sigma, draws, statistics and closed forms."""
