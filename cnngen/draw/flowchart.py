"""Flowcharts: pictures as text in DOT or Mermaid, for tools that lay them out themselves."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from cnngen.diagnostics.terminal import one_line
from cnngen.draw.figure import Figure
from cnngen.draw.figures import figures
from cnngen.draw.place import frame_title, lines
from cnngen.draw.render import render
from cnngen.semantics.network import Network

PLAIN = re.compile(r"[A-Za-z0-9 .,_+×−-]")


@dataclass(frozen=True, slots=True)
class Node:
    """A box; or an input or output of a figure: a shape, or in a frame its name or a point."""

    id: str
    kind: str
    lines: tuple[str, ...]
    training: bool = False


@dataclass(frozen=True, slots=True)
class Edge:
    tail: str
    head: str
    label: str


@dataclass(frozen=True, slots=True)
class Group:
    """A figure; `groups` are the opened boxes in it."""

    id: str
    title: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    groups: tuple["Group", ...]


def dot(network: Network, depth: int, expand: frozenset[str]) -> str:
    """The figures as a graph for Graphviz."""
    return _text("graph.dot.jinja", network, figures(network, depth, expand))


def mermaid(network: Network, depth: int, expand: frozenset[str]) -> str:
    """The figures as a flowchart for Mermaid, which documents on GitHub and GitLab may contain."""
    return _text("graph.mmd.jinja", network, figures(network, depth, expand))


def _text(template: str, network: Network, shown: Sequence[Figure]) -> str:
    numbers = count()
    groups = [_group(f, " ".join(filter(None, (f.title, f.note))), numbers) for f in shown]
    about = one_line(network.resolution.spec.about)
    filters = {"dot": _dot, "mermaid": _mermaid}
    return render(template, filters, name=groups[0].title, about=about, groups=groups)


def _group(figure: Figure, title: str, numbers: Iterator[int], framed: bool = False) -> Group:
    """In a frame, arrows go to the node of their parameter, or else to the first node, and come
    from the last one.
    """
    groups: list[Group] = []
    nodes: list[Node] = []
    enters: dict[str, str] = {}  # from the key of a box to the node where arrows to it end
    leaves: dict[str, str] = {}
    named: dict[tuple[str, str], str] = {}  # from the key of a box and a parameter of it
    for box in figure.boxes:
        if box.inside:
            group = _group(box.inside, frame_title(box), numbers, framed=True)
            groups.append(group)
            enters[box.key], leaves[box.key] = group.nodes[0].id, group.nodes[-1].id
            named |= {(box.key, x.lines[0]): x.id for x in group.nodes if x.kind == "shape"}
        else:
            nodes.append(Node(f"n{next(numbers)}", box.kind, lines(box), box.training))
            enters[box.key] = leaves[box.key] = nodes[-1].id
    before: dict[str, Node] = {}
    after: dict[str, Node] = {}
    edges: list[Edge] = []

    def outside(nodes: dict[str, Node], key: str, text: str) -> str:
        key = key if text else ""
        if key not in nodes:
            kind, lines = ("shape", (text,)) if text else ("point", ())
            nodes[key] = Node(f"n{next(numbers)}", kind, lines)
        return nodes[key].id

    for arrow in figure.arrows:
        text = arrow.text(framed)
        tail = leaves.get(arrow.tail) or outside(before, arrow.tail, text)
        head = named.get((arrow.head, arrow.parameter)) or enters.get(arrow.head)
        head = head or outside(after, arrow.head, text)
        between = arrow.tail in leaves and arrow.head in enters
        edges.append(Edge(tail, head, arrow.shape if between else ""))
    nodes = [*before.values(), *nodes, *after.values()]
    return Group(f"g{next(numbers)}", title, tuple(nodes), tuple(edges), tuple(groups))


def _dot(text: str) -> str:
    """A text between quotes in DOT, where a backslash begins a command."""
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _mermaid(text: str) -> str:
    """A text between quotes in Mermaid: characters that may mean something have their numbers."""
    return "".join(c if PLAIN.fullmatch(c) else f"#{ord(c)};" for c in text)
