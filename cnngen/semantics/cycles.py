"""Cycles in a graph of names, in linear time."""

import networkx as nx


def find_cycle(graph: "nx.DiGraph[str]") -> list[tuple[str, str]] | None:
    """The edges of a short cycle, in their order; None where there is none."""
    for loop in nx.nodes_with_selfloops(graph):
        return [(loop, loop)]
    for component in nx.strongly_connected_components(graph):
        if len(component) > 1:
            start = next(name for name in graph if name in component)
            following = next(name for name in graph.successors(start) if name in component)
            inside = graph.subgraph(component)
            back = nx.shortest_path(inside, following, start)  # pyright: ignore[reportUnknownMemberType]
            return list(zip([start, *back], back, strict=False))
    return None
