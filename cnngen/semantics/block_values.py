"""Blocks as values: which blocks a parameter of type `block` may be.

Those that the file gives for it, and those that nothing else uses and that fit wherever it is used:
they are there to be chosen, by `--set` or in generated code.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from cnngen.expressions.algebra import free_names
from cnngen.expressions.evaluate import EvaluationError, Undetermined, evaluate
from cnngen.expressions.expression import Conditional, Expression, Name
from cnngen.ops import OPS
from cnngen.semantics.attributes import Invalid
from cnngen.semantics.definitions import Definitions
from cnngen.semantics.op_values import OpValue, linked, named_ops
from cnngen.semantics.parameters import checked
from cnngen.semantics.walk import calls
from cnngen.source import Span
from cnngen.syntax.tree import NAMED, ArgumentValue, Block, Call, Distribution, Parameter

Called = Callable[[Call], Sequence[Block]]  # the blocks that a call may be of


@dataclass(slots=True, eq=False)
class BlockUses:
    """The parameters of a spec that are blocks.

    `steps` has the parameter of each step that uses one, and `places` the names that are defined
    there; `named` has the block of each name that stands as a value. `defaults` are what parameters
    are by themselves, and `given` what calls give to those of blocks. `candidates` has all blocks
    that a parameter may be, in the order of the file.
    """

    steps: dict[Call, Parameter] = field(default_factory=dict[Call, Parameter])
    places: dict[Call, Definitions] = field(default_factory=dict[Call, Definitions])
    named: dict[Call, Block] = field(default_factory=dict[Call, Block])
    defaults: dict[Parameter, OpValue] = field(default_factory=dict[Parameter, OpValue])
    given: dict[Call, dict[str, OpValue]] = field(default_factory=dict[Call, dict[str, OpValue]])
    candidates: dict[Parameter, tuple[Block, ...]] = field(
        default_factory=dict[Parameter, tuple[Block, ...]]
    )

    def may_be(self, call: Call) -> tuple[Block, ...]:
        """The blocks that a step may be that uses a parameter."""
        return self.candidates.get(self.steps[call], ()) if call in self.steps else ()

    def given_at(self, block: Block) -> Span | None:
        """Where a block is first given for a parameter."""
        values = [*self.defaults.values()]
        values += [value for given in self.given.values() for value in given.values()]
        named = (call for value in values for call in named_ops(value))
        return next((call.callee.span for call in named if self.named.get(call) is block), None)

    @property
    def chosen(self) -> frozenset[Block]:
        """The blocks that some parameter may be."""
        return frozenset(block for blocks in self.candidates.values() for block in blocks)

    @property
    def groups(self) -> list[tuple[Block, ...]]:
        """The blocks that one call or another may be of, which are made in the same way: those of
        one parameter, and of others that may be one of these.
        """
        found: list[set[Block]] = []
        for blocks in self.candidates.values():
            group = set(blocks)
            for other in [other for other in found if other & group]:
                found.remove(other)
                group |= other
            found.append(group)
        return [tuple(group) for group in found if group]


def find_candidates(
    uses: BlockUses, blocks: Mapping[str, Block], of_calls: Mapping[Call, Block]
) -> None:
    """Find the blocks that each parameter may be. Parameters that hand on to each other may be the
    same; `of_calls` has the block of each call that names one.
    """
    flows, named = [*_flows(uses, of_calls)], uses.named
    groups = linked({*uses.steps.values(), *(parameter for parameter, _ in flows)}, flows)
    named = {value: block for value, block in uses.named.items()}
    free = [
        block
        for block in blocks.values()
        if block not in of_calls.values() and block not in named.values()
    ]
    for group in {id(each): each for each in groups.values()}.values():
        values = [value for parameter, value in flows if parameter in group]
        given = {named[call] for value in values for call in named_ops(value) if call in named}
        steps = [call for call, parameter in uses.steps.items() if parameter in group]
        fit = {block for block in free if steps and _fits(block, steps, uses, of_calls)}
        found = tuple(block for block in blocks.values() if block in given | fit)
        uses.candidates |= dict.fromkeys(group, found)


def _flows(uses: BlockUses, of_calls: Mapping[Call, Block]) -> Iterator[tuple[Parameter, OpValue]]:
    """What parameters are given."""
    yield from uses.defaults.items()
    for call, given in uses.given.items():
        for block in (of_calls[call],) if call in of_calls else uses.may_be(call):
            taken = {p.name.text: p for p in block.parameters if p.type == "block"}
            yield from ((taken[name], value) for name, value in given.items() if name in taken)


def _fits(
    block: Block, steps: Sequence[Call], uses: BlockUses, of_calls: Mapping[Call, Block]
) -> bool:
    """Whether a block can be used by all these steps. One that uses parameters itself might lead
    back to them.
    """
    inner = [*_inside(block, of_calls)]
    return (
        reads_one_tensor(block)
        and not any(call in uses.steps for call in inner)
        and all(_takes(block, call, uses.places[call]) for call in steps)
    )


def _inside(block: Block, of_calls: Mapping[Call, Block]) -> Iterator[Call]:
    """The calls in a block, and in those that it uses."""
    waiting, seen = [block], {block}
    while waiting:
        for call in calls(waiting.pop().body):
            yield call
            if (inner := of_calls.get(call)) is not None and inner not in seen:
                seen.add(inner)
                waiting.append(inner)


def reads_one_tensor(block: Block) -> bool:
    others = any(parameter.type in ("tensor", "tensors") for parameter in block.parameters)
    return not (others or block.takes_list)


def _takes(block: Block, call: Call, names: Definitions) -> bool:
    """Whether a block has the parameters that a call gives, and needs no others."""
    parameters = {parameter.name.text: parameter for parameter in block.parameters}
    given = {argument.name.text: argument.value for argument in call.arguments}
    needed = {name for name, parameter in parameters.items() if parameter.default is None}
    return needed <= given.keys() <= parameters.keys() and all(
        _is_word(value, names) == (parameters[name].type in NAMED)
        and wrong_constant(parameters[name], value) is None
        for name, value in given.items()
    )


def wrong_constant(parameter: Parameter, value: ArgumentValue) -> Invalid | None:
    """What is wrong with a constant for a parameter, if anything is."""
    if not isinstance(value, Expression) or parameter.type in NAMED or free_names(value):
        return None
    try:
        checked(parameter, evaluate(value, {}))
    except Invalid as invalid:
        return invalid
    except (EvaluationError, Undetermined):
        pass  # `input.channels`, or what is reported where it is evaluated
    return None


def _is_word(value: ArgumentValue, names: Definitions) -> bool:
    """Whether a value is an op or a block."""
    match value:
        case Distribution():
            return True
        case Name(name):
            return name in names.ops or name in OPS or name[:1].isupper()
        case Conditional(_, then, _):
            return _is_word(then, names)
        case _:
            return False
