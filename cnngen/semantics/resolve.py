"""Resolve: give every name of a spec its meaning, and report those that have none."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from cnngen.diagnostics.model import Remedies, Report
from cnngen.expressions.expression import Expression, Name
from cnngen.expressions.fields import UNKNOWN_FIELDS, Fields
from cnngen.ops import OPS
from cnngen.ops.base import Op
from cnngen.semantics.calls import Given, block_arguments, check_defaults, op_arguments
from cnngen.semantics.definitions import Definitions, check_expression, check_part
from cnngen.semantics.explanations.call_errors import report_callee
from cnngen.semantics.explanations.shadowed import instead_of_parameter, instead_of_variable
from cnngen.semantics.keys import Arrangement, arrange
from cnngen.semantics.op_parameters import OpReader, report_attributes, report_value_as_step
from cnngen.semantics.op_values import OpUses, find_kinds, op_expressions
from cnngen.semantics.walk import expressions, nested_bodies, value_expressions
from cnngen.semantics.words import chooses_word
from cnngen.syntax.tree import (
    ArgumentValue,
    Block,
    Body,
    Call,
    Each,
    Identifier,
    Parameter,
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

    `ops` has the op of each call of an op, and `blocks` the block of each call of a block;
    `arguments` has all attributes of an op (`defaults` and the op's own filled in) or what a call
    gives to a block. `merging` are the calls that read a second tensor, `choosing` those with a
    condition on a word of an attribute.

    Later passes fill in the rest. `order` lists the blocks that the model uses, each behind those
    that it uses itself. `captured` are the model's parameters on which a block depends, and
    `training` the stages that exist in training only. `meant` has the tensor that a misspelt name
    certainly means, so that the rest can be checked. `op_uses` are the parameters that are ops, and
    `shared` has the stage or step that a `use`
    applies again: the first one, whose layers hold the weights. `endless` is true where blocks use
    each other in a circle or nest too deep, so that there is no network.
    """

    spec: Spec
    ops: dict[Call, type[Op]] = field(default_factory=dict[Call, type[Op]])
    blocks: dict[Call, Block] = field(default_factory=dict[Call, Block])
    arguments: dict[Call, dict[str, ArgumentValue]] = field(
        default_factory=dict[Call, dict[str, ArgumentValue]]
    )
    merging: set[Step] = field(default_factory=set[Step])
    choosing: set[Step] = field(default_factory=set[Step])
    order: tuple[Block, ...] = ()
    captured: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    meant: dict[Identifier, str] = field(default_factory=dict[Identifier, str])
    training: frozenset[str] = frozenset()
    shared: dict[Reuse, Stage | Step] = field(default_factory=dict[Reuse, Stage | Step])
    op_uses: OpUses = field(default_factory=OpUses)
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

    @property
    def parts(self) -> frozenset[Stage | Step]:
        """The stages and steps that are used again."""
        return frozenset(self.shared.values())

    def tensors(self, call: Call) -> dict[str, Identifier]:
        """The tensors that a call reads besides its input, by parameter of the block or attribute
        of the op.
        """
        if op := self.ops.get(call):
            values = self.arguments[call]
            return {
                name: Identifier(value.name, value.span or call.callee.span)
                for name in op.tensors
                if isinstance(value := values[name], Name)
            }
        given = {argument.name.text: argument for argument in call.arguments}
        values = self.arguments.get(call, {})
        return {
            parameter.name.text: Identifier(
                value.name, value.span or given[parameter.name.text].name.span
            )
            for parameter in (self.blocks[call].parameters if call in self.blocks else ())
            if parameter.type == "tensor" and parameter.name.text in given
            if isinstance(value := values.get(parameter.name.text), Name)
        }

    def expressions(self, step: Step) -> Iterator[Expression]:
        """The expressions of a step itself; of a call those that it does not write, too."""
        if isinstance(step, Call):
            tensors = self.ops[step].tensors if step in self.ops else ()
            for name, value in self.arguments.get(step, {}).items():
                if name not in tensors:
                    yield from value_expressions(value)
            for value in self.op_uses.given.get(step, {}).values():
                yield from op_expressions(value, self.arguments)
            if (parameter := self.op_uses.steps.get(step)) is not None:
                yield Name(parameter.name.text)
        else:
            yield from expressions(step)

    def reads(self, step: Step) -> list[Identifier]:
        """The names by which a step itself reads tensors."""
        names = [step.origin] if step.origin else []
        return [*names, *self.tensors(step).values()] if isinstance(step, Call) else names


def resolve(spec: Spec, report: Report) -> Resolution:
    """Resolve the names of a spec; a name without a meaning is reported and left out."""
    resolution = Resolution(spec)
    names = (
        Definitions({parameter.name.text: parameter.name.span for parameter in spec.parameters}, {})
        .with_fields(_fields(spec.parameters))
        .with_ops(spec.parameters)
    )
    defaults = check_defaults(spec, names, report)
    of_blocks = (parameter for block in spec.blocks.values() for parameter in block.parameters)
    _read_op_defaults((*spec.parameters, *of_blocks), names, defaults, resolution, report)
    for block in spec.blocks.values():
        own = ((parameter.name, parameter.type == "tensor") for parameter in block.parameters)
        inner = names.declare(own, report, partial(_instead_of_parameter, block, spec))
        inner = inner.with_fields(_fields(block.parameters)).with_ops(block.parameters)
        _resolve_body(block.body, inner, defaults, resolution, report)
    for stage in spec.stages:
        _resolve_body(stage.body, names, defaults, resolution, report)
    _resolve_kinds(resolution)
    return resolution


def _read_op_defaults(
    parameters: Iterable[Parameter],
    names: Definitions,
    defaults: Defaults,
    resolution: Resolution,
    report: Report,
) -> None:
    reader = _op_reader(names, defaults, resolution, report)
    for parameter in parameters:
        if parameter.type == "op" and (value := reader.default(parameter)) is not None:
            resolution.op_uses.defaults[parameter] = value


def _op_reader(
    names: Definitions, defaults: Defaults, resolution: Resolution, report: Report
) -> OpReader:
    blocks, ops, arguments = resolution.spec.blocks, resolution.ops, resolution.arguments
    return OpReader(names, defaults, blocks, ops, arguments, report)


def _resolve_kinds(resolution: Resolution) -> None:
    """Give each step that applies a parameter the op that stands for all that it may be."""
    uses = resolution.op_uses
    find_kinds(uses, resolution.blocks, resolution.ops)
    for call, parameter in uses.steps.items():
        resolution.ops[call] = uses.kinds[parameter].op
        resolution.arguments[call] = {}
        resolution.choosing.add(call)


def _resolve_body(
    body: Body, names: Definitions, defaults: Defaults, resolution: Resolution, report: Report
) -> None:
    for step in body:
        if isinstance(step, Call):
            _resolve_call(step, names, defaults, resolution, report)
            continue
        kind = "either" if isinstance(step, Each) else "numbers"
        for expression in expressions(step):
            check_expression(expression, names, report, kind=kind)
        inner = names.within(step) if isinstance(step, Repeat | Each) else names
        if isinstance(step, Each):
            own = ((variable, False) for variable, _ in step.lists)
            taken = {*names.values, *names.tensors}
            rows = {variable.text: names.fields_of(values) for variable, values in step.lists}
            inner = inner.declare(own, report, partial(instead_of_variable, step, taken))
            inner = inner.with_fields(rows)
        for nested in nested_bodies(step):
            _resolve_body(nested, inner, defaults, resolution, report)


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
        resolution.op_uses.given[call] = reader.take(block, given)
        resolution.arguments[call] = given
        if any(parameter.type == "tensor" for parameter in block.parameters):
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
    if all(p.is_sound for p in parameters if p.name.span == at):
        report_value_as_step(call, names, report)
    for argument in call.arguments:
        for expression in value_expressions(argument.value):
            check_part(expression, names, report)
