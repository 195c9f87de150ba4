"""Callables: a parameter that is an op is a function that is given a name and makes its layer:
`layers.ReLU` itself, or `partial(layers.LeakyReLU, negative_slope=0.1)`. One that is a
block is the function of one.
"""

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import assert_never

from cnngen.expressions.algebra import free_names, mentions_input
from cnngen.ops.any_of import AnyOp
from cnngen.python.construct import call, dotted
from cnngen.python.nodes import (
    Call,
    Conditional,
    Function,
    Keyword,
    Name,
    Node,
    Parameter,
    Return,
    Verbatim,
)
from cnngen.python.signature import Argument, argument
from cnngen.python.variables import names
from cnngen.python.verbatim import grouped
from cnngen.semantics.network import Rank
from cnngen.semantics.op_values import Chosen, OpValue, Passed, op_expressions
from cnngen.syntax.tree import NAMED
from cnngen.syntax.tree import Call as CallStep
from cnngen.syntax.tree import Parameter as SpecParameter
from cnngen.targets.constants import defined
from cnngen.targets.keras.construct import KERAS_TENSOR, NAME, applied
from cnngen.targets.keras.forms import Form
from cnngen.targets.keras.frame import File
from cnngen.targets.keras.initializers import initializers
from cnngen.targets.keras.scope import Scope
from cnngen.targets.keras.spell import spell, support_called
from cnngen.targets.keras.use import Asked, Common, Initializers, Use
from cnngen.targets.spelling import spelling
from cnngen.targets.values import ONE

NO_TENSORS: Mapping[str, Node] = MappingProxyType({})
X = Name("x")
OF_BLOCKS = f"Callable[..., {KERAS_TENSOR}]"
OF_TENSORS = f"Callable[[{KERAS_TENSOR}], {KERAS_TENSOR}]"


def form_call(
    form: Form,
    x: Node,
    name: Node,
    rank: Rank,
    scope: Scope,
    file: File,
    tensors: Mapping[str, Node] = NO_TENSORS,
) -> Node:
    """An op in one of its forms, applied to a tensor; `tensors` are others that it reads."""
    if issubclass(form.op, AnyOp):
        return applied(call(scope.called(form.step.callee.text), name=name), x)
    made: Initializers = {}
    if (init := form.arguments.get("init")) is not None:
        made = initializers(form.op, init, form.values.get("multiplier", ONE), scope)
    asked = (form.op, form.values, made, form.square)
    support = support_called(Asked(*asked))
    common = file.common[support] if support else Common()
    return spell(Use(*asked, x, name, rank, scope, common, tensors))


def parameter_argument(parameter: SpecParameter, scope: Scope, file: File) -> Argument:
    """The argument for a parameter."""
    if parameter.type not in NAMED:
        return argument(parameter, scope.speller.records)
    uses = file.program.network.resolution.op_uses
    bare = Scope(scope.speller, {}, scope.needed)  # what a default is depends on no names
    scope.speller.imports("collections.abc", "Callable")
    if parameter.type == "block":
        default = file.program.network.resolution.block_uses.defaults.get(parameter)
        code = op_node(default, bare, file) if default else None
        return Argument(parameter.name.text, OF_BLOCKS, None, parameter.about, code)
    made = "keras.Layer" if makes_layers(parameter, scope, file) else OF_TENSORS
    default = uses.defaults.get(parameter)
    code = op_node(default, bare, file) if default else None
    return Argument(parameter.name.text, f"Callable[..., {made}]", None, parameter.about, code)


def makes_layers(parameter: SpecParameter, scope: Scope, file: File) -> bool:
    """Whether all the ops that a parameter may be are layers of Keras; blocks that nothing uses
    name others.
    """
    named = file.program.network.resolution.op_uses.kinds[parameter].named
    return all(_is_layer(op_node(each, scope, file)) for each in named if each in file.named)


def op_node(value: OpValue, scope: Scope, file: File) -> Node:
    """What a parameter that is an op or a block is given."""
    match value:
        case Passed(parameter):
            return Name(scope.called(parameter.name.text))
        case Chosen(test, then, otherwise):
            first, second = (op_node(each, scope, file) for each in (then, otherwise))
            return Conditional(scope.node(test), _operand(first), _operand(second))
        case CallStep() if block := file.program.network.resolution.block_uses.named.get(value):
            return Name(file.functions[block])
        case CallStep():
            rank = file.program.network.ranks.get(value, "image")
            with spelling(value):
                made = form_call(file.named[value], X, NAME, rank, scope, file)
            return _maker(made, value, scope, file)
        case _:
            assert_never(value)


def _operand(node: Node) -> Node:
    """What can stand beside `if`."""
    return grouped(node) if isinstance(node, Verbatim) else node


def _maker(made: Node, step: CallStep, scope: Scope, file: File) -> Node:
    """The function that makes a layer: its class, a part of a call, or else one of ours. An object
    for initial weights is made anew for each layer: Keras gives equal weights to those that share
    one.
    """
    match made:
        case Name("x"):
            return dotted("layers.Identity")
        case Call(Call(layer, arguments) as whole, (Name("x"),)) if (
            Keyword("name", NAME) in arguments
        ):
            others = tuple(each for each in arguments if each != Keyword("name", NAME))
            if any(isinstance(each, Keyword) and isinstance(each.value, Call) for each in others):
                return Verbatim((f"lambda {_given(step, whole, scope, file)}: ", whole))
            if not others:
                return layer
            scope.speller.imports("functools", "partial")
            return Call(Name("partial"), (layer, *others))
        case _:
            inner = Verbatim(("lambda x: ", made))
            read = op_expressions(step, file.program.network.resolution.arguments)
            if any(free_names(each) or mentions_input(each) for each in read):
                return Verbatim((f"lambda {_given(step, made, scope, file)}: ", inner))
            op = step.callee.text
            define = partial(_function, op=op, made=inner)
            return Name(defined(maker_name(op), define, scope.speller))


def _given(step: CallStep, made: Node, scope: Scope, file: File) -> str:
    """What a lambda is given: the name, and variables of loops, which it keeps as they are then."""
    read = op_expressions(step, file.program.network.resolution.arguments)
    local = frozenset[str]().union(*map(free_names, read)) - scope.types.keys()
    bound = [name for name in sorted(map(scope.called, local)) if name in names(made)]
    return ", ".join(["name", *(f"{name}={name}" for name in bound)])


def maker_name(op: str) -> str:
    """The function that makes what computes an op that is no layer in Keras."""
    return f"make_{op}"


def _function(name: str, op: str, made: Node) -> Function:
    about = f'    """Make what computes `{op}`, for which Keras has no layer."""'
    return Function(name, (Parameter("name", "str"),), OF_TENSORS, (Return(made),), about)


def _is_layer(made: Node) -> bool:
    """Whether a function makes a layer."""
    match made:
        case Verbatim((_, inner)):  # a lambda
            return isinstance(inner, Call)
        case Name(text):
            return not text.startswith(maker_name(""))
        case Conditional(_, then, otherwise):
            return _is_layer(then) and _is_layer(otherwise)
        case _:
            return True
