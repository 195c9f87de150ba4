"""A program as text, for people who want to see what a pass makes of a spec. It is no format: what
it looks like may change with every version.

`%3` is a tensor, `$channels1` a variable of channels, or what a unit is handed; `@0` is a key, and
what follows `->` are the channels of a tensor.
"""

from collections.abc import Iterator

from cnngen.expressions.algebra import free_names, substitute
from cnngen.expressions.expression import Conditional, Constant, Expression, Name
from cnngen.ops.any_of import AnyOp
from cnngen.ops.base import Op
from cnngen.plan.program import (
    Arm,
    Bind,
    Call,
    Choice,
    Gather,
    Join,
    JoinLoop,
    Key,
    Loop,
    Maps,
    Node,
    Pass,
    Program,
    Region,
    Reuse,
    StageRegion,
    Unit,
    Value,
)
from cnngen.python.expression import python
from cnngen.semantics.op_values import Chosen, OpValue, Passed
from cnngen.syntax.forms import APART
from cnngen.syntax.tree import ArgumentValue, Distribution, Each, Parameter, Repeat
from cnngen.syntax.tree import Call as CallStep

INDENT = "  "


def text(program: Program) -> str:
    """The whole program, each unit and stage in a paragraph of its own."""
    paragraphs = [*map(_unit, program.units), *(_stage(stage) for stage in program.stages)]
    if len(program.inputs) > 1:
        paragraphs.insert(len(program.units), map(_named, program.inputs))
    return "\n\n".join("\n".join(lines) for lines in paragraphs) + "\n"


def _unit(unit: Unit) -> Iterator[str]:
    parameters = [*map(_parameter, unit.parameters)]
    captured = [f"{p.name.text} of the model" for p in unit.captured]
    takes = ", ".join([*parameters, *captured, *map(_symbol, unit.areas)])
    gives = "what it says itself" if unit.channels is None else code(unit.channels)
    yield f"unit {unit.name}({takes}) -> {gives}"
    for value in (unit.input, *unit.tensors):
        yield INDENT + _named(value)
    yield from _region(unit.body, 1)


def _named(value: Value | Maps) -> str:
    if isinstance(value, Maps):
        return f"%{value.numbers[0]} = list {value.name} -> {code(value.channels.listed)}"
    return f"%{value.number} = {value.name} -> {_channels(value)}"


def _parameter(parameter: Parameter) -> str:
    default = "" if parameter.default is None else f" = {value_code(parameter.default)}"
    return f"{parameter.name.text}: {parameter.type}{default}"


def _stage(stage: StageRegion) -> Iterator[str]:
    notes = ["in training only"] if stage.training else []
    notes += [f"output `{stage.output}`"] if stage.output else []
    yield f"stage {stage.name}(%{stage.body.given.number})" + "".join(f", {n}" for n in notes)
    yield from _region(stage.body, 1)


def _region(region: Region, depth: int) -> Iterator[str]:
    for node in region.nodes:
        yield from _node(node, depth)
    yield f"{INDENT * depth}gives %{region.gives.number}"


def _node(node: Node, depth: int) -> Iterator[str]:
    pad = INDENT * depth
    match node:
        case Bind():
            moved = ", moved" if node.moves else ""
            yield f"{pad}{code(node.variable)} := {code(node.channels)}{moved}"
        case Pass():
            yield f"{pad}pass %{node.reads.number}"
        case Call():
            yield f"{pad}{_given(node.gives)} = {_call(node)}{_gives(node.gives)}{_paths(node)}"
        case Reuse():
            head = f"use {node.called}(%{node.reads.number}){_at(node.key)}"
            yield f"{pad}{_given(node.gives)} = {head}{_gives(node.gives)}"
        case Gather():
            level = "" if node.level is None else f" below{_at(node.level)}"
            head = f"{_join(node.op)} of {_list(node.maps)}{level}{_at(node.key)}"
            yield f"{pad}{_given(node.gives)} = {head}{_gives(node.gives)}{_paths(node)}"
        case Loop():
            yield f"{pad}{_given(node.gives)} = {_loop(node)}{_gives(node.gives)}"
            for walked in node.walks:
                yield f"{pad}{INDENT}{_named(walked.value)} of {_list(walked.maps)}"
            if node.between is not None:
                yield f"{pad}between"
                yield from _region(node.between, depth + 1)
                yield f"{pad}do"
            yield from _region(node.body, depth + 1)
            if node.keeps is not None:
                yield f"{pad}{INDENT}keeps {_named(node.keeps)}"
        case Choice():
            variable = f", {code(node.variable)}" if node.variable else ""
            head = f"when {code(node.test)} (%{node.reads.number}{variable})"
            yield f"{pad}{_given(node.gives)} = {head}{_at(node.key)}{_gives(node.gives)}"
            yield from _region(node.then, depth + 1)
            if node.otherwise is not None:
                yield f"{pad}else"
                yield from _region(node.otherwise, depth + 1)
        case Join():
            level = "" if node.level is None else f" below{_at(node.level)}"
            head = f"{_join(node.op)} of branches (%{node.reads.number}){level}{_at(node.key)}"
            yield f"{pad}{_given(node.gives)} = {head}{_gives(node.gives)}{_paths(node)}"
            for arm in node.arms:
                yield f"{pad}{INDENT}{arm.name}(%{arm.region.given.number}){_condition(arm)}"
                yield from _region(arm.region, depth + 2)
        case JoinLoop():
            head = f"{_given(node.gives)} = {_join_loop(node)}"
            yield f"{pad}{head}{_gives(node.gives)}{_paths(node)}"
            for walked in node.walks:
                yield f"{pad}{INDENT}{_named(walked.value)} of {_list(walked.maps)}"
            yield from _region(node.body, depth + 1)


def _list(maps: Maps) -> str:
    """The tensors of a list, and their channels."""
    numbers = ", ".join(f"%{number}" for number in maps.numbers)
    return f"[{numbers}: {code(maps.channels.listed)}]"


def _given(value: Value) -> str:
    return f"%{value.number} {value.name}".rstrip()


def _call(node: Call) -> str:
    made = node.layer.made
    reads = [f"%{node.reads.number}"]
    reads += [f"{name}: %{value.number}" for name, value in node.tensors.items()]
    reads += [f"{name}: {_list(maps)}" for name, maps in node.lists.items()]
    given = node.layer.arguments
    if not isinstance(made, Unit):
        defaults = {name: attribute.default for name, attribute in made.attributes.items()}
        given = {n: v for n, v in given.items() if not _is(v, defaults.get(n))}
        given = {n: v for n, v in given.items() if n not in node.tensors}
    arguments = [f"{name}: {value_code(value)}" for name, value in given.items()]
    arguments += [f"{name}: {_op(value)}" for name, value in node.layer.ops.items()]
    written = f" {{{', '.join(arguments)}}}" if arguments else ""
    asked = f" asks {code(node.asked)}" if node.asked else ""
    name = made.name
    if node.layer.chosen:
        name = f"block {node.step.callee.text}"
    elif not isinstance(made, Unit) and issubclass(made, AnyOp):
        name = f"op {node.step.callee.text}"
    return f"{name}({', '.join(reads)}){written}{asked}{_at(node.key)}"


def _is(value: ArgumentValue, default: object) -> bool:
    return isinstance(value, Constant) and value.value == default


def _loop(node: Loop) -> str:
    variable = f", {code(node.variable)}" if node.variable else ""
    at = _at(node.key) or f" @{code(node.first)}..."
    return f"{_head(node.step)} (%{node.reads.number}{variable}){at}"


def _join_loop(node: JoinLoop) -> str:
    variable = f", {code(node.variable)}" if node.variable else ""
    level = "" if node.level is None else f" below{_at(node.level)}"
    head = f"{_join(node.op)} of {_head(node.step.loop)} (%{node.reads.number}{variable})"
    return f"{head}{level}{_at(node.key)}"


def _head(step: Repeat | Each) -> str:
    if isinstance(step, Repeat):
        return f"repeat {code(step.times)}"
    return "each " + ", ".join(f"{name.text} in {code(x)}" for name, x in step.lists)


def _condition(arm: Arm) -> str:
    variable = f", {code(arm.variable)}" if arm.variable else ""
    return "" if arm.test is None else f" when {code(arm.test)}{variable}"


def _at(key: Key) -> str:
    match key:
        case None:
            return ""
        case str():
            return f" @{key}"
        case _:
            return f" @{code(key)}"


def _gives(value: Value) -> str:
    return f" -> {_channels(value)}"


def _channels(value: Value) -> str:
    return code(value.channels) + (" features" if value.rank == "vector" else "")


def _paths(node: Call | Join | JoinLoop | Gather) -> str:
    """The first of the layers that a node stands for, and how many there are."""
    if not node.paths:
        return ""
    others = len(node.paths) - 1
    return f"  # {node.paths[0]}" + (f" and {others} more" if others else "")


def code(expression: Expression) -> str:
    """An expression as in a spec, with `$` before variables of the program."""
    variables = {name: Name(_symbol(name)) for name in free_names(expression) if " " in name}
    return python(substitute(expression, variables, None), "input.channels")


def _symbol(name: str) -> str:
    """`$channels1`, `$skip_channels`."""
    word, _, rest = name.rpartition(" ")
    return f"${word.replace(' ', '_')}{'' if rest.isdigit() else '_'}{rest}"


def _op(value: OpValue) -> str:
    match value:
        case CallStep(callee=callee, arguments=arguments):
            given = ", ".join(f"{each.name.text}: {value_code(each.value)}" for each in arguments)
            return f"{{{callee.text}: {{{given}}}}}" if given else callee.text
        case Passed(parameter):
            return parameter.name.text
        case Chosen(test, then, otherwise):
            return f"{_op(then)} if {code(test)} else {_op(otherwise)}"


def value_code(value: ArgumentValue) -> str:
    if not isinstance(value, Distribution):
        return value.name if isinstance(value, Name) else _literal(value)
    inside = ", ".join(f"{name.text}: {value_code(each)}" for name, each in value.arguments)
    return f"{{{value.word.text}: {{{inside}}}}}"


def _literal(value: Expression) -> str:
    return code(_with_names(value))


def _with_names(value: Expression) -> Expression:
    """A value whose words are names, as Python has no such words."""
    match value:
        case Constant(str() as word):
            return Name(word)
        case Conditional(test, then, otherwise):
            return Conditional(test, _with_names(then), _with_names(otherwise))
        case _:
            return value


def _join(op: type[Op] | None) -> str:
    return APART if op is None else op.name
