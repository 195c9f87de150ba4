"""What all uses of an op in a file have in common."""

from collections.abc import Iterable, Mapping, Sequence

from cnngen.expressions.algebra import free_names
from cnngen.expressions.expression import Constant, ListOf
from cnngen.ops.base import Op
from cnngen.semantics.resolve import Resolution
from cnngen.syntax.tree import ArgumentValue, Distribution
from cnngen.targets.keras.depthwise import Form
from cnngen.targets.keras.initializers import initializers, is_constant
from cnngen.targets.keras.scope import Scope
from cnngen.targets.keras.use import Common, Initializers
from cnngen.targets.keras.values import ONE, Value, attribute_values, is_closed
from cnngen.targets.spelling import Speller

Arguments = Mapping[str, ArgumentValue]


def find_common(
    forms: Iterable[tuple[Form, ...]], resolution: Resolution, speller: Speller
) -> dict[type[Op], Common]:
    """For each op what all calls of it say in constants."""
    found: dict[type[Op], list[Arguments]] = {}
    for op, arguments in (form for each in forms for form in each):
        found.setdefault(op, []).append(arguments)
    pairs = _pairs(resolution)
    scope = Scope(speller, {})
    return {op: _common(op, alike, pairs, scope) for op, alike in found.items()}


def _common(
    op: type[Op], alike: Sequence[Arguments], pairs: frozenset[str], scope: Scope
) -> Common:
    values: dict[str, Value] = {}
    made: Initializers = {}
    square = True
    for name, attribute in op.attributes.items():
        given = [arguments[name] for arguments in alike]
        if attribute.kind == "init":
            made = _common_initializers(op, alike, scope)
            continue
        if attribute.kind in ("size", "padding"):
            square = square and not any(_may_be_pair(value, pairs) for value in given)
        if all(_is_closed(arguments, name) for arguments in alike):
            codes = [attribute_values(op, arguments, {})[name] for arguments in alike]
            first = scope.value(codes[0])
            if all(type(code) is type(codes[0]) and scope.value(code) == first for code in codes):
                values[name] = codes[0]
    return Common(values, made, square)


def _common_initializers(op: type[Op], alike: Sequence[Arguments], scope: Scope) -> Initializers:
    """The initializers of all calls, where they depend on no name."""
    if not all(is_constant(arguments["init"]) for arguments in alike):
        return {}
    if not all(_is_closed(a, "multiplier") for a in alike if "multiplier" in a):
        return {}
    fresh = [
        initializers(op, arguments["init"], _multiplier(op, arguments), scope)
        for arguments in alike
    ]
    return fresh[0] if all(each == fresh[0] for each in fresh) else {}


def _multiplier(op: type[Op], arguments: Arguments) -> Value:
    if "multiplier" not in arguments:
        return ONE
    return attribute_values(op, arguments, {})["multiplier"]


def _is_closed(arguments: Arguments, name: str) -> bool:
    """Whether an attribute depends on no name."""
    half = arguments[name] == Constant("half")
    names = ("kernel", "dilation", name) if half else (name,)
    return all(is_closed(arguments[key]) for key in names if key in arguments)


def _pairs(resolution: Resolution) -> frozenset[str]:
    """The parameters that may be pairs."""
    blocks = resolution.order
    parameters = (resolution.spec.parameters, *(block.parameters for block in blocks))
    return frozenset(p.name.text for ps in parameters for p in ps if p.type in ("size", "ints"))


def _may_be_pair(value: ArgumentValue, pairs: frozenset[str]) -> bool:
    match value:
        case ListOf(items):
            return not all(item == items[0] for item in items)
        case Distribution():
            return False
        case _:
            return bool(pairs & free_names(value))
