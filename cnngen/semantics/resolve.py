"""Resolve: give every name of a spec its meaning, and report those that have none."""

from cnngen.diagnostics.model import Report
from cnngen.ops import OPS
from cnngen.semantics.call_errors import report_callee
from cnngen.semantics.calls import block_arguments, check_defaults, op_arguments
from cnngen.semantics.keys import check_functions, check_keys
from cnngen.semantics.names import Names, check_expression, gather_unknown
from cnngen.semantics.resolution import Resolution
from cnngen.semantics.stages import find_training_stages
from cnngen.semantics.uses import order_blocks, trace_parameters
from cnngen.semantics.walk import expressions, nested_bodies
from cnngen.syntax.tree import Body, Call, Each, Spec

__all__ = ["Resolution", "resolve"]


def resolve(spec: Spec, report: Report) -> Resolution:
    """Resolve the names of a spec; what has none is reported and left out."""
    resolution = Resolution(spec)
    names = Names({parameter.name.text: parameter.name.span for parameter in spec.parameters}, {})
    check_defaults(spec, names, report)
    for block in spec.blocks.values():
        own = ((parameter.name, parameter.type == "tensor") for parameter in block.parameters)
        _resolve_body(block.body, names.declare(own, report), resolution, report)
    for stage in spec.stages:
        _resolve_body(stage.body, names, resolution, report)
    for block in spec.blocks.values():
        check_keys(block.body, resolution.arrangement(block.body, block=True), report)
    for stage in spec.stages:
        check_keys(stage.body, resolution.arrangement(stage.body), report)
    check_functions(spec, report)
    order_blocks(resolution, report)
    trace_parameters(resolution, report)
    find_training_stages(resolution)
    gather_unknown(report)
    return resolution


def _resolve_body(body: Body, names: Names, resolution: Resolution, report: Report) -> None:
    for step in body:
        if isinstance(step, Call):
            _resolve_call(step, names, resolution, report)
            continue
        for expression in expressions(step):
            check_expression(expression, names, report)
        inner = names
        if isinstance(step, Each):
            inner = names.declare(((variable, False) for variable, _ in step.lists), report)
        for nested in nested_bodies(step):
            _resolve_body(nested, inner, resolution, report)


def _resolve_call(call: Call, names: Names, resolution: Resolution, report: Report) -> None:
    name, spec = call.callee.text, resolution.spec
    op, block = OPS.get(name), spec.blocks.get(name)
    if op and op.joins:
        report.add(
            "wrong-kind",
            f"`{name}` joins branches, and is no step of its own",
            call.callee.span,
            help=f"write `branches: {{left: ..., right: ...}}` with `join: {name}`",
        )
    elif op:
        resolution.ops[call] = op
        resolution.arguments[call] = op_arguments(call, op, names, spec.defaults.get(name), report)
    elif block:
        resolution.blocks[call] = block
        resolution.arguments[call] = block_arguments(call, block, names, report)
        if any(parameter.type == "tensor" for parameter in block.parameters):
            resolution.merging.add(call)
    else:
        report_callee(call.callee, spec.blocks, report)
