"""Verify: run both sources of a network, to see that they are the same network."""
