"""The architecture is as CONTRIBUTING's map has it: each folder and module uses only those above it,
and none imports another one that imports it, in one step or several.
"""

import ast
import re
from pathlib import Path

import networkx as nx
import pytest
from support.documentation_pages import ROOT

PACKAGE = ROOT / "cnngen"
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def imports() -> "nx.DiGraph[str]":
    """What folders and modules at the top import from each other, with one place of each."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    for path in PACKAGE.rglob("*.py"):
        user = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("cnngen."):
                used = str(node.module).split(".")[1]
                if used != user:
                    graph.add_edge(user, used, at=f"{path.name}:{node.lineno}")
    assert graph.number_of_edges() > 100
    return graph


def rows() -> list[tuple[list[str], str]]:
    """The rows of the map: folders and modules without their endings, and where to start reading."""
    table = CONTRIBUTING.partition("## Map")[2].partition("| --- | --- | --- |\n")[2]
    cells = [line.split(" | ") for line in table.partition("\n\n")[0].splitlines()]
    return [
        (re.findall(r"`([\w/]+?)(?:/|\.py)`", names), door.removesuffix(" |"))
        for names, _, door in cells
    ]


def test_no_two_folders_import_each_other():
    assert [list(map(str, circle)) for circle in nx.simple_cycles(imports())] == []


def test_each_uses_only_those_above_it():
    graph = imports()
    place = {name: i for i, (names, _) in enumerate(rows()) for name in names}
    wrong = [
        (user, used, graph.edges[user, used]["at"])
        for user, used in graph.edges
        if user != "__init__" and place[used] > place[user]
    ]
    assert wrong == []


def test_everything_is_on_the_map():
    files = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}
    folders = {str(path.parent.relative_to(PACKAGE)) for path in PACKAGE.rglob("*/__init__.py")}
    explained = {"diagnostics/explain"}  # in the row of its folder
    names = [name for each, _ in rows() for name in each]
    assert sorted(names) == sorted(files | folders - explained)


@pytest.mark.parametrize(("names", "door"), rows(), ids=str)
def test_each_has_one_door(names: list[str], door: str):
    (path,) = re.findall(r"^\[\w+\.py\]\((.+)\)$", door)
    assert (ROOT / path).is_file()
    inside = [PACKAGE / name for name in names]
    assert any(p.with_suffix(".py") == ROOT / path or p == (ROOT / path).parent for p in inside)


def test_every_link_of_contributing_leads_somewhere():
    for target in re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", CONTRIBUTING):
        assert (ROOT / Path(target)).exists(), target
