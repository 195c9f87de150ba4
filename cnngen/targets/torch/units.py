"""Units: the class of a block."""

from collections.abc import Iterator
from dataclasses import replace

from cnngen.expressions.algebra import free_names
from cnngen.expressions.expression import InputChannels, Name
from cnngen.plan.program import Bind, Call, Choice, Join, JoinLoop, Loop, Maps, Region, Unit
from cnngen.python import nodes
from cnngen.python.construct import call, dotted
from cnngen.python.nodes import Assign, Do, Statement
from cnngen.python.signature import Argument, argument, ordered
from cnngen.python.variables import assigned, names
from cnngen.semantics.network import INPUT
from cnngen.semantics.types import types_of
from cnngen.semantics.walk import loop_variables
from cnngen.syntax.tree import Parameter
from cnngen.targets.map_lists import given_list
from cnngen.targets.spelling import spelling
from cnngen.targets.torch.callables import op_argument
from cnngen.targets.torch.chosen import block_argument
from cnngen.targets.torch.construct import CONSTRUCT, SELF, own
from cnngen.targets.torch.forward import Forward
from cnngen.targets.torch.graphs import graph
from cnngen.targets.torch.initial_weights import drawn
from cnngen.targets.torch.layers import as_call, op_layer, unit_layer
from cnngen.targets.torch.modules import build
from cnngen.targets.torch.names import CHANNELS, called, own_argument, tensor
from cnngen.targets.torch.repeated import repeated
from cnngen.targets.torch.scope import File, Scope, UnitClass
from cnngen.targets.torch.tidy import tidied
from cnngen.targets.torch.updates import bound
from cnngen.targets.torch.variables import allocate


def unit_class(unit: Unit, file: File) -> UnitClass:
    scope = _scope(unit, file)
    variables = [*repeated(unit, scope)]
    base, forward, x = dotted("nn.Sequential"), None, "x"
    if unit.body.layout == "graph":
        given: dict[str, nodes.Node] = {t.name: nodes.Name(tensor(t.name)) for t in unit.tensors}
        lists = {t.name: given[t.name] for t in unit.tensors if isinstance(t, Maps)}
        if unit.input.listed:
            x = scope.variables.names.free(given_list(scope.variables.names.taken))
            lists[INPUT] = nodes.Name(x)
        base, forward = dotted("nn.Module"), Forward(given, scope.variables.names, lists=lists)
        made = [*graph(unit, scope, forward)]
        written = [Do(nodes.Call(CONSTRUCT)), *variables, *positions(scope), *made]
    elif (made := _only_call(unit.body)) is not None:
        base, derived = _derived(made, unit.body, scope)
        written = [*variables, *derived]
    else:
        written = [*variables, *build(unit.body, SELF, scope)]
    if unit in file.asked and not _says_channels(unit, file):
        channels = scope.node(unit.body.gives.channels)
        written.append(Assign((own("out_channels"),), channels))
    constructor = tidied(written, scope.variables)
    return UnitClass(
        unit,
        base,
        tuple(_arguments(unit, constructor, file)),
        constructor,
        tuple(forward.lines) if forward else None,
        x,
    )


def _scope(unit: Unit, file: File) -> Scope:
    parameters = (*file.network.resolution.spec.parameters, *unit.block.parameters)
    types = types_of(parameters)
    authors = set(types) | loop_variables(unit.block.body) | file.functions
    ours = {symbol: own_argument(symbol, file.speller.taken) for symbol in unit.handed}
    scope = Scope(file, types, allocate([unit.body], authors, ours))
    for each in unit.tensors:  # in a constructor, a list is that of the channels of its maps
        if isinstance(each, Maps):
            scope.variables.symbols[each.name] = scope.variables.resolve(each.channels.listed)
            scope.variables.lists.update(ours[n] for n in free_names(each.channels.listed))
    if unit.input.listed:
        scope.variables.symbols[INPUT] = InputChannels()
        scope.variables.lists.add(CHANNELS)
    scope.attributes.update(_keys(unit.body))
    return scope


def _keys(region: Region) -> Iterator[str]:
    """The words under which the layers of a region stand."""
    for node in region.nodes:
        match node:
            case Join(level=None, arms=arms):
                yield from (arm.name for arm in arms)
            case Join(level=str() as key) | JoinLoop(level=str() as key) | Call(key=str() as key):
                yield key
            case Loop(key=str() as key) | Choice(key=str() as key):
                yield key
            case _:
                pass


def _only_call(region: Region) -> Call | None:
    made = [node for node in region.nodes if not isinstance(node, Bind)]
    if region.layout == "single" and isinstance(made[0], Call):
        return made[0]
    return None


def _derived(made: Call, region: Region, scope: Scope) -> tuple[nodes.Node, list[Statement]]:
    """A block of one layer or block is that, with arguments of its own."""
    unit, file = made.layer.made, scope.file
    binds = bound([node for node in region.nodes if isinstance(node, Bind)], scope)
    if isinstance(unit, Unit):
        layer = unit_layer(made, unit, scope)
    else:
        with spelling(made.step):
            layer = as_call(op_layer(made, unit, scope))
        file.speller.note_untyped()
    written = [*binds, Do(nodes.Call(CONSTRUCT, layer.arguments, layer.explode), made.step)]
    if not isinstance(unit, Unit):
        draw = drawn(made.step, made.layer.arguments, file.rules, scope.node, file.speller)
        if draw is not None:
            initialized = call(file.speller.use("initialized"), SELF, *draw)
            written.append(Do(initialized, made.step))
    return layer.function, written


def positions(scope: Scope) -> Iterator[Statement]:
    """The attributes for positions that parameters decide."""
    for position, attribute in scope.positions.items():
        yield Assign((own(attribute),), scope.node(position))


def _says_channels(unit: Unit, file: File) -> bool:
    """Whether the base of a class has its channels already."""
    made = _only_call(unit.body)
    return made is not None and made.layer.made in file.asked


def _arguments(unit: Unit, constructor: tuple[Statement, ...], file: File) -> Iterator[Argument]:
    """What the constructor takes: channels and areas that it is handed, then the parameters."""
    used = names(constructor) | assigned(constructor)
    lists = {each.channels.listed for each in unit.tensors if isinstance(each, Maps)}
    annotations = {CHANNELS: "Sequence[int]" if unit.input.listed else "int"}
    for symbol in unit.handed:
        annotation = "Sequence[int]" if Name(symbol) in lists else "int"
        annotations[own_argument(symbol, file.speller.taken)] = annotation
    for name, annotation in annotations.items():
        if name in used or (name == CHANNELS and unit.takes_channels):
            if annotation != "int":
                file.speller.imports("collections.abc", "Sequence")
            yield Argument(name, annotation)
    own = [argument_for(parameter, file) for parameter in unit.parameters]
    yield from ordered(own, [argument_for(parameter, file) for parameter in unit.captured])


def argument_for(parameter: Parameter, file: File) -> Argument:
    """The argument for a parameter of the spec."""
    if parameter.type == "op":
        return op_argument(parameter, file)
    if parameter.type == "block":
        return block_argument(parameter, file)
    made = argument(parameter, file.speller.records)
    return replace(made, name=called(parameter.name.text))
