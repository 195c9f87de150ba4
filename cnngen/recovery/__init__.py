"""A flat graph -> the tree of a spec: blocks, loops and branches, with parameters for numbers."""
