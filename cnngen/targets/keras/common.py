"""What all calls of a support function in a file have in common."""

from collections.abc import Iterable, Mapping, Sequence

from cnngen.ops.any_of import AnyOp
from cnngen.targets.distributions import varies
from cnngen.targets.keras.convolution import (
    LAYERS,
    comes_late,
    pads_by_number,
    pads_by_word,
    told_by_parameters,
)
from cnngen.targets.keras.forms import Form
from cnngen.targets.keras.initializers import initializers
from cnngen.targets.keras.pooling import may_be_short
from cnngen.targets.keras.scope import Scope
from cnngen.targets.keras.spell import support_called
from cnngen.targets.keras.use import Asked, Common, Initializers
from cnngen.targets.keras.values import HALF, SAME, Value, is_closed, is_size
from cnngen.targets.spelling import Speller, spelling
from cnngen.targets.values import ONE

Call = tuple[Form, Asked]


def find_common(forms: Iterable[tuple[Form, ...]], speller: Speller) -> Mapping[str, Common]:
    """For each support function what all its calls say in constants. A use that is a layer of Keras
    itself calls none, and does not count.
    """
    found: dict[str, list[Call]] = {}
    scope = Scope(speller, {})
    for form in (form for each in forms for form in each if not issubclass(form.op, AnyOp)):
        asked = Asked(form.op, form.values, _initializers(form, scope), form.square)
        if (name := support_called(asked)) is not None:
            found.setdefault(name, []).append((form, asked))
    return {name: _common(calls, scope) for name, calls in found.items()}


def _initializers(form: Form, scope: Scope) -> Initializers:
    if "init" not in form.op.attributes:
        return {}
    with spelling(form.step):
        multiplier = form.values.get("multiplier", ONE)
        return initializers(form.op, form.arguments["init"], multiplier, scope)


def _common(calls: Sequence[Call], scope: Scope) -> Common:
    forms = [form for form, _ in calls]
    uses = [told_by_parameters(form.op, form.values, form.square) for form in forms]
    values: dict[str, Value] = {}
    for name in uses[0]:
        given = [use[name] for use in uses]
        if all(map(is_closed, given)):
            codes = [scope.value(value) for value in given]
            if all(code == codes[0] for code in codes):
                values[name] = given[0]
    made = _common_initializers(calls)
    square = all(form.square for form in forms)
    alone = len(calls) == 1
    if forms[0].op not in LAYERS:
        short = any(map(may_be_short, uses))
        return Common(values, made, square, alone=alone, short=short)
    late = any(comes_late(form.op, form.values, form.square) for form in forms)
    strided = tuple(use["kernel"] for use in uses if not is_size(use["stride"], 1))
    if all(form.half for form in forms) and not late:
        values["padding"] = SAME if all(is_size(kernel, 1) for kernel in strided) else HALF
    words, numbers = any(map(pads_by_word, uses)), any(map(pads_by_number, uses))
    return Common(values, made, square, words, numbers, late, alone, strided)


def _common_initializers(calls: Sequence[Call]) -> Initializers:
    """The initializers of all calls, where they depend on no name."""
    first = calls[0][1].initializers
    if not first or any(varies(form.arguments["init"]) for form, _ in calls):
        return {}
    multipliers = [form.values.get("multiplier", ONE) for form, _ in calls]
    if not all(map(is_closed, multipliers)):
        return {}
    return first if all(asked.initializers == first for _, asked in calls) else {}
