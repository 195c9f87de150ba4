"""What all uses of an op in a file have in common."""

from collections.abc import Iterable, Sequence

from cnngen.expressions.algebra import free_names
from cnngen.expressions.expression import Field, ListOf, walk
from cnngen.ops.base import Op
from cnngen.python.records import Records
from cnngen.semantics.resolve import Resolution
from cnngen.syntax.tree import ArgumentValue, Distribution
from cnngen.targets.distributions import varies
from cnngen.targets.keras.convolution import comes_late, pads_by_number, told_by_parameters
from cnngen.targets.keras.forms import Form
from cnngen.targets.keras.initializers import initializers
from cnngen.targets.keras.scope import Scope
from cnngen.targets.keras.use import Common, Initializers
from cnngen.targets.keras.values import Value, is_closed
from cnngen.targets.spelling import Speller, spelling
from cnngen.targets.values import ONE

SIZES = ("size", "padding")


def find_common(
    forms: Iterable[tuple[Form, ...]], resolution: Resolution, speller: Speller
) -> dict[type[Op], Common]:
    """For each op what all calls of it say in constants."""
    found: dict[type[Op], list[Form]] = {}
    for form in (form for each in forms for form in each):
        found.setdefault(form.op, []).append(form)
    pairs = _pairs(resolution) | _pair_fields(speller.records)
    scope = Scope(speller, {})
    return {op: _common(op, alike, pairs, scope) for op, alike in found.items()}


def _common(op: type[Op], alike: Sequence[Form], pairs: frozenset[str], scope: Scope) -> Common:
    sizes = [name for name, attribute in op.attributes.items() if attribute.kind in SIZES]
    square = not any(_may_be_pair(form.arguments[n], pairs) for form in alike for n in sizes)
    uses = [told_by_parameters(op, form.values, square) for form in alike]
    values: dict[str, Value] = {}
    for name in uses[0]:
        given = [use[name] for use in uses]
        if all(map(is_closed, given)):
            codes = [scope.value(value) for value in given]
            if all(code == codes[0] for code in codes):
                values[name] = given[0]
    made: Initializers = {}
    if "init" in op.attributes:
        made = _common_initializers(op, alike, scope)
    numbers = any(pads_by_number(use) for use in uses)
    late = any(comes_late(op, use, square) for use in uses)
    return Common(values, made, square, numbers, late)


def _common_initializers(op: type[Op], alike: Sequence[Form], scope: Scope) -> Initializers:
    """The initializers of all calls, where they depend on no name."""
    if any(varies(form.arguments["init"]) for form in alike):
        return {}
    multipliers = [form.values.get("multiplier", ONE) for form in alike]
    if not all(map(is_closed, multipliers)):
        return {}
    fresh: list[Initializers] = []
    for form, multiplier in zip(alike, multipliers, strict=True):
        with spelling(form.step):
            fresh.append(initializers(op, form.arguments["init"], multiplier, scope))
    return fresh[0] if all(each == fresh[0] for each in fresh) else {}


def _pairs(resolution: Resolution) -> frozenset[str]:
    """The parameters that may be pairs."""
    blocks = resolution.order
    parameters = (resolution.spec.parameters, *(block.parameters for block in blocks))
    return frozenset(p.name.text for ps in parameters for p in ps if p.type in ("size", "ints"))


def _pair_fields(records: Records) -> frozenset[str]:
    """The fields of records that may be, each behind a dot."""
    fields = [field for made in records.classes.values() for field in made.fields]
    return frozenset(f".{name}" for name, type in fields if type in ("size", "ints", None))


def _may_be_pair(value: ArgumentValue, pairs: frozenset[str]) -> bool:
    match value:
        case ListOf(items):
            return not all(item == items[0] for item in items)
        case Distribution():
            return False
        case _:
            parts = [part for part, _ in walk(value)]
            fields = {f".{part.name}" for part in parts if isinstance(part, Field)}
            written = any(isinstance(part, ListOf) for part in parts)
            return written or bool(pairs & (free_names(value) | fields))
