"""Lists of maps, the same in every target that prints Python."""

from collections.abc import Callable

from cnngen.expressions.expression import ABSENT, Binary, Expression, Index, ListOf, Name, Slice
from cnngen.python import nodes
from cnngen.python.construct import call

Read = Callable[[str], nodes.Node]
Spell = Callable[[Expression], nodes.Node]


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
    items: list[nodes.Node] = []
    for part in (left, right):
        items += part.items if isinstance(part, nodes.Display) else (nodes.Starred(part),)
    return nodes.Display("[", tuple(items))


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
