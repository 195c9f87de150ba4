"""Traced blocks: a parameter that is a block, followed for all the blocks that it may be."""

from typing import Protocol, assert_never

from cnngen.expressions.evaluate import UNDETERMINED
from cnngen.semantics.facts import Fact, ParameterNames, Symbols, Traced
from cnngen.semantics.op_values import Chosen, OpValue, Passed
from cnngen.semantics.resolve import Resolution
from cnngen.semantics.traced_ops import TracedOps, Trail
from cnngen.syntax.tree import Block, Call


class Tracing(Protocol):
    """What follows the bodies of a network."""

    resolution: Resolution
    symbols: Symbols
    ops: TracedOps
    all: ParameterNames

    def block_of_one(self, call: Call, block: Block, x: Traced, place: Trail) -> Traced: ...


def trace_chosen(call: Call, x: Traced, place: Trail, tracing: Tracing) -> Traced:
    """What a step gives that uses a parameter."""
    uses, symbols = tracing.resolution.block_uses, tracing.symbols
    fact = place.facts[uses.steps[call].name.text]
    if fact.known:
        return tracing.block_of_one(call, fact.value, x, place)
    past = place.past(fact.names or tracing.all)
    *others, last = uses.may_be(call)
    found = tracing.block_of_one(call, last, x, place if fact.value is last else past)
    for block in reversed(others):
        value = UNDETERMINED if fact.value is UNDETERMINED else fact.value is block
        given = tracing.block_of_one(call, block, x, place if value is True else past)
        found = symbols.either(symbols.made(value, [fact], "is", block), given, found)
    return found


def chosen_facts(call: Call, block: Block, place: Trail, tracing: Tracing) -> dict[str, Fact]:
    """What is known of the blocks that a block is given."""
    uses, found = tracing.resolution.block_uses, dict[str, Fact]()
    given = uses.given.get(call, {})
    for parameter in block.parameters:
        name = parameter.name.text
        value = given.get(name, uses.defaults.get(parameter))
        if parameter.type == "block" and value is not None:
            found[name] = _fact(value, place, tracing)
    return found


def _fact(value: OpValue, place: Trail, tracing: Tracing) -> Fact:
    match value:
        case Call():
            return tracing.symbols.constant(tracing.resolution.block_uses.named[value])
        case Passed(parameter):
            return place.facts[parameter.name.text]
        case Chosen(test, then, otherwise):
            decided = tracing.ops.fact(test, place)
            first, second = (_fact(each, place, tracing) for each in (then, otherwise))
            return tracing.symbols.choice(decided, first, second)
        case _:
            assert_never(value)
