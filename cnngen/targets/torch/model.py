"""The model: its constructor builds the stages, and its `forward` calls them."""

from dataclasses import dataclass, field, replace

from cnngen.plan import loops
from cnngen.plan.program import Bind, Gather, Join, JoinLoop, Loop, Program, Reuse, StageRegion
from cnngen.python import nodes
from cnngen.python.construct import call
from cnngen.python.nodes import Assign, Do, If, Keyword, Name, Return, Statement
from cnngen.semantics.network import INPUT, Network
from cnngen.semantics.stages import first_origin, kept_stages, takes_previous
from cnngen.semantics.types import types_of
from cnngen.semantics.walk import loop_variables, steps
from cnngen.targets.page import shapes_text
from cnngen.targets.torch.construct import CONSTRUCT, own
from cnngen.targets.torch.forward import (
    Forward,
    X,
    again,
    applied,
    first_node,
    passes,
    read,
    with_return,
)
from cnngen.targets.torch.functions import function, is_function
from cnngen.targets.torch.graphs import gathered, join, join_list, looped
from cnngen.targets.torch.initial_weights import has_rules
from cnngen.targets.torch.modules import Made, Written, assign
from cnngen.targets.torch.names import IN_FORWARD, attribute, tensor, tuple_name
from cnngen.targets.torch.scope import File, Scope
from cnngen.targets.torch.tidy import tidied
from cnngen.targets.torch.units import positions
from cnngen.targets.torch.updates import bound
from cnngen.targets.torch.variables import Names, allocate


@dataclass(frozen=True, slots=True)
class Outputs:
    """What the model returns: a tensor, or a named tuple called `tuple_name`.

    Of each output, the name and whether it exists in training only; those come last.
    """

    names: tuple[tuple[str, bool], ...]
    tuple_name: str

    @property
    def inference(self) -> list[str]:
        return [name for name, training in self.names if not training]

    @property
    def are_named(self) -> bool:
        return len(self.names) > 1

    @property
    def annotation(self) -> str:
        if not self.are_named:
            return "Tensor"
        return f"Tensor | {self.tuple_name}" if len(self.inference) == 1 else self.tuple_name


@dataclass(frozen=True, slots=True)
class ModelClass:
    """`inputs` are the arguments of its forward."""

    inputs: tuple[str, ...]
    constructor: tuple[Statement, ...]
    forward: tuple[Statement, ...]
    outputs: Outputs


@dataclass(frozen=True, slots=True)
class Calls:
    """The `forward` in the making. What exists in training only is computed last, by `heads`, which
    give the values of `training`.
    """

    always: Forward
    heads: Forward
    names: Names
    training: dict[str, nodes.Node] = field(default_factory=dict[str, nodes.Node])


def model_class(program: Program, file: File) -> ModelClass:
    network, scope = program.network, _scope(program, file)
    calls = _calls(network, file)
    stages = [*_stages(program, scope, calls)]
    constructor = [Do(nodes.Call(CONSTRUCT)), *positions(scope), *stages]
    if has_rules(file.rules):
        constructor.append(Do(call("self.apply", Name("init_weights"))))
    outputs = _outputs(network)
    _return(outputs, calls, network)
    forward = tuple(calls.always.lines)
    inputs = _inputs(network)
    constructed = tidied(constructor, scope.variables)
    return ModelClass(tuple(inputs.values()), constructed, forward, outputs)


def _inputs(network: Network) -> dict[str, str]:
    """What each input is called: the only one `x`, which each stage then overwrites."""
    names = [*network.inputs]
    return {INPUT: X.text} if names == [INPUT] else {name: tensor(name) for name in names}


def _calls(network: Network, file: File) -> Calls:
    inputs = _inputs(network)
    tensors: dict[str, nodes.Node] = {name: Name(given) for name, given in inputs.items()}
    loops_of_stages = (s for stage in network.resolution.spec.stages for s in steps(stage.body))
    walked = {n for step in loops_of_stages for n in network.resolution.map_lists(step)}
    names = Names(IN_FORWARD | file.functions | {*inputs.values(), *map(tensor, walked)})
    lists: dict[str, nodes.Node] = {}
    always, heads = (Forward(tensors, names, lists=lists) for _ in range(2))
    calls = Calls(always, heads, names)
    if INPUT in inputs and INPUT in kept_stages(network.resolution):
        called = "image" if network.images else "vector"
        tensors[INPUT] = calls.always.let(Name(calls.names.free(called)), X)
    return calls


def _stages(program: Program, scope: Scope, calls: Calls) -> Written:
    """Build all stages, and call them."""
    value: nodes.Node = X
    running = INPUT
    for stage in program.stages:
        forward = calls.heads if stage.training else calls.always
        # A head whose branches all read by name does not read what runs on, which has no name then.
        source = forward.tensors.get(running, value) if stage.training else value
        if origin := first_origin(stage.step):
            source = read(origin, forward, scope)
        made = yield from _stage(stage, source, replace(scope, entry=stage.entry), forward, program)
        if stage.kept or not stage.training:
            made = _assign_stage(stage, made, forward, calls.names, program.network)
        if stage.training:
            calls.training[stage.name] = made
        else:
            value = made
        if not stage.step.training:
            running = stage.name


def _scope(program: Program, file: File) -> Scope:
    spec = program.network.resolution.spec
    types = types_of(spec.parameters)
    variables_of_loops = {name for s in spec.stages for name in loop_variables(s.body)}
    bodies = [stage.body for stage in program.stages]
    variables = allocate(bodies, set(types) | variables_of_loops | file.functions)
    scope = Scope(file, types, variables, program.inputs[0].channels)
    scope.attributes.update(stage.name for stage in program.stages)
    return scope


def _stage(
    stage: StageRegion, value: nodes.Node, scope: Scope, forward: Forward, program: Program
) -> Made:
    """Build a stage; gives the expression that calls it."""
    region, first = stage.body, first_node(stage.body)
    if passes(region):
        return value
    if isinstance(first, Join) and region.layout == "single":
        yield from bound([node for node in region.nodes if isinstance(node, Bind)], scope)
        return (yield from join(first, value, stage.name, scope, forward))
    if isinstance(first, JoinLoop) and region.layout == "single":
        yield from bound([node for node in region.nodes if isinstance(node, Bind)], scope)
        return (yield from join_list(first, value, stage.name, stage.step, scope, forward))
    if isinstance(first, Reuse):
        return again(first, value)
    if isinstance(first, Gather):
        yield from bound([node for node in region.nodes if isinstance(node, Bind)], scope)
        return gathered(first, forward, scope)
    if isinstance(first, Loop) and first.written_out:
        yield from assign(region, own(attribute(stage.name)), scope)
        last = _is_needed(stage, program)
        return looped(first, own(attribute(stage.name)), value, forward, scope, last=last)
    if is_function(first):
        yield from bound([node for node in region.nodes if isinstance(node, Bind)], scope)
        return (yield from function(first, stage.name, value, scope, forward))
    yield from assign(region, own(attribute(stage.name)), scope)
    return applied(first, own(attribute(stage.name)), value, forward, scope)


def _assign_stage(
    stage: StageRegion, made: nodes.Node, forward: Forward, names: Names, network: Network
) -> nodes.Node:
    """Write the line of a stage; gives the variable that the next stage reads."""
    name, stages = stage.name, network.resolution.spec.stages
    listed = stage.gives.listed
    targets = [X] if _is_read_next(stage, network) and not listed else []
    if stage.kept or stage.output or listed:
        others = {other.name.text for other in stages}
        plain = stage.output and not stage.kept and stage.output not in others
        variable = Name(names.free(stage.output if plain else name))
        (forward.lists if listed else forward.tensors)[name] = variable
        targets.append(variable)
    targets = [target for target in targets if target != made]
    if not targets:
        return made
    shape = network.stages[name].shape
    comment = shapes_text(network.lists[name], channels_last=False) if listed else str(shape)
    forward.lines.append(Assign(tuple(targets), made, comment))
    return targets[0]


def _is_read_next(stage: StageRegion, network: Network) -> bool:
    """Whether the stage behind one takes what it gives."""
    stages, training = network.resolution.spec.stages, network.resolution.training
    rest = (other for other in stages[stages.index(stage.step) + 1 :] if not other.training)
    following = next(rest, None)
    return (
        following is not None and takes_previous(following) and following.name.text not in training
    )


def _is_needed(stage: StageRegion, program: Program) -> bool:
    """Whether something reads what a stage gives, not only the list that it is."""
    if stage.kept or stage.output or stage.training:
        return True
    if not _is_read_next(stage, program.network):
        return False
    rest = program.stages[program.stages.index(stage) + 1 :]
    following = next(other for other in rest if not other.step.training)
    match first_node(following.body):
        case Gather():
            return False
        case Loop(written_out=True) as loop if not loops.reads_running(loop):
            return _is_needed(following, program)
        case _:
            return True


# --- What it returns


def _outputs(network: Network) -> Outputs:
    training = network.training_stages()
    pairs = [(name, stage in training) for name, stage in network.outputs.items()]
    ordered = tuple(sorted(pairs, key=lambda pair: pair[1]))
    return Outputs(ordered, tuple_name(network.resolution.spec))


def _return(outputs: Outputs, calls: Calls, network: Network) -> None:
    forward, heads = calls.always, calls.heads
    values = {name: forward.tensors[network.outputs[name]] for name in outputs.inference}
    if not outputs.are_named:
        forward.lines[:] = with_return(forward.lines, values[outputs.inference[0]])
        return
    given: list[nodes.Node | Keyword] = [Keyword(name, value) for name, value in values.items()]
    first, value = next(iter(values.items()))
    if value == Name(first):
        given[0] = value
    if len(outputs.inference) < len(outputs.names):
        plain = value if len(values) == 1 else call(outputs.tuple_name, *given)
        test = nodes.Unary("not", own("training"))
        forward.lines.append(If(((test, (Return(plain),)),)))
        forward.lines += heads.lines
        given += [
            Keyword(name, calls.training[network.outputs[name]])
            for name, only in outputs.names
            if only
        ]
    forward.lines.append(Return(call(outputs.tuple_name, *given)))
