"""Callables: a parameter that is an op is a function that makes its module: `nn.ReLU` itself, or
`partial(nn.GroupNorm, 32)`. Where some of the ops that it may be have weights, it is called with
the channels.
"""

from collections.abc import Callable, Sequence
from typing import assert_never

from cnngen.expressions.algebra import free_names
from cnngen.expressions.expression import Expression
from cnngen.expressions.expression import Name as SpecName
from cnngen.ops.any_of import AnyOp
from cnngen.ops.base import Op
from cnngen.python.construct import call, dotted
from cnngen.python.nodes import Call, Conditional, Keyword, Name, Node, Verbatim
from cnngen.python.signature import Argument
from cnngen.python.variables import names
from cnngen.python.verbatim import grouped
from cnngen.semantics.op_values import Chosen, OpValue, Passed, op_expressions
from cnngen.semantics.types import Types
from cnngen.syntax.tree import Call as CallStep
from cnngen.syntax.tree import Parameter
from cnngen.targets.torch.names import called
from cnngen.targets.torch.ops import MadeOp
from cnngen.targets.torch.scope import File, Scope


def is_told(op: type[AnyOp]) -> bool:
    """Whether the function that makes an op is called with the channels."""
    return op.weights is not Op.weights


def op_argument(parameter: Parameter, file: File) -> Argument:
    """The argument for a parameter that is an op."""
    uses = file.network.resolution.op_uses
    told = is_told(uses.kinds[parameter].op)
    file.speller.imports("collections.abc", "Callable")
    annotation = f"Callable[[{'int' if told else ''}], nn.Module]"
    default = uses.defaults.get(parameter)
    code = _node(default, told, file, {}, lambda e: e, file.speller.node) if default else None
    return Argument(called(parameter.name.text), annotation, None, parameter.about, code)


def op_node(value: OpValue, parameter: Parameter, scope: Scope) -> Node:
    """What a parameter of a block is given."""
    told = is_told(scope.file.network.resolution.op_uses.kinds[parameter].op)
    return _node(value, told, scope.file, scope.types, scope.resolve, scope.node)


def applied_op(op: type[AnyOp], step: CallStep, channels: Node) -> Call:
    """The module that a parameter makes."""
    return call(called(step.callee.text), channels if is_told(op) else None)


def _node(
    value: OpValue,
    told: bool,
    file: File,
    types: Types,
    resolve: Callable[[Expression], Expression],
    node: Callable[[Expression], Node],
) -> Node:
    match value:
        case Passed(parameter):
            return Name(called(parameter.name.text))
        case Chosen(test, then, otherwise):
            first, second = (
                _node(each, told, file, types, resolve, node) for each in (then, otherwise)
            )
            return Conditional(node(test), _operand(first), _operand(second))
        case CallStep():
            network = file.network
            op, arguments = network.resolution.ops[value], network.resolution.arguments[value]
            read = [*map(resolve, op_expressions(value, network.resolution.arguments))]
            used = frozenset[str]().union(*map(free_names, read))
            channels = next(name for name in _free() if name not in used | file.speller.taken)
            bound = sorted(map(called, used - types.keys() - {""})) if types else []
            rank = network.ranks.get(value, "image")
            made = MadeOp(op, arguments, value, SpecName(channels), rank, file, types, resolve)
            return _maker(made.initialized(), channels, told, bound, file)
        case _:
            assert_never(value)


def _free() -> list[str]:
    return ["channels", *(f"channels{'_' * n}" for n in range(1, 100))]


def _operand(node: Node) -> Node:
    """What can stand beside `if`."""
    return grouped(node) if isinstance(node, Verbatim) else node


def _maker(made: Node, channels: str, told: bool, bound: Sequence[str], file: File) -> Node:
    """The function that makes a module: its class, a part of a call, or else a lambda. That keeps
    the variables of loops as they are then (`bound`).
    """
    reads = channels in names(made)
    if isinstance(made, Call) and channels not in names(made.function):
        if made == call("nn.Identity"):
            return made.function  # takes anything
        positional = [each for each in made.arguments if not isinstance(each, Keyword)]
        last = bool(positional) and positional[-1] == Name(channels)
        others = [each for each in made.arguments if each != Name(channels)]
        inside = any(channels in names(each) for each in others)
        if not inside and (last if told else not reads):
            if not others:
                return made.function
            file.speller.imports("functools", "partial")
            return Call(dotted("partial"), (made.function, *others))
    given = [channels if reads else "_"] if told else []
    given += [f"{name}={name}" for name in bound if name in names(made)]
    return Verbatim((f"lambda {', '.join(given)}".rstrip() + ": ", made))
