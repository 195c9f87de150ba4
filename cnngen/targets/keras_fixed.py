"""What all calls of an op in a file have in common, so that Keras' support functions need no
parameter for it.
"""

from cnngen.expressions.algebra import free_names, mentions_input
from cnngen.expressions.expression import Constant, Expression, ListOf
from cnngen.ops.base import Op
from cnngen.semantics.resolve import Resolution
from cnngen.semantics.walk import calls
from cnngen.syntax.tree import ArgumentValue, Distribution
from cnngen.targets.distributions import varies
from cnngen.targets.keras_depthwise import Depthwise, keras_call
from cnngen.targets.keras_init import initializers
from cnngen.targets.spelled import Printer
from cnngen.targets.spelling import Speller

Arguments = dict[str, ArgumentValue]


def fixed_attributes(
    resolution: Resolution, depthwise: Depthwise, speller: Speller
) -> dict[str, dict[str, str]]:
    """For each op the code of the attributes whose constant value all its calls share.

    `square` is set where no size of the op is a pair.
    """
    found: dict[type[Op], list[Arguments]] = {}
    bodies = [b.body for b in resolution.order] + [s.body for s in resolution.spec.stages]
    for body in bodies:
        for call in calls(body):
            if op := resolution.ops.get(call):
                for form in depthwise.forms(call):
                    made, arguments = keras_call(op, resolution.arguments[call], form)
                    found.setdefault(made, []).append(arguments)
    return {op.name: _common(op, alike, resolution, speller) for op, alike in found.items()}


def _common(
    op: type[Op], alike: list[Arguments], resolution: Resolution, speller: Speller
) -> dict[str, str]:
    printer = Printer(speller, {}, None)
    common: dict[str, str] = {}
    square = True
    for name, attribute in op.attributes.items():
        values = [arguments[name] for arguments in alike]
        if attribute.kind == "init":
            if not any(varies(value) for value in values):
                fresh = [_initializers(op, each, printer, speller) for each in alike]
                if fresh[0] is not None and all(codes == fresh[0] for codes in fresh):
                    common |= fresh[0]
            continue
        if attribute.kind in ("size", "padding") and any(
            _may_be_pair(v, resolution) for v in values
        ):
            square = False
        codes = [_constant(op, each, name, printer) for each in alike]
        if codes[0] is not None and all(code == codes[0] for code in codes):
            common |= codes[0]
    return common | ({"square": "True"} if square else {})


def _initializers(
    op: type[Op], arguments: Arguments, printer: Printer, speller: Speller
) -> dict[str, str] | None:
    """The code of the initializers of a call, where it depends on no name."""
    multiplier = {"multiplier": "1"}
    if "multiplier" in arguments:
        multiplier = _constant(op, arguments, "multiplier", printer)
    if multiplier is None:
        return None
    return initializers(op.name, arguments["init"], multiplier["multiplier"], printer, speller)


def _constant(
    op: type[Op], arguments: Arguments, name: str, printer: Printer
) -> dict[str, str] | None:
    """The attribute as code where it depends on no name."""
    relevant = ("kernel", "dilation", name) if arguments[name] == Constant("half") else (name,)
    for key in relevant:
        value = arguments.get(key)
        if isinstance(value, Expression) and (free_names(value) or mentions_input(value)):
            return None
    code = printer.attributes(op, arguments)
    return {
        key: code[key]
        for key in (name, "sides")
        if key in code and (key == name or code[name] == "sides")
    }


def _may_be_pair(value: object, resolution: Resolution) -> bool:
    if isinstance(value, ListOf):
        return not all(item == value.items[0] for item in value.items)
    if isinstance(value, Distribution) or not isinstance(value, Expression):
        return False
    pairs = {
        p.name.text
        for parameters in (resolution.spec.parameters, *(b.parameters for b in resolution.order))
        for p in parameters
        if p.type in ("size", "ints")
    }
    return bool(pairs & free_names(value))
