"""Python as nodes: expressions and statements, which a printer lays out in lines of 100 columns.

Nothing here knows networks. What a template gave as text is `Verbatim`: it is printed as it is,
with the nodes that stand in it laid out. `explode` asks for one element a line, as a comma behind
the last one does. `origin` says what a node was made from; two nodes are equal without it.
"""

from dataclasses import dataclass, field, replace
from typing import Literal

Origin = object


@dataclass(frozen=True, slots=True)
class Name:
    text: str


@dataclass(frozen=True, slots=True)
class Number:
    """A number, as it is spelled; `None`, `True` and `False`."""

    text: str


@dataclass(frozen=True, slots=True)
class String:
    """A string, or an f-string where expressions stand among its parts."""

    parts: "tuple[str | Node, ...]"


@dataclass(frozen=True, slots=True)
class Attribute:
    value: "Node"
    name: str


@dataclass(frozen=True, slots=True)
class Subscript:
    value: "Node"
    index: "Node"


@dataclass(frozen=True, slots=True)
class Slice:
    start: "Node | None"
    stop: "Node | None"
    step: "Node | None" = None


@dataclass(frozen=True, slots=True)
class Keyword:
    name: str
    value: "Node"


@dataclass(frozen=True, slots=True)
class Starred:
    value: "Node"


@dataclass(frozen=True, slots=True)
class Call:
    function: "Node"
    arguments: "tuple[Node | Keyword, ...]" = ()
    explode: bool = False
    origin: Origin = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Unary:
    """`-x`, or `not x`."""

    operator: Literal["-", "not"]
    operand: "Node"


@dataclass(frozen=True, slots=True)
class Binary:
    """Arithmetic, comparisons, `and` and `or`; parentheses follow from the precedences."""

    operator: str
    left: "Node"
    right: "Node"
    origin: Origin = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Conditional:
    test: "Node"
    then: "Node"
    otherwise: "Node"


@dataclass(frozen=True, slots=True)
class Display:
    """A tuple, or a list; a `bare` tuple has no parentheses."""

    kind: Literal["(", "[", "bare"]
    items: "tuple[Node, ...]"
    explode: bool = False


@dataclass(frozen=True, slots=True)
class Dictionary:
    items: "tuple[tuple[Node, Node], ...]"
    explode: bool = False


@dataclass(frozen=True, slots=True)
class Comprehension:
    """A list, or the generator that is the only argument of a call (`kind` is empty then)."""

    kind: Literal["[", "(", ""]
    element: "Node"
    target: "Node"
    iterable: "Node"


@dataclass(frozen=True, slots=True)
class Verbatim:
    """Text with nodes in it."""

    parts: "tuple[str | Node, ...]"
    origin: Origin = field(default=None, compare=False, repr=False)


Node = (
    Name
    | Number
    | String
    | Attribute
    | Subscript
    | Slice
    | Starred
    | Call
    | Unary
    | Binary
    | Conditional
    | Display
    | Dictionary
    | Comprehension
    | Verbatim
)


def with_origin(node: Node, origin: Origin) -> Node:
    """A call, an operation or a text that says what it was made from; others cannot."""
    return replace(node, origin=origin) if isinstance(node, Call | Binary | Verbatim) else node


# --- Statements


@dataclass(frozen=True, slots=True)
class Assign:
    """`x = y = value`, of one target also `x: annotation = value`; `comment` stands behind it where
    it fits, and else above.
    """

    targets: tuple[Node, ...]
    value: Node
    comment: str = ""
    origin: Origin = field(default=None, compare=False, repr=False)
    annotation: str = ""


@dataclass(frozen=True, slots=True)
class Augment:
    """`target += value`."""

    target: Node
    operator: str
    value: Node
    origin: Origin = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Do:
    """An expression for its effect."""

    value: Node
    origin: Origin = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Return:
    value: Node
    comment: str = ""
    origin: Origin = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class If:
    """`if`, `elif` and `else` (whose test is None)."""

    branches: "tuple[tuple[Node | None, tuple[Statement, ...]], ...]"


@dataclass(frozen=True, slots=True)
class For:
    target: Node
    iterable: Node
    body: "tuple[Statement, ...]"


@dataclass(frozen=True, slots=True)
class Nonlocal:
    """Names of the function around, which a function inside of it assigns."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Raise:
    value: Node


@dataclass(frozen=True, slots=True)
class Import:
    """`import module`, which may be `torch.nn.functional as F`, or `from module import names`."""

    module: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Comment:
    """Text behind a `# `."""

    text: str


@dataclass(frozen=True, slots=True)
class Blank:
    """An empty line."""


@dataclass(frozen=True, slots=True)
class Text:
    """Lines that are laid out already, with their indentation, such as a class of a template."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Parameter:
    """Of a function; `*` alone has no annotation."""

    name: str
    annotation: str = ""
    default: Node | None = None


@dataclass(frozen=True, slots=True)
class Function:
    name: str
    parameters: tuple[Parameter, ...]
    returns: str
    body: "tuple[Statement, ...]"
    docstring: str = ""  # laid out, with its quotes and indentation
    origin: Origin = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Class:
    """A class; an empty line stands around its methods and below its docstring. `comment` stands
    behind its head.
    """

    name: str
    bases: tuple[Node, ...]
    body: "tuple[Statement, ...]"
    docstring: str = ""
    comment: str = ""
    origin: Origin = field(default=None, compare=False, repr=False)


Statement = (
    Assign
    | Augment
    | Do
    | Return
    | If
    | For
    | Nonlocal
    | Raise
    | Import
    | Comment
    | Blank
    | Text
    | Function
    | Class
)
