"""Weights: which weight of another model belongs to which layer of a network, and how it gets
there.
"""
