"""Weights: which of another model's belong to which layer of a network, and how they get there."""
