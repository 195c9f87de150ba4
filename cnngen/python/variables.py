"""The variables that code reads and assigns."""

from collections.abc import Iterable
from typing import assert_never

from cnngen.python.nodes import (
    Assign,
    Attribute,
    Augment,
    Binary,
    Blank,
    Call,
    Class,
    Comment,
    Comprehension,
    Conditional,
    Dictionary,
    Display,
    Do,
    For,
    Function,
    If,
    Import,
    Keyword,
    Name,
    Node,
    Nonlocal,
    Number,
    Raise,
    Return,
    Slice,
    Starred,
    Statement,
    String,
    Subscript,
    Text,
    Unary,
    Verbatim,
)
from cnngen.python.scan import words

_PLACE = "0"  # for a node in a text, whose own names are found by itself


def names(code: "Node | Keyword | Statement | Iterable[Statement]") -> set[str]:
    """The names that a node or statements read (not those that are only assigned)."""
    match code:
        case Name(text):
            return {text}
        case Number() | Comment() | Blank() | Import() | Nonlocal():
            return set()
        case String(parts):
            return _all(part for part in parts if not isinstance(part, str))
        case Verbatim(parts):
            nodes = [part for part in parts if not isinstance(part, str)]
            text = "".join(part if isinstance(part, str) else _PLACE for part in parts)
            return words(text) | _all(nodes)
        case Text(lines):
            return words("\n".join(lines))
        case Attribute(value) | Starred(value) | Keyword(_, value) | Do(value):
            return names(value)
        case Return(value) | Raise(value) | Unary(_, value):
            return names(value)
        case Slice(start, stop, step):
            return _all(bound for bound in (start, stop, step) if bound is not None)
        case Call(function, arguments):
            return names(function) | _all(arguments)
        case Binary(_, left, right) | Subscript(left, right):
            return names(left) | names(right)
        case Conditional(test, then, otherwise):
            return names(test) | names(then) | names(otherwise)
        case Display(_, items):
            return _all(items)
        case Dictionary(items):
            return _all(part for entry in items for part in entry)
        case Comprehension(_, element, target, iterable):
            return names(element) - targets(target) | names(iterable)
        case Assign(assigned, value, annotation=annotation):
            own = _union(targets(each) for each in assigned)
            return names(value) | words(annotation) | _all(assigned) - own
        case Augment(target, _, value):
            return names(target) | names(value)
        case If(branches):
            tests = [test for test, _ in branches if test is not None]
            return _all(tests) | _union(names(body) for _, body in branches)
        case For(target, iterable, body):
            return names(iterable) | names(body) | names(target) - targets(target)
        case Function(_, parameters, returns, body):
            defaults = [each.default for each in parameters if each.default is not None]
            types = _union(words(each) for each in (*(p.annotation for p in parameters), returns))
            own = {each.name.lstrip("*") for each in parameters}
            return types | _all(defaults) | (names(body) - own)
        case Class(_, bases, body):
            return _all(bases) | names(body)
        case _:
            return _all(code)


def assigned(statements: Iterable[Statement]) -> set[str]:
    """The names that statements assign, also inside of loops and conditions."""
    return _union(map(_assigned, statements))


def _assigned(statement: Statement) -> set[str]:
    match statement:
        case Assign(each):
            return _union(map(targets, each))
        case Augment(target):
            return targets(target)
        case If(branches):
            return _union(assigned(body) for _, body in branches)
        case For(target, _, body):
            return targets(target) | assigned(body)
        case Function(name) | Class(name):
            return {name}
        case Import(module, ()):
            return {module.split(" as ")[-1].split(".")[0]}
        case Import(_, imported):
            return {each.split(" as ")[-1] for each in imported}
        case Do() | Return() | Raise() | Nonlocal() | Comment() | Blank() | Text():
            return set()
        case _:
            assert_never(statement)


def targets(target: Node) -> set[str]:
    """The names that an assignment to a target binds."""
    match target:
        case Name(text):
            return {text}
        case Display(_, items):
            return _union(map(targets, items))
        case Starred(value):
            return targets(value)
        case Verbatim(parts) if all(isinstance(part, str) for part in parts):
            text = "".join(part for part in parts if isinstance(part, str))
            return set() if "." in text or "[" in text else words(text)
        case _:
            return set()


def _all(codes: "Iterable[Node | Keyword | Statement]") -> set[str]:
    return _union(map(names, codes))


def _union(sets: Iterable[set[str]]) -> set[str]:
    return set[str]().union(*sets)
