"""Resolve: give every name of a spec its meaning, and report those that have none."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import networkx as nx

from cnngen.diagnostics.model import Label, Report
from cnngen.diagnostics.suggest import suggest
from cnngen.ops import OPS
from cnngen.ops.base import Op
from cnngen.ops.initializer import INITIALIZERS
from cnngen.program.algebra import free_names
from cnngen.semantics.keys import Arrangement, arrange, check_keys, snake_case
from cnngen.semantics.walk import argument_expressions, calls, expressions, nested_bodies, steps
from cnngen.source import Span
from cnngen.syntax.expression import (
    Apply,
    Binary,
    Conditional,
    Constant,
    Expression,
    Index,
    ListOf,
    Name,
    Unary,
)
from cnngen.syntax.tree import (
    Argument,
    ArgumentValue,
    Block,
    Body,
    Call,
    Distribution,
    Each,
    Identifier,
    Spec,
    Step,
)


@dataclass(slots=True, eq=False)
class Resolution:
    """A spec with what its names mean.

    `ops` has the op of each call of an op, `blocks` the block of each call of a block; `arguments`
    all attributes of an op (`defaults` and the op's own filled in) or what a call gives to a block.
    `order` lists the blocks that the model uses, each after those that it uses itself. `captured`
    are the model's parameters that a block depends on.
    """

    spec: Spec
    ops: dict[Call, type[Op]] = field(default_factory=dict[Call, type[Op]])
    blocks: dict[Call, Block] = field(default_factory=dict[Call, Block])
    arguments: dict[Call, dict[str, ArgumentValue]] = field(
        default_factory=dict[Call, dict[str, ArgumentValue]]
    )
    merging: set[Step] = field(default_factory=set[Step])
    order: tuple[Block, ...] = ()
    captured: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    recursive: bool = False
    arrangements: dict[tuple[Body, bool], Arrangement] = field(
        default_factory=dict[tuple[Body, bool], Arrangement]
    )

    def arrangement(self, body: Body, *, block: bool = False) -> Arrangement:
        key = (body, block)
        if key not in self.arrangements:
            self.arrangements[key] = arrange(body, block=block, merging=self.merging)
        return self.arrangements[key]

    def tensors(self, call: Call) -> dict[str, Identifier]:
        """The tensors that a call of a block hands over besides its input."""
        given = {argument.name.text: argument for argument in call.arguments}
        return {
            parameter.name.text: Identifier(
                value.name, value.span or given[parameter.name.text].name.span
            )
            for parameter in (self.blocks[call].parameters if call in self.blocks else ())
            if parameter.type == "tensor" and parameter.name.text in given
            if isinstance(value := given[parameter.name.text].value, Name)
        }


def resolve(spec: Spec, report: Report) -> Resolution:
    """Resolve the names of a spec; what has none is reported and left out."""
    resolution = Resolution(spec)
    globals_ = {parameter.name.text: parameter.name.span for parameter in spec.parameters}
    _check_defaults(spec, globals_, report)
    for block in spec.blocks.values():
        scope = dict(globals_)
        for parameter in block.parameters:
            _declare(parameter.name, scope, report)
        tensors = {p.name.text for p in block.parameters if p.type == "tensor"}
        _resolve_body(block.body, scope, resolution, report, tensors)
    for stage in spec.stages:
        _resolve_body(stage.body, globals_, resolution, report, set())
    for block in spec.blocks.values():
        check_keys(block.body, resolution.arrangement(block.body, block=True), report)
    for stage in spec.stages:
        check_keys(stage.body, resolution.arrangement(stage.body), report)
    _check_names(spec, report)
    _order_blocks(resolution, report)
    _capture(resolution, report)
    return resolution


def _declare(name: Identifier, scope: dict[str, Span], report: Report) -> None:
    """Add a name to a scope; nothing hides another name."""
    if name.text in scope:
        report.add(
            "shadowed-name",
            f"`{name.text}` is already a name here",
            name.span,
            "the second one",
            secondary=[Label(scope[name.text], "the first one")],
            help="choose another name",
        )
    scope.setdefault(name.text, name.span)


def _resolve_body(
    body: Body, scope: dict[str, Span], resolution: Resolution, report: Report, tensors: set[str]
) -> None:
    for step in body:
        if isinstance(step, Call):
            _resolve_call(step, scope, resolution, report)
        else:
            for expression in expressions(step):
                check_expression(expression, scope, report, tensors)
        inner = scope
        if isinstance(step, Each):
            inner = dict(scope)
            for variable, _ in step.lists:
                _declare(variable, inner, report)
        for nested in nested_bodies(step):
            _resolve_body(nested, inner, resolution, report, tensors)


def _resolve_call(
    call: Call, scope: dict[str, Span], resolution: Resolution, report: Report
) -> None:
    name = call.callee.text
    if op := OPS.get(name):
        resolution.ops[call] = op
        resolution.arguments[call] = _op_arguments(call, op, scope, resolution.spec, report)
    elif block := resolution.spec.blocks.get(name):
        resolution.blocks[call] = block
        resolution.arguments[call] = _block_arguments(call, block, scope, report)
        if any(parameter.type == "tensor" for parameter in block.parameters):
            resolution.merging.add(call)
    else:
        _unknown_callee(call.callee, resolution.spec, report)


def _unknown_callee(callee: Identifier, spec: Spec, report: Report) -> None:
    names = [*OPS, *spec.blocks]
    guess = suggest(callee.text, names)
    if callee.text[:1].isupper():
        code, what = "unknown-block", "the spec defines no block"
        remedy = (
            f"define it under `blocks`, or use one of {_listed(spec.blocks)}"
            if spec.blocks
            else "define it under `blocks`"
        )
    else:
        code, what = "unknown-op", "there is no op"
        remedy = "`cnngen ops` lists all ops"
    report.add(
        code,
        f"{what} `{callee.text}`",
        callee.span,
        help=f"did you mean `{guess}`?" if guess else remedy,
    )


def _op_arguments(
    call: Call, op: type[Op], scope: Mapping[str, Span], spec: Spec, report: Report
) -> dict[str, ArgumentValue]:
    """All attributes of an op: what the call says, else the spec's defaults, else the op's own."""
    given = {a.name.text: a for a in (*spec.defaults.get(op.name, ()), *call.arguments)}
    for argument in call.arguments:
        if argument.name.text not in op.attributes:
            _unknown_attribute(argument, op, call, report)
        else:
            check_attribute(argument, op, scope, report)
    arguments: dict[str, ArgumentValue] = {}
    missing: list[str] = []
    for name, attribute in op.attributes.items():
        if name in given:
            arguments[name] = given[name].value
        elif attribute.required:
            missing.append(name)
        else:
            arguments[name] = Constant(attribute.default)
    if missing:
        example = ", ".join(f"{name}: ..." for name in missing)
        report.add(
            "missing-attribute",
            f"`{op.name}` needs {_listed(missing, 'and')}",
            call.callee.span,
            help=f"write `{op.name}: {{{example}}}`",
        )
    return arguments


def _unknown_attribute(argument: Argument, op: type[Op], call: Call | None, report: Report) -> None:
    guess = suggest(argument.name.text, op.attributes)
    takes = f"`{op.name}` takes {', '.join(op.attributes) or 'no attributes'}"
    report.add(
        "unknown-attribute",
        f"`{op.name}` has no attribute `{argument.name.text}`",
        argument.name.span,
        "unknown attribute",
        secondary=[Label(call.callee.span, takes)] if call else (),
        help=f"did you mean `{guess}`?" if guess else None if call else takes,
    )


def check_attribute(
    argument: Argument, op: type[Op], scope: Mapping[str, Span], report: Report
) -> None:
    """Check the words and names in the value of an attribute."""
    attribute = op.attributes[argument.name.text]
    value = argument.value
    if attribute.kind == "choice":
        if not (isinstance(value, Name) and value.name in attribute.choices):
            _expected(argument, f"one of {_listed(attribute.choices)}", report)
    elif attribute.kind == "init":
        _check_init(argument, scope, report)
    elif isinstance(value, Distribution):
        _expected(argument, "a value, not a mapping", report)
    elif not (attribute.kind == "padding" and value in (Constant("same"), Constant("half"))):
        check_expression(value, scope, report)


def _expected(argument: Argument, what: str, report: Report) -> None:
    report.add(
        "wrong-type",
        f"`{argument.name.text}` must be {what}",
        value_span(argument),
        f"expected {what}",
    )


def value_span(argument: Argument) -> Span:
    return argument.value.span or argument.name.span


def _check_init(argument: Argument, scope: Mapping[str, Span], report: Report) -> None:
    match argument.value:
        case Constant(value=None):
            return
        case Name(name=word, span=span):
            identifier, arguments = Identifier(word, span or argument.name.span), ()
        case Distribution(word=identifier, arguments=arguments):
            pass
        case _:
            return _expected(argument, "the name of a distribution", report)
    known = INITIALIZERS.get(identifier.text)
    if not known:
        guess = suggest(identifier.text, INITIALIZERS)
        report.add(
            "wrong-type",
            f"there is no initial distribution `{identifier.text}`",
            identifier.span,
            help=f"did you mean `{guess}`?" if guess else f"use one of {_listed(INITIALIZERS)}",
        )
        return
    names = [a.name for a in known.arguments]
    for name, value in arguments:
        if name.text not in names:
            report.add(
                "unknown-attribute",
                f"`{known.word}` has no argument `{name.text}`",
                name.span,
                help=f"`{known.word}` takes {', '.join(names) or 'no arguments'}",
            )
        elif not (isinstance(value, Name) and name.text == "mode"):
            check_expression(value, scope, report)


def _block_arguments(
    call: Call, block: Block, scope: Mapping[str, Span], report: Report
) -> dict[str, ArgumentValue]:
    parameters = {parameter.name.text: parameter for parameter in block.parameters}
    for argument in call.arguments:
        parameter = parameters.get(argument.name.text)
        if parameter is None:
            guess = suggest(argument.name.text, parameters)
            report.add(
                "unknown-parameter",
                f"`{block.name.text}` has no parameter `{argument.name.text}`",
                argument.name.span,
                "unknown parameter",
                secondary=[Label(block.name.span, f"it takes {', '.join(parameters) or 'none'}")],
                help=f"did you mean `{guess}`?" if guess else None,
            )
        elif parameter.type == "tensor":
            if not isinstance(argument.value, Name):
                _expected(argument, "the name of a step", report)
        elif isinstance(argument.value, Distribution):
            _expected(argument, "a value, not a mapping", report)
        else:
            check_expression(argument.value, scope, report)
    given = {argument.name.text: argument.value for argument in call.arguments}
    missing = [n for n, p in parameters.items() if p.default is None and n not in given]
    if missing:
        example = ", ".join(f"{name}: ..." for name in missing)
        report.add(
            "missing-parameter",
            f"`{block.name.text}` needs {_listed(missing, 'and')}",
            call.callee.span,
            secondary=[Label(block.name.span, "defined here")],
            help=f"write `{block.name.text}: {{{example}}}`",
        )
    return {name: value for name, value in given.items() if name in parameters}


def check_expression(
    expression: Expression, scope: Mapping[str, Span], report: Report, tensors: Iterable[str] = ()
) -> None:
    """Report the names of an expression that are not in scope."""
    for name in _names(expression):
        if name.name in scope and name.name not in tensors:
            continue
        assert name.span
        if name.name in tensors:
            report.add(
                "wrong-type",
                f"`{name.name}` is a tensor, not a number",
                name.span,
                help=f"read it with `from: {name.name}`",
            )
            continue
        guess = suggest(name.name, scope)
        words = {"yes": "true", "on": "true", "no": "false", "off": "false", "none": "null"}
        word = words.get(name.name.lower())
        remedy = f"in scope are {_listed(scope)}" if scope else "the spec has no `params`"
        report.add(
            "unknown-name",
            f"there is no `{name.name}` here",
            name.span,
            help=f"did you mean `{word or guess}`?" if word or guess else remedy,
        )


def _names(expression: Expression) -> Iterable[Name]:
    match expression:
        case Name():
            yield expression
        case Unary(operand=operand):
            yield from _names(operand)
        case Binary(left=left, right=right):
            yield from _names(left)
            yield from _names(right)
        case Conditional(test=test, then=then, otherwise=otherwise):
            yield from (*_names(then), *_names(test), *_names(otherwise))
        case Index(list=values, index=index):
            yield from (*_names(values), *_names(index))
        case ListOf(items=items) | Apply(arguments=items):
            for item in items:
                yield from _names(item)
        case _:
            return


def _check_defaults(spec: Spec, scope: Mapping[str, Span], report: Report) -> None:
    for name, arguments in spec.defaults.items():
        op = OPS.get(name)
        for argument in arguments:
            if op is None:
                break
            if argument.name.text in op.attributes:
                check_attribute(argument, op, scope, report)
            else:
                _unknown_attribute(argument, op, None, report)


def _check_names(spec: Spec, report: Report) -> None:
    """Blocks become functions in snake_case, which must differ from each other."""
    taken = {snake_case(spec.name.text): spec.name, spec.stem: spec.name}
    for block in spec.blocks.values():
        function = snake_case(block.name.text)
        other = taken.get(function)
        if block.name.text == spec.name.text or (other and other is not block.name):
            first = other or spec.name
            report.add(
                "name-clash",
                f"`{block.name.text}` and `{first.text}` would both be `{function}` in Keras code",
                block.name.span,
                secondary=[Label(first.span, f"`{first.text}` here")],
                help="rename one of them",
            )
        taken.setdefault(function, block.name)


def _order_blocks(resolution: Resolution, report: Report) -> None:
    """Find recursion and blocks that nothing uses; order the rest by their use."""
    spec = resolution.spec
    uses = nx.DiGraph()
    uses.add_nodes_from(spec.blocks)
    uses.add_node("")  # the model
    sites: dict[tuple[str, str], Call] = {}
    bodies = [(name, block.body) for name, block in spec.blocks.items()]
    for user, body in [("", tuple(s for stage in spec.stages for s in stage.body)), *bodies]:
        for call in calls(body):
            if call in resolution.blocks:
                uses.add_edge(user, call.callee.text)
                sites.setdefault((user, call.callee.text), call)
    try:
        cycle = nx.find_cycle(uses)
    except nx.NetworkXNoCycle:
        pass
    else:
        resolution.recursive = True
        edges = [(str(edge[0]), str(edge[1])) for edge in cycle]
        report.add(
            "recursion",
            f"`{edges[-1][0]}` uses itself"
            if len(edges) == 1
            else "blocks use each other in a circle",
            sites[edges[-1]].callee.span,
            notes=[" -> ".join([edges[0][0], *(callee for _, callee in edges)])],
            help="a block cannot contain itself; write the levels out, or use `repeat` or `each`",
        )
        return
    reached: set[str] = nx.descendants(uses, "")
    for name, block in spec.blocks.items():
        if name not in reached and block.name.span.source is spec.span.source:
            report.add("unused-block", f"no step uses the block `{name}`", block.name.span)
    order = [name for name in reversed(list(nx.dfs_preorder_nodes(uses, ""))) if name]
    ranks = {name: i for i, name in enumerate(nx.dfs_postorder_nodes(uses, ""))}
    resolution.order = tuple(spec.blocks[name] for name in sorted(order, key=ranks.__getitem__))


def _capture(resolution: Resolution, report: Report) -> None:
    """Find which of the model's parameters each block depends on, directly or through others."""
    spec = resolution.spec
    names = [parameter.name.text for parameter in spec.parameters]
    found: dict[str, set[str]] = {}
    for block in resolution.order:
        found[block.name.text] = _dependencies(block.body, resolution, found) & set(names)
    resolution.captured = {
        block: tuple(name for name in names if name in used) for block, used in found.items()
    }
    if resolution.recursive:
        return
    used = {n for s in spec.stages for n in _dependencies(s.body, resolution, found)}
    for parameter in spec.parameters:
        if parameter.name.text not in used:
            report.add(
                "unused-parameter",
                f"nothing depends on the parameter `{parameter.name.text}`",
                parameter.name.span,
            )
    for block in resolution.order:
        own = _dependencies(block.body, resolution, found, with_tensors=True)
        for parameter in block.parameters:
            if parameter.name.text not in own:
                report.add(
                    "unused-parameter",
                    f"nothing in `{block.name.text}` depends on `{parameter.name.text}`",
                    parameter.name.span,
                )


def _dependencies(
    body: Body, resolution: Resolution, found: Mapping[str, set[str]], with_tensors: bool = False
) -> set[str]:
    names: set[str] = set()
    for step in steps(body):
        if isinstance(step, Call):
            for value in resolution.arguments.get(step, {}).values():
                parts = argument_expressions(Argument(step.callee, value))
                names |= {name for part in parts for name in free_names(part)}
            if step in resolution.blocks:
                names |= found.get(step.callee.text, set())
        else:
            names |= {name for part in expressions(step) for name in free_names(part)}
        if with_tensors and step.origin:
            names.add(step.origin.text)
    return names


def _listed(names: Iterable[str], last: str = "or") -> str:
    """`a`, `b` or `c`."""
    quoted = [f"`{name}`" for name in names]
    return f"{', '.join(quoted[:-1])} {last} {quoted[-1]}" if len(quoted) > 1 else "".join(quoted)
