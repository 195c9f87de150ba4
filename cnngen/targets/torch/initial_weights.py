"""Initial weights in PyTorch: one `init_weights` for all layers of a kind, or a wrapper where
layers of a kind differ.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from cnngen.expressions.expression import Conditional, Constant, Expression
from cnngen.python import nodes
from cnngen.python.construct import call, dotted
from cnngen.python.expression import python
from cnngen.python.nodes import Do, Function, If, Keyword, Parameter, Statement, Verbatim
from cnngen.semantics.network import Network
from cnngen.semantics.op_values import all_named
from cnngen.semantics.walk import calls
from cnngen.syntax.tree import ArgumentValue
from cnngen.syntax.tree import Call as CallStep
from cnngen.targets.code import Code
from cnngen.targets.distributions import DEFAULT, init_arguments, init_context, same, varies
from cnngen.targets.spelling import Speller

MODULE = nodes.Name("module")
WEIGHT = nodes.Name("weight")


@dataclass(frozen=True, slots=True)
class Rules:
    """The layers of each kind in one network, and the distribution of those kinds whose layers have
    one in common.
    """

    network: Network
    layers: Mapping[str, Sequence[CallStep]]
    common: Mapping[str, ArgumentValue]


def find_rules(network: Network) -> Rules:
    resolution = network.resolution
    parts = (*resolution.order, *resolution.spec.stages)
    layers: dict[str, list[CallStep]] = {}
    named = all_named(resolution.op_uses, resolution.spec.parameters, parts)
    for step in (*(step for part in parts for step in calls(part.body)), *named):
        if (op := resolution.ops.get(step)) and op.drawn is not None:
            layers.setdefault(_kind(step, network), []).append(step)
    common: dict[str, ArgumentValue] = {}
    for kind, found in layers.items():
        first, *others = (_init(step, network) for step in found)
        if any(isinstance(each, Conditional) for each in (first, *others)):
            continue  # layers of one kind then differ
        if all(same(other, first) for other in others) and not varies(first):
            common[kind] = first
    return Rules(network, layers, common)


def _kind(step: CallStep, network: Network) -> str:
    """The class of the layer that a call makes."""
    drawn = network.resolution.ops[step].drawn
    assert drawn is not None
    is_vector = network.ranks.get(step) == "vector"
    return drawn.of_vectors if is_vector and drawn.of_vectors else drawn.layer


def _init(step: CallStep, network: Network) -> ArgumentValue:
    return network.resolution.arguments[step]["init"]


# --- One layer


def drawn(
    step: CallStep,
    arguments: Mapping[str, ArgumentValue],
    rules: Rules,
    node: Callable[[Expression], nodes.Node],
    speller: Speller,
) -> list[nodes.Node | Keyword] | None:
    """The function that draws the weights of a call's layer, and its arguments but for the weights;
    None where the layers of its kind have a common rule. `node` makes nodes of expressions.
    """
    network = rules.network
    if network.resolution.ops[step].drawn is None or _kind(step, network) in rules.common:
        return None
    if (value := arguments["init"]) == DEFAULT:
        return None
    word, numbers = init_arguments(value)
    context = init_context(numbers, lambda number: Code(node(number)))
    match spelled := speller.spell_init(word, {"w": Code(WEIGHT), **context}).node:
        case nodes.Call(function, (weight, *others)) if weight == WEIGHT:
            return [function, *others]
        case _:
            return [Verbatim(("lambda weight: ", spelled))]


# --- All layers


def init_weights(rules: Rules, speller: Speller) -> Function | None:
    """`init_weights`, where there are common rules."""
    branches = [*_branches(rules, speller)]
    if not branches:
        return None
    docstring = '    """Draw the initial weights of a layer."""'
    parameters = (Parameter("module", "nn.Module"),)
    return Function("init_weights", parameters, "None", (If(tuple(branches)),), docstring)


def _branches(
    rules: Rules, speller: Speller
) -> Iterator[tuple[nodes.Node | None, tuple[Statement, ...]]]:
    for kinds, value in _groups(rules):
        word, arguments = init_arguments(value)
        context = init_context(arguments, python)
        weight = Code(nodes.Attribute(MODULE, "weight"))
        draw = Do(speller.spell_init(word, {"w": weight, **context}).node)
        test = call("isinstance", MODULE, _either(map(speller.called, kinds)))
        yield test, (draw, *_zeros(kinds, rules))


def has_rules(rules: Rules) -> bool:
    return any(value != DEFAULT for value in rules.common.values())


def _groups(rules: Rules) -> list[tuple[list[str], ArgumentValue]]:
    """The kinds that have a distribution in common."""
    groups: list[tuple[list[str], ArgumentValue]] = []
    for kind, value in rules.common.items():
        if value == DEFAULT:
            continue
        for kinds, known in groups:
            if same(known, value):
                kinds.append(kind)
                break
        else:
            groups.append(([kind], value))
    return groups


def _either(kinds: Iterable[str]) -> nodes.Node:
    first, *others = map(dotted, kinds)
    for other in others:
        first = nodes.Binary("|", first, other)
    return first


def _zeros(kinds: Sequence[str], rules: Rules) -> Iterator[Statement]:
    """What sets the biases of layers of some kinds to zero, if they have any."""
    bias = nodes.Attribute(MODULE, "bias")
    zero = Do(call("nn.init.zeros_", bias))
    resolution = rules.network.resolution
    values = {
        resolution.arguments[step].get("bias")
        for kind in kinds
        for step in rules.layers[kind]
        if (drawn := resolution.ops[step].drawn) and not drawn.scale
    }
    if values <= {Constant(False)}:
        return
    if list(kinds) == ["nn.Linear"] and values == {Constant(True)}:
        yield zero
    else:
        yield If(((nodes.Binary("is not", bias, nodes.Number("None")), (zero,)),))
