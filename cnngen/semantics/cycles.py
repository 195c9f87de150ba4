"""Cycles: the one thing that is asked of a graph of names."""

from typing import cast

import networkx as nx


def find_cycle(graph: "nx.DiGraph[str]") -> list[tuple[str, str]] | None:
    """The edges of one cycle, in their order; None where there is none."""
    try:
        edges = cast(list[tuple[str, str]], nx.find_cycle(graph))  # pyright: ignore[reportUnknownMemberType]
    except nx.NetworkXNoCycle:
        return None
    return [(edge[0], edge[1]) for edge in edges]
