"""YAML nodes: the content of a file, with the place of each part and without YAML's types."""

from dataclasses import dataclass

from cnngen.source import Span


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Scalar:
    """A single value as text; `plain` where it is not quoted and not a block scalar."""

    text: str
    plain: bool
    span: Span


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Sequence:
    items: tuple["Node", ...]
    span: Span


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Mapping:
    """Keys are single values, in the order of the file and without duplicates."""

    entries: tuple[tuple[Scalar, "Node"], ...]
    span: Span

    def get(self, key: str) -> "Node | None":
        return next((value for name, value in self.entries if name.text == key), None)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Broken:
    """A node that could not be read and was reported: later passes leave it out and say nothing."""

    span: Span


Node = Scalar | Sequence | Mapping | Broken


def is_null(node: Node) -> bool:
    """Whether a value is missing, or `null`."""
    return isinstance(node, Scalar) and node.plain and node.text in ("", "null")


def kind(node: Node) -> str:
    """What a diagnostic calls this kind of node."""
    match node:
        case Scalar():
            return "a single value"
        case Sequence():
            return "a list"
        case Mapping():
            return "a mapping"
        case Broken():
            return "a mistake"


def brief(text: str) -> str:
    """Text of a spec as a diagnostic shows it: on one line, and not endless."""
    line = " ".join(text.split())
    return line if len(line) <= 40 else line[:37] + "..."
