"""Verify: run both sources of a network, and see whether they are the same network."""
