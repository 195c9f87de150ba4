"""Folders follow the phases: none imports another one that imports it, in one step or several."""

import ast
from pathlib import Path

import networkx as nx

PACKAGE = Path(__file__).parent.parent / "cnngen"


def test_no_two_folders_import_each_other():
    graph: nx.DiGraph[str] = nx.DiGraph()
    for path in PACKAGE.rglob("*.py"):
        user = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("cnngen."):
                used = str(node.module).split(".")[1]
                graph.add_edge(user, used, at=f"{path.name}:{node.lineno}")
    graph.remove_edges_from(list(nx.selfloop_edges(graph)))
    assert graph.number_of_edges() > 100
    circles = [list(map(str, circle)) for circle in nx.simple_cycles(graph)]
    assert circles == []
