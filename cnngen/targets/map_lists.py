"""Lists of maps, the same in every target that prints Python."""

from collections.abc import Callable, Container
from itertools import chain, count

from cnngen.expressions.expression import ABSENT, Binary, Expression, Index, ListOf, Name, Slice
from cnngen.python import nodes
from cnngen.python.construct import call

Read = Callable[[str], nodes.Node]
Spell = Callable[[Expression], nodes.Node]


def given_list(taken: Container[str]) -> str:
    """What a block calls the list of maps that it is given.

    >>> given_list({}), given_list({"maps"})
    ('maps', 'inputs')
    """
    names = chain(("maps", "inputs"), (f"maps_{number}" for number in count(2)))
    return next(name for name in names if name not in taken)


def list_node(maps: Expression, one: Read, several: Read, number: Spell) -> nodes.Node:
    """A list that a spec makes of others, whose names are variables; `number` spells positions."""

    def made(part: Expression) -> nodes.Node:
        return list_node(part, one, several, number)

    match maps:
        case Name(name):
            return several(name)
        case Slice(of, start, stop, step):
            ends = (None if each == ABSENT else number(each) for each in (start, stop, step))
            return nodes.Subscript(made(of), nodes.Slice(*ends))
        case Binary(_, left, right):
            return _joined(made(left), made(right))
        case ListOf(items):
            return nodes.Display("[", tuple(_item(each, one, several, number) for each in items))
        case _:
            raise AssertionError("no list of maps is anything else")


def _joined(left: nodes.Node, right: nodes.Node) -> nodes.Node:
    """One list behind another: `[stem, *deep]`, where one of them is written out."""
    if not any(isinstance(part, nodes.Display) for part in (left, right)):
        return nodes.Binary("+", left, right)
    return nodes.Display("[", (*_spread(left), *_spread(right)))


def _spread(part: nodes.Node) -> tuple[nodes.Node, ...]:
    match part:
        case nodes.Display(_, items):
            return items
        case nodes.Binary("+", left, right):
            return (*_spread(left), *_spread(right))
        case _:
            return (nodes.Starred(part),)


def spread_lists(node: nodes.Node, lists: Container[str]) -> nodes.Node:
    """Lists behind each other of which some, called `lists`, are no tuples as the others are."""

    def made(part: nodes.Node) -> nodes.Node:
        return spread_lists(part, lists)

    def is_list(part: nodes.Node) -> bool:
        match part:
            case nodes.Display() | nodes.Subscript(_, nodes.Slice()):
                return True
            case nodes.Name(name):
                return name in lists
            case nodes.Binary("+" | "*", left, right):
                return is_list(left) or is_list(right)
            case _:
                return False

    match node:
        case nodes.Binary("+", left, right) if is_list(node):
            return nodes.Display("[", (*_spread(made(left)), *_spread(made(right))))
        case nodes.Binary(operator, left, right):
            return nodes.Binary(operator, made(left), made(right))
        case nodes.Subscript(of, index):
            return nodes.Subscript(made(of), index)
        case nodes.Call(function, arguments):
            given = (a if isinstance(a, nodes.Keyword) else made(a) for a in arguments)
            return nodes.Call(function, tuple(given))
        case _:
            return node


def _item(item: Expression, one: Read, several: Read, number: Spell) -> nodes.Node:
    match item:
        case Name(name):
            return one(name)
        case Index(Name(name), index):
            return nodes.Subscript(several(name), number(index))
        case _:
            raise AssertionError("no map of a list is anything else")


def walked(values: nodes.Node) -> nodes.Node:
    """A list to run through: backwards by `reversed`."""
    match values:
        case nodes.Subscript(of, nodes.Slice(None, None, step)) if step is not None:
            return call("reversed", of)
        case _:
            return values
