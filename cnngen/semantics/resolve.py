"""Resolve: give every name of a spec its meaning, and report those that have none."""

from collections.abc import Mapping
from functools import partial

from cnngen.diagnostics.model import Remedies, Report
from cnngen.ops import OPS
from cnngen.semantics.calls import Given, block_arguments, check_defaults, op_arguments
from cnngen.semantics.definitions import Definitions, check_expression, check_part, gather_unknown
from cnngen.semantics.explanations.call_errors import report_callee
from cnngen.semantics.explanations.shadowed import instead_of_parameter, instead_of_variable
from cnngen.semantics.keys import check_functions, check_keys
from cnngen.semantics.nesting import check_nesting
from cnngen.semantics.overrides import check_overrides
from cnngen.semantics.resolution import Resolution
from cnngen.semantics.stages import find_training_stages
from cnngen.semantics.uses import order_blocks, trace_parameters
from cnngen.semantics.walk import expressions, nested_bodies
from cnngen.syntax.tree import Block, Body, Call, Each, Identifier, Repeat, Spec

__all__ = ["Resolution", "resolve"]

Defaults = Mapping[str, Given]


def resolve(spec: Spec, report: Report) -> Resolution:
    """Resolve the names of a spec; what has none is reported and left out."""
    resolution = Resolution(spec)
    names = Definitions(
        {parameter.name.text: parameter.name.span for parameter in spec.parameters}, {}
    )
    defaults = check_defaults(spec, names, report)
    for block in spec.blocks.values():
        own = ((parameter.name, parameter.type == "tensor") for parameter in block.parameters)
        inner = names.declare(own, report, partial(_instead_of_parameter, block, spec))
        _resolve_body(block.body, inner, defaults, resolution, report)
    for stage in spec.stages:
        _resolve_body(stage.body, names, defaults, resolution, report)
    for block in spec.blocks.values():
        check_keys(block.body, resolution.arrangement(block.body, block=True), report)
    for stage in spec.stages:
        check_keys(stage.body, resolution.arrangement(stage.body), report)
    for part in (*spec.blocks.values(), *spec.stages):
        check_nesting(part.body, report)
    check_functions(spec, report)
    order_blocks(resolution, report)
    check_overrides(spec, report)
    trace_parameters(resolution, report)
    find_training_stages(resolution)
    gather_unknown(report)
    return resolution


def _resolve_body(
    body: Body, names: Definitions, defaults: Defaults, resolution: Resolution, report: Report
) -> None:
    for step in body:
        if isinstance(step, Call):
            _resolve_call(step, names, defaults, resolution, report)
            continue
        for expression in expressions(step):
            check_expression(expression, names, report)
        inner = names.within(step) if isinstance(step, Repeat | Each) else names
        if isinstance(step, Each):
            own = ((variable, False) for variable, _ in step.lists)
            taken = {*names.values, *names.tensors}
            inner = inner.declare(own, report, partial(instead_of_variable, step, taken))
        for nested in nested_bodies(step):
            _resolve_body(nested, inner, defaults, resolution, report)


def _instead_of_parameter(block: Block, spec: Spec, name: Identifier) -> tuple[str, Remedies]:
    parameter = next(p for p in block.parameters if p.name is name)
    taken = {p.name.text for p in (*spec.parameters, *block.parameters)}
    return instead_of_parameter(parameter, block, taken, spec)


def _resolve_call(
    call: Call, names: Definitions, defaults: Defaults, resolution: Resolution, report: Report
) -> None:
    """Find the op or the block of a call; of what is unknown that which it certainly means, so that
    the rest of the network can be checked with it.
    """
    spec, meant = resolution.spec, call
    name = call.callee.text
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
        resolution.arguments[call] = op_arguments(meant, op, names, given, report)
    elif block:
        resolution.blocks[call] = block
        resolution.arguments[call] = block_arguments(meant, block, names, report)
        if any(parameter.type == "tensor" for parameter in block.parameters):
            resolution.merging.add(call)
    else:
        for expression in expressions(call):
            check_part(expression, names, report)
