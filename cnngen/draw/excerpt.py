"""Excerpts: the lines that make a layer, in the spec and in the generated sources.

The sources are read as anybody would read them: a block is a class in PyTorch and a function in
Keras; a layer is what is assigned to the attribute, or has the name, of its path. Where loops put
names together in PyTorch, it is the statement around them.
"""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cnngen.diagnostics.synonyms import OPS as OTHER_OPS
from cnngen.semantics.network import Layer, Network, Scope
from cnngen.source import Span
from cnngen.targets.keras.functions import (
    block_function_names,
    model_function_name,
    needed_names,
)
from cnngen.targets.torch.names import block_class_name, model_class_name, module_name

Lines = tuple[int, int]  # the first and the last, counted from 1
Modules = dict[str, list[ast.stmt]]  # of a class, by attribute
Named = dict[tuple[str, ...], list[ast.stmt]]  # of a function
ADDS = ("append", "extend")


@dataclass(frozen=True, slots=True)
class Excerpt:
    """`shown` is what stands together, such as a block, and `marked` what matters of it."""

    file: str
    shown: Lines
    marked: Lines


def in_spec(at: Span, scope: Scope | None) -> Excerpt:
    """A step, in the block or stage in which it stands."""
    around = (scope.block or scope.stage) if scope else None
    marked = _lines(at)
    shown = _lines(around.span) if around and around.span.source is at.source else marked
    inside = shown[0] <= marked[0] and marked[1] <= shown[1]
    return Excerpt(at.source.path, shown if inside else marked, marked)


def _lines(span: Span) -> Lines:
    first, _, last, column = span.corners
    return first, max(first, last - 1) if column == 1 else last


class Sources:
    """The generated sources of a network, by target."""

    def __init__(self, network: Network, texts: dict[str, str]) -> None:
        spec = network.resolution.spec
        self.model = {"torch": model_class_name(spec), "keras": model_function_name(spec)}
        self.functions = block_function_names(network.resolution.order, needed_names(spec))
        self.spec = spec
        self.definitions = {
            (target, node.name): node
            for target, text in texts.items()
            for node in ast.parse(text).body
            if isinstance(node, ast.ClassDef | ast.FunctionDef)
        }
        classes = {k: n for k, n in self.definitions.items() if isinstance(n, ast.ClassDef)}
        functions = {k: n for k, n in self.definitions.items() if isinstance(n, ast.FunctionDef)}
        self.modules = {key: _modules(node) for key, node in classes.items()}
        self.named = {key: _named(node) for key, node in functions.items()}
        self.known: dict[tuple[str, str, str, str], Excerpt | None] = {}

    def layer(self, target: str, layer: Layer) -> Excerpt | None:
        """What makes a layer."""
        scope = layer.scope
        path = layer.path.removeprefix(scope.path) if scope.block else f".{layer.path}"
        op = layer.op.name.replace("_", "")
        key = target, self._name(target, scope), path, op
        if key not in self.known:
            self.known[key] = self._find(*key)
        return self.known[key]

    def block(self, target: str, scope: Scope) -> Excerpt | None:
        """What makes a block."""
        found = self.definitions.get((target, self._name(target, scope)))
        return Excerpt(target, _range(found), _range(found)) if found else None

    def _name(self, target: str, scope: Scope) -> str:
        if scope.block is None:
            return self.model[target]
        if target == "keras":
            return self.functions[scope.block]
        return block_class_name(scope.block.name.text, self.spec)

    def _find(self, target: str, name: str, path: str, op: str) -> Excerpt | None:
        """A layer by its path below a block or the model, which begins with a point."""
        key = (target, name)
        found = self.definitions.get(key)
        if found is None:
            return None
        if key in self.modules:
            inner = _in_class(self.modules[key], module_name(path).split(".")[1:], op)
        else:
            whole = path[1:] if name == self.model[target] else f"name{path}"
            inner = _in_function(self.named[key], whole.replace(".", "_"), op)
        return Excerpt(target, _range(found), _range(inner or found))


def _modules(node: ast.ClassDef) -> Modules:
    """What makes the attributes of a class, in order; under no name, what its own elements."""
    found: Modules = {}
    for part in ast.walk(node):
        match part:
            case ast.Assign([ast.Attribute(ast.Name("self"), name)]):
                found.setdefault(name, []).append(part)
            case ast.Expr(ast.Call(ast.Attribute(ast.Attribute(ast.Name("self"), name), adds))):
                if adds in ADDS:
                    found.setdefault(name, []).append(part)
            case ast.Expr(ast.Call(ast.Attribute(ast.Name("self"), adds))) if adds in ADDS:
                found.setdefault("", []).append(part)
            case ast.Expr(ast.Call(ast.Attribute(ast.Call(ast.Name("super")), "__init__"))):
                found.setdefault("", []).append(part)
            case _:
                pass
    return {name: sorted(parts, key=lambda part: part.lineno) for name, parts in found.items()}


def _in_class(modules: Modules, path: Sequence[str], op: str) -> ast.AST | None:
    """What makes the module at a path: `self.branch3`, and in it the element 0."""
    if not path:
        return None
    first, *rest = path
    if first not in modules and first.isdecimal():
        first, rest = "", list(path)
    parts = modules.get(first, [])
    whole = next((part for part in parts if op in _ops(part)), parts[0] if parts else None)
    call = whole.value if isinstance(whole, ast.Assign | ast.Expr) else None
    if rest and isinstance(call, ast.Call) and (element := _element(call, rest[0])):
        return element
    return whole


def _ops(node: ast.AST) -> set[str]:
    """The ops of which a statement speaks, by what frameworks and our own functions call them."""
    parts = list(ast.walk(node))
    names = {part.attr.lower() for part in parts if isinstance(part, ast.Attribute)}
    names |= {part.id.lower() for part in parts if isinstance(part, ast.Name)}
    plain = (name.replace("_", "") for name in names)
    return {OTHER_OPS.get(name, name).replace("_", "") for name in plain}


def _element(call: ast.Call, position: str) -> ast.AST | None:
    """The argument at a position, where no argument before it stands for several."""
    index = int(position) if position.isdecimal() else len(call.args)
    several = any(isinstance(argument, ast.Starred) for argument in call.args[: index + 1])
    return None if several or index >= len(call.args) else call.args[index]


def _named(node: ast.FunctionDef) -> Named:
    """The names that a function gives, by what is known of them, and the statements that do."""
    found: Named = {}
    for statement in _statements(node.body):
        for call in ast.walk(statement):
            if isinstance(call, ast.keyword) and call.arg == "name":
                found.setdefault(tuple(_texts(call.value)), []).append(statement)
    return found


def _in_function(named: Named, name: str, op: str) -> ast.AST | None:
    """The statement that makes the layer of this name; of several, one that speaks of its op, and
    of these the one that says most of the name.
    """
    found = [(len(name) + 1, statement) for statement in named.get((name,), ())] or [
        (sum(map(len, texts)), statement)
        for texts, statements in named.items()
        if len(texts) > 1 and re.fullmatch(r"\w+".join(map(re.escape, texts)), name)
        for statement in statements
    ]
    if len(found) > 1:
        found.sort(key=lambda pair: (op in _ops(pair[1]), pair[0]), reverse=True)
    return found[0][1] if found else None


def _statements(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that have no others inside."""
    for statement in body:
        inner = [
            child
            for field in ("body", "orelse")
            for child in getattr(statement, field, ())
            if isinstance(child, ast.stmt)
        ]
        if inner:
            yield from _statements(inner)
        else:
            yield statement


def _texts(name: ast.expr) -> list[str]:
    """What is known of a name: the texts between the parts that are only known at run time."""
    match name:
        case ast.Constant(str(text)):
            return [text]
        case ast.JoinedStr(values):
            texts = [""]
            for value in values:
                if isinstance(value, ast.Constant):
                    texts[-1] += str(value.value)
                else:
                    texts.append("")
            return texts
        case _:
            return ["", ""]


def _range(node: ast.AST) -> Lines:
    first, last = getattr(node, "lineno", 1), getattr(node, "end_lineno", 1)
    return int(first), int(last)
