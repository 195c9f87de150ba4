"""Support for tests: an op alone as Keras code, from the code of its attributes."""

from ast import literal_eval
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cnngen.expressions.expression import Constant, Expression, ListOf, Name
from cnngen.ops import OPS
from cnngen.ops.base import Op
from cnngen.python.flat import flat
from cnngen.python.nodes import Node
from cnngen.python.verbatim import read
from cnngen.targets.keras.convolution import comes_late, told_by_parameters
from cnngen.targets.keras.forms import CONVOLUTIONS
from cnngen.targets.keras.pooling import may_be_short
from cnngen.targets.keras.scope import Scope
from cnngen.targets.keras.spell import spell, spell_join
from cnngen.targets.keras.use import Common, Use
from cnngen.targets.keras.values import HALF, Value, pads_half, with_same
from cnngen.targets.spelling import Speller
from cnngen.targets.values import Sides

INITIALIZERS = ("init", "pointwise_init")
NOTHING: Mapping[str, str] = {}


def spelled(
    speller: Speller, name: str, context: Mapping[str, Any], fixed: Mapping[str, str] = NOTHING
) -> str:
    """The expression for an op; `fixed` is what all uses in a file agree on: `half` that they are
    padded by half of an odd window, if this one is.
    """
    op, node = OPS[name], read(context["name"])
    if op.joins:
        return flat(spell_join(op, context["inputs"], node, speller))
    square = "square" in fixed
    given = values(op, context)
    halves = "half" in fixed and op in CONVOLUTIONS and pads_half(given, {}, ())
    halves = halves and not comes_late(op, given, square)
    given = with_same(given, {}, ()) if op in CONVOLUTIONS else given
    agreed = {key: told_by_parameters(op, given, square)[key] for key in values(op, fixed)}
    common = Common(agreed, initializers(op, fixed), square)
    if halves:
        agreed |= {"padding": HALF}
        common = replace(common, values=agreed, late=False, strided=(given["kernel"],))
    if not may_be_short(given):
        common = replace(common, short=False)
    keys = ("init", *_second(op)) if "init" in op.attributes else ()
    made = {key: _init(context, key) for key in keys}
    scope = Scope(speller, {})
    rank = context.get("rank", "image")
    x = read(context["x"])
    return flat(spell(Use(op, given, made, square, x, node, rank, scope, common)))


def _second(op: type[Op]) -> tuple[str, ...]:
    return ("pointwise_init",) if op.name == "separable_conv" else ()


def initializers(op: type[Op], codes: Mapping[str, str]) -> dict[str, Node | None]:
    return {key: _init(codes, key) for key in ("init", *_second(op)) if key in codes}


def _init(codes: Mapping[str, str], key: str) -> Node | None:
    return read(codes[key]) if codes.get(key) not in (None, "", "None") else None


def values(op: type[Op], codes: Mapping[str, str]) -> dict[str, Value]:
    """The values that codes of attributes stand for."""
    found: dict[str, Value] = {}
    for name, attribute in op.attributes.items():
        if name not in codes or attribute.kind == "init":
            continue
        code = codes[name]
        if attribute.kind == "choice" or code == "same":
            found[name] = code
        elif code == "sides":
            found[name] = Sides(*map(expression, literal_eval(codes["sides"])))
        else:
            found[name] = Name(code) if code.startswith("a_") else expression(literal_eval(code))
    return found


def expression(value: Any) -> Expression:
    if isinstance(value, tuple):
        return ListOf(tuple(map(expression, value)))
    return Constant(value)
