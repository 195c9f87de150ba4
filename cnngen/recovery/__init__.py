"""A flat graph -> the tree of a spec: blocks, loops and branches, with what differs as parameters."""
