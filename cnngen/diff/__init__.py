"""What changed between two networks."""
