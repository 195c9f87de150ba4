"""Resolve: give every name of a spec its meaning, and report those that have none."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from cnngen.diagnostics.model import Remedies, Report
from cnngen.expressions.expression import Expression, Name
from cnngen.expressions.fields import UNKNOWN_FIELDS, Fields
from cnngen.ops import OPS
from cnngen.ops.base import Op
from cnngen.semantics.block_parameters import BlockReader, check_candidates
from cnngen.semantics.block_values import BlockUses, find_candidates
from cnngen.semantics.calls import Given, block_arguments, check_defaults, op_arguments
from cnngen.semantics.carried import Carried, find_carried
from cnngen.semantics.definitions import Definitions, check_expression, check_part
from cnngen.semantics.explanations.call_errors import report_callee
from cnngen.semantics.explanations.shadowed import instead_of_parameter, instead_of_variable
from cnngen.semantics.explanations.unnamed_branches import report_unnamed
from cnngen.semantics.keys import Arrangement, arrange
from cnngen.semantics.map_lists import (
    are_maps,
    check_index,
    check_maps,
    lone_loop,
    loops_of,
    names_in,
)
from cnngen.semantics.op_parameters import OpReader, report_attributes, report_value_as_step
from cnngen.semantics.op_values import OpUses, find_kinds, op_expressions
from cnngen.semantics.walk import expressions, nested_bodies, positions, steps, value_expressions
from cnngen.semantics.words import chooses_word
from cnngen.syntax.parse_value import item_of
from cnngen.syntax.tree import (
    ArgumentValue,
    Block,
    Body,
    Branches,
    Call,
    Distribution,
    Each,
    Identifier,
    ListName,
    Parameter,
    ParameterType,
    Repeat,
    Reuse,
    Spec,
    Stage,
    Step,
)

Defaults = Mapping[str, Given]


@dataclass(slots=True, eq=False)
class Resolution:
    """A spec with what its names mean.

    `carried` has what gives a list of maps, `ops` the op of each call of an op, and `blocks` the
    block of each call of a block;
    `arguments` has all attributes of an op (`defaults` and the op's own filled in) or what a call
    gives to a block. `merging` are the steps that read a second tensor, `choosing` the calls with a
    condition on a word of an attribute. `walked` has the variables of loops that are maps, and
    `listed` the loops whose iterations are read, not only the last one. `unnamed` are `branches`
    that were reported, as the list that they are has steps in place of maps.

    Later passes fill in the rest. `order` lists the blocks that the model uses, each behind those
    that it uses itself. `captured` are the model's parameters on which a block depends, and
    `training` the stages that exist in training only. `meant` has the tensor that a misspelt name
    certainly means, so that the rest can be checked. `op_uses` and `block_uses` are the parameters
    that are ops and blocks, and `shared` has the stage or step that a `use` applies again: the
    first one, whose layers hold the weights. `endless` is true where blocks use each other in a
    circle or nest too deep, so that there is no network.
    """

    spec: Spec
    carried: Carried
    ops: dict[Call, type[Op]] = field(default_factory=dict[Call, type[Op]])
    blocks: dict[Call, Block] = field(default_factory=dict[Call, Block])
    arguments: dict[Call, dict[str, ArgumentValue]] = field(
        default_factory=dict[Call, dict[str, ArgumentValue]]
    )
    merging: set[Step] = field(default_factory=set[Step])
    choosing: set[Step] = field(default_factory=set[Step])
    walked: dict[Each, frozenset[str]] = field(default_factory=dict[Each, frozenset[str]])
    listed: set[Step] = field(default_factory=set[Step])
    unnamed: set[Step] = field(default_factory=set[Step])
    order: tuple[Block, ...] = ()
    captured: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    meant: dict[Identifier, str] = field(default_factory=dict[Identifier, str])
    training: frozenset[str] = frozenset()
    shared: dict[Reuse, Stage | Step] = field(default_factory=dict[Reuse, Stage | Step])
    op_uses: OpUses = field(default_factory=OpUses)
    block_uses: BlockUses = field(default_factory=BlockUses)
    endless: bool = False
    arrangements: dict[tuple[Body, bool], Arrangement] = field(
        default_factory=dict[tuple[Body, bool], Arrangement]
    )

    def arrangement(self, body: Body, *, block: bool = False) -> Arrangement:
        key = (body, block)
        if key not in self.arrangements:
            self.arrangements[key] = arrange(
                body, block=block, merging=self.merging, choosing=self.choosing
            )
        return self.arrangements[key]

    def called(self, call: Call) -> tuple[Block, ...]:
        """The blocks that a call may be of: several where a parameter says which, of an op none."""
        block = self.blocks.get(call)
        return self.block_uses.may_be(call) if block is None else (block,)

    @property
    def parts(self) -> frozenset[Stage | Step]:
        """The stages and steps that are used again."""
        return frozenset(self.shared.values())

    def tensors(self, call: Call) -> dict[str, Identifier]:
        """The tensors that a call reads besides its input, by parameter of the block or attribute
        of the op.
        """
        found: dict[str, Identifier] = {}
        for name, value in self._given(call, "tensor"):
            match value:
                case Name():
                    said = {argument.name.text: argument for argument in call.arguments}
                    at = said[name].name.span if name in said else call.callee.span
                    found[name] = Identifier(value.name, value.span or at)
                case _:
                    if (item := item_of(value)) is not None:
                        found[name] = item
        return found

    def map_lists(self, step: Step) -> dict[str, Expression]:
        """The lists of maps that a step reads: by parameter of the block that it calls or variable
        of a loop, and of `branches` that are a list by an empty name.
        """
        match step:
            case Call():
                given = self._given(step, "tensors")
                return {n: v for n, v in given if not isinstance(v, Distribution)}
            case Each():
                walked = self.walked.get(step, ())
                return {name.text: maps for name, maps in step.lists if name.text in walked}
            case Branches(maps=maps) if maps is not None and step not in self.unnamed:
                return {"": maps}
            case _:
                return {}

    def _given(self, call: Call, type: ParameterType) -> Iterator[tuple[str, ArgumentValue]]:
        """What a call hands over for parameters of a type; of an op, for the maps that it reads."""
        if op := self.ops.get(call):
            names = op.tensors if type == "tensor" else ()
            yield from ((name, self.arguments[call][name]) for name in names)
            return
        values = self.arguments.get(call, {})
        said = {argument.name.text for argument in call.arguments}
        for parameter in self.blocks[call].parameters if call in self.blocks else ():
            name = parameter.name.text
            if parameter.type == type and name in said and name in values:
                yield name, values[name]

    def expressions(self, step: Step) -> Iterator[Expression]:
        """The expressions of a step itself; of a call those that it does not write, too."""
        yield from positions(step)
        if isinstance(step, Call):
            tensors = self.ops[step].tensors if step in self.ops else ()
            for name, value in self.arguments.get(step, {}).items():
                if name not in tensors:
                    yield from value_expressions(value)
            for uses in (self.op_uses, self.block_uses):
                for value in uses.given.get(step, {}).values():
                    yield from op_expressions(value, self.arguments)
                if (parameter := uses.steps.get(step)) is not None:
                    yield Name(parameter.name.text)
        else:
            yield from expressions(step)

    def reads(self, step: Step) -> list[Identifier]:
        """The names by which a step itself reads tensors."""
        names = [step.origin] if step.origin else []
        names += self.tensors(step).values() if isinstance(step, Call) else ()
        return [
            *names,
            *(name for maps in self.map_lists(step).values() for name in names_in(maps)),
        ]

    def read_outside(self, body: Body) -> list[Identifier]:
        """The names by which a body reads tensors, but for variables of its own loops."""
        own = {n for s in steps(body) if isinstance(s, Each) for n in self.walked.get(s, ())}
        names = (name for step in steps(body) for name in self.reads(step))
        return [name for name in names if name.text not in own]

    def is_written_out(self, loop: Repeat | Each) -> bool:
        """Whether a loop is one of a `forward`, as something reads what its iterations give, or
        they read more than what the one before gave.
        """
        inside = (name for step in steps((loop,)) for name in self.reads(step))
        return loop in self.listed or any(name is not loop.origin for name in inside)


def resolve(spec: Spec, report: Report) -> Resolution:
    """Resolve the names of a spec; a name without a meaning is reported and left out."""
    resolution = Resolution(spec, find_carried(spec))
    names = (
        Definitions({parameter.name.text: parameter.name.span for parameter in spec.parameters}, {})
        .with_fields(_fields(spec.parameters))
        .with_ops(spec.parameters)
    )
    names = replace(names, blocks=frozenset(spec.blocks) - {""})
    defaults = check_defaults(spec, names, report)
    of_blocks = (parameter for block in spec.blocks.values() for parameter in block.parameters)
    _read_op_defaults((*spec.parameters, *of_blocks), names, defaults, resolution, report)
    for block in spec.blocks.values():
        own = ((p.name, p.type in ("tensor", "tensors")) for p in block.parameters)
        inner = names.declare(own, report, partial(_instead_of_parameter, block, spec))
        inner = inner.with_fields(_fields(block.parameters)).with_ops(block.parameters)
        lists = [p.name.text for p in block.parameters if p.type == "tensors"]
        lists += [*loops_of(block.body), *resolution.carried.named(block)]
        inner = inner.reading(["input", *inner.tensors, *_names(block.body)], lists)
        _resolve_body(block.body, inner, defaults, resolution, report)
    stages = {stage.name.text: stage.body for stage in spec.stages}
    lists = [name for name, body in stages.items() if lone_loop(body)]
    lists += resolution.carried.stages
    names = names.reading([*stages, *(each.name.text for each in spec.inputs)], lists)
    for stage in spec.stages:
        if isinstance(stage.origin, ListName):
            check_index(stage.origin, names, report)
        _resolve_body(stage.body, names, defaults, resolution, report)
    _find_listed(resolution)
    _resolve_candidates(defaults, resolution, report)
    _resolve_kinds(resolution)
    return resolution


def _names(body: Body) -> list[str]:
    return [step.name.text for step in body if step.name]


def _find_listed(resolution: Resolution) -> None:
    """Find the loops whose iterations are read."""
    spec = resolution.spec
    carried = resolution.carried.steps  # the list of such a loop is what its last iteration gives
    loops = {s.name.text: loop for s in spec.stages if (loop := lone_loop(s.body))}
    loops = {name: loop for name, loop in loops.items() if loop not in carried}
    bodies = [
        ({name: loop for name, loop in loops_of(b.body).items() if loop not in carried}, b.body)
        for b in spec.blocks.values()
    ]
    for known, body in (*bodies, *((loops, stage.body) for stage in spec.stages)):
        for step in steps(body):
            for name in resolution.reads(step):
                if isinstance(name, ListName) and name.text in known:
                    resolution.listed.add(known[name.text])
    for stage in spec.stages:
        if isinstance(stage.origin, ListName) and stage.origin.text in loops:
            resolution.listed.add(loops[stage.origin.text])


def _read_op_defaults(
    parameters: Iterable[Parameter],
    names: Definitions,
    defaults: Defaults,
    resolution: Resolution,
    report: Report,
) -> None:
    names = replace(names, ops={})  # a default is no other parameter
    reader = _op_reader(names, defaults, resolution, report)
    blocks = _block_reader(names, resolution, report)
    for parameter in parameters:
        if parameter.type == "op" and (value := reader.default(parameter)) is not None:
            resolution.op_uses.defaults[parameter] = value
        own = parameter.default if parameter.type == "block" else None
        if own is not None and (value := blocks.read(parameter.name, own)) is not None:
            resolution.block_uses.defaults[parameter] = value


def _block_reader(names: Definitions, resolution: Resolution, report: Report) -> BlockReader:
    lists, named = resolution.carried.blocks, resolution.block_uses.named
    return BlockReader(names, resolution.spec.blocks, lists, named, report)


def _op_reader(
    names: Definitions, defaults: Defaults, resolution: Resolution, report: Report
) -> OpReader:
    blocks, ops, arguments = resolution.spec.blocks, resolution.ops, resolution.arguments
    return OpReader(names, defaults, blocks, ops, arguments, report)


def _resolve_candidates(defaults: Defaults, resolution: Resolution, report: Report) -> None:
    """Find the blocks that each step may be of which uses a parameter, and check what it gives to
    all of them. That may be a block in turn, for a parameter of one of these.
    """
    uses, read = resolution.block_uses, dict[Call, int]()
    lists = resolution.carried.blocks  # no parameter may be one of these
    alone = {name: block for name, block in resolution.spec.blocks.items() if name not in lists}
    while True:
        find_candidates(uses, alone, resolution.blocks)
        waiting = [call for call in uses.steps if len(uses.may_be(call)) > read.get(call, 0)]
        if not waiting:
            break
        for call in waiting:
            read[call] = len(uses.may_be(call))
            given = {argument.name.text: argument.value for argument in call.arguments}
            reader = _block_reader(uses.places[call], resolution, report)
            uses.given[call] = reader.take(_parameters(call, resolution), given)
    for call in uses.steps:
        given, parameters = check_candidates(call, uses, report), [*_parameters(call, resolution)]
        reader = _op_reader(uses.places[call], defaults, resolution, report)
        resolution.op_uses.given[call] = reader.take(parameters, given)
        blocks = {p.name.text for p in parameters if p.type == "block"}
        resolution.arguments[call] = {n: v for n, v in given.items() if n not in blocks}
        resolution.choosing.add(call)


def _parameters(call: Call, resolution: Resolution) -> Iterator[Parameter]:
    """The parameters of all blocks that a call may be of."""
    return (parameter for block in resolution.called(call) for parameter in block.parameters)


def _resolve_kinds(resolution: Resolution) -> None:
    """Give each step that applies a parameter the op that stands for all that it may be."""
    uses = resolution.op_uses
    find_kinds(uses, resolution.called, resolution.ops)
    for call, parameter in uses.steps.items():
        resolution.ops[call] = uses.kinds[parameter].op
        resolution.arguments[call] = {}
        resolution.choosing.add(call)


def _resolve_body(
    body: Body, names: Definitions, defaults: Defaults, resolution: Resolution, report: Report
) -> None:
    for step in body:
        if isinstance(step.origin, ListName):
            check_index(step.origin, names, report)
        if isinstance(step, Call):
            _resolve_call(step, names, defaults, resolution, report)
            continue
        if isinstance(step, Branches) and report_unnamed(step, names, resolution.spec, report):
            resolution.unnamed.add(step)
            continue
        kind = "either" if isinstance(step, Each) else "numbers"
        for expression in expressions(step):
            maps = isinstance(step, Branches) and expression is step.maps
            if maps or isinstance(step, Each) and are_maps(expression, names):
                check_maps(expression, names, report)
            else:
                check_expression(expression, names, report, kind=kind)
        inner = names.within(step) if isinstance(step, Repeat | Each) else names
        if isinstance(step, Each):
            walked = frozenset(name.text for name, each in step.lists if are_maps(each, names))
            own = [(variable, variable.text in walked) for variable, _ in step.lists]
            taken = {*names.values, *names.tensors}
            if walked:
                resolution.walked[step] = walked
                resolution.merging.add(step)
                _check_hidden(step, walked, names, report)
            rows = {variable.text: names.fields_of(values) for variable, values in step.lists}
            inner = inner.declare(own, report, partial(instead_of_variable, step, taken))
            inner = inner.reading(walked)
            inner = inner.with_fields(rows)
        for nested in nested_bodies(step):
            _resolve_body(nested, inner, defaults, resolution, report)


def _check_hidden(step: Each, walked: Collection[str], names: Definitions, report: Report) -> None:
    """Report a variable that is a map and has the name of another one, which steps could mean."""
    for variable, _ in step.lists:
        if variable.text in walked and variable.text in names.maps - names.tensors.keys():
            report.add(
                "shadowed-name",
                f"`{variable.text}` can be read by `from` already",
                variable.span,
                help="give the variable another name",
            )


def _fields(parameters: Iterable[Parameter]) -> dict[str, Fields | None]:
    """The fields of parameters that are records."""
    return {
        parameter.name.text: frozenset(name for name, _ in parameter.fields)
        if parameter.is_sound
        else UNKNOWN_FIELDS
        for parameter in parameters
        if parameter.fields or not parameter.is_sound
    }


def _instead_of_parameter(block: Block, spec: Spec, name: Identifier) -> tuple[str, Remedies]:
    parameter = next(p for p in block.parameters if p.name is name)
    taken = {p.name.text for p in (*spec.parameters, *block.parameters)}
    return instead_of_parameter(parameter, block, taken, spec)


def _resolve_call(
    call: Call, names: Definitions, defaults: Defaults, resolution: Resolution, report: Report
) -> None:
    """Find the op or the block of a call. A name that is certainly misspelt counts as what was
    meant, so that the rest of the network can be checked.
    """
    spec, meant = resolution.spec, call
    name = call.callee.text
    if name in names.ops and names.ops[name].type == "block":
        resolution.block_uses.steps[call] = names.ops[name]
        resolution.block_uses.places[call] = names
        return
    if name in names.ops:
        resolution.op_uses.steps[call] = names.ops[name]
        if call.arguments:
            report_attributes(call, report)
        return
    if name in names.values and name not in OPS:
        _refuse_value(call, names, resolution, report)
        return
    if name and name not in OPS and name not in spec.blocks and "" not in spec.blocks:
        # Otherwise one of the blocks that could not be read may have this name.
        meant = report_callee(call, spec, report)
        name = meant.callee.text
    op, block = OPS.get(name), spec.blocks.get(name) if name else None
    if op and op.joins:
        if name == call.callee.text:
            report.add(
                "wrong-kind",
                f"`{name}` joins branches, and is no step of its own",
                call.callee.span,
                help=f"write `branches: {{left: ..., right: ...}}` with `join: {name}`",
            )
    elif op:
        resolution.ops[call] = op
        given = defaults.get(op.name) or defaults.get("", {})
        arguments = op_arguments(meant, op, names, given, report)
        resolution.arguments[call] = arguments
        if any(chooses_word(op.attributes[name], value) for name, value in arguments.items()):
            resolution.choosing.add(call)
        if op.tensors:
            resolution.merging.add(call)
    elif block:
        resolution.blocks[call] = block
        given = block_arguments(meant, block, names, report)
        reader = _op_reader(names, defaults, resolution, report)
        resolution.op_uses.given[call] = reader.take(block.parameters, given)
        blocks = _block_reader(names, resolution, report)
        resolution.block_uses.given[call] = blocks.take(block.parameters, given)
        resolution.arguments[call] = given
        if any(parameter.type in ("tensor", "tensors") for parameter in block.parameters):
            resolution.merging.add(call)
    else:
        for expression in expressions(call):
            check_part(expression, names, report)


def _refuse_value(call: Call, names: Definitions, resolution: Resolution, report: Report) -> None:
    """Report the name of a value that stands where an op does; of a parameter with a mistake,
    nobody knows whether it is one.
    """
    parameters = [*resolution.spec.parameters]
    parameters += [p for block in resolution.spec.blocks.values() for p in block.parameters]
    at = names.values[call.callee.text]
    if call.callee.text and all(p.is_sound for p in parameters if p.name.span == at):
        report_value_as_step(call, names, report)
    for argument in call.arguments:
        for expression in value_expressions(argument.value):
            check_part(expression, names, report)
