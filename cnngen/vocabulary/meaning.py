"""The meaning of a call of a foreign layer: an op with attributes that compute the same."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from cnngen.diagnostics.suggest import plain
from cnngen.ops import OPS
from cnngen.ops.base import Op
from cnngen.vocabulary import keras, others, torch
from cnngen.vocabulary.layer import (
    ForeignLayer,
    Framework,
    Held,
    Inferred,
    Parameter,
    Said,
    Unsayable,
)
from cnngen.vocabulary.value import Written, equal

LAYERS = (*torch.LAYERS, *keras.LAYERS)
OTHERS: dict[Framework, frozenset[str]] = {
    "PyTorch": frozenset(others.IN_PYTORCH.split()),
    "Keras": frozenset(others.IN_KERAS.split()),
}
NO_VALUE = "`{name}` cannot be told from this value; `cnngen ops {op}` says what there is"
MIXED = (
    "words of {framework} and of cnngen stand here side by side, and mean different values:"
    " write all of them as in `{op}`"
)


@dataclass(frozen=True, slots=True)
class Meaning:
    """An op and the attributes to be written, in this order.

    `added` are attributes that the call leaves out, because their values are defaults there and not
    here. `names` has the attribute of each argument that is kept. `said` is false where something
    is missing that the layer needs. `notes` say which values are converted.
    """

    framework: Framework
    op: str
    attributes: Mapping[str, str]
    added: tuple[str, ...]
    names: Mapping[str, str]
    said: bool
    notes: tuple[str, ...]

    @property
    def text(self) -> str:
        """The call as a spec writes it."""
        inside = ", ".join(f"{name}: {value}" for name, value in self.attributes.items())
        return f"{self.op}: {{{inside}}}" if inside else self.op


@dataclass(frozen=True, slots=True)
class Reading:
    """What frameworks mean by a call: the meanings that can be written here, and the reasons why
    others cannot.
    """

    meanings: tuple[Meaning, ...]
    unsayable: tuple[tuple[Framework, str], ...]

    @property
    def meaning(self) -> Meaning | None:
        """The only meaning, if there is nothing to choose."""
        if self.unsayable or not self.meanings or not all(m.said for m in self.meanings):
            return None
        first, *others = self.meanings
        same = all((m.op, m.attributes) == (first.op, first.attributes) for m in others)
        return first if same else None


def is_foreign(word: str) -> bool:
    """Whether a framework has a layer of exactly this name."""
    return bool(layers_named(word)) or any(word in names for names in OTHERS.values())


def layers_named(word: str) -> tuple[ForeignLayer, ...]:
    """The layers of just this name, of both frameworks; of a word in small letters, those that
    differ in case and underscores only.
    """
    if word[:1].isupper():
        return tuple(layer for layer in LAYERS if word in layer.names)
    return _by_plain_name().get(plain(word), ())


def framework_of(word: str) -> Framework | None:
    """The framework with a layer of this name, for which there is no op."""
    return next((framework for framework, names in OTHERS.items() if word in names), None)


@cache
def _by_plain_name() -> dict[str, tuple[ForeignLayer, ...]]:
    found: dict[str, tuple[ForeignLayer, ...]] = {}
    for layer in LAYERS:
        for name in dict.fromkeys(map(plain, layer.names)):
            found[name] = (*found.get(name, ()), layer)
    return found


def without_op(word: str) -> Reading:
    """What to use instead of layers of this name that no op expresses, whatever is given."""
    layers = (layer for layer in layers_named(word) if layer.op is None)
    return Reading((), tuple((layer.framework, layer.instead) for layer in layers))


def meaning_in(framework: Framework, word: str, given: Mapping[str, Written]) -> Meaning | None:
    """The meaning of a call of just this layer, with its own arguments; None where there is no such
    layer. Raises `Unsayable`.
    """
    layer = next((x for x in LAYERS if x.framework == framework and word in x.names), None)
    if layer is None:
        return None
    if layer.op is None:
        raise Unsayable(layer.instead)
    if strange := [name for name in given if layer.parameter(name) is None]:
        raise Unsayable(f"no op has what its `{strange[0]}` says")
    return _meaning(layer, OPS[layer.op], given)


def read_call(word: str, given: Mapping[str, Written]) -> Reading:
    """What a call of a word means, with these values by their names there or here."""
    meanings: list[Meaning] = []
    unsayable: list[tuple[Framework, str]] = []
    for layer in layers_named(word):
        op = OPS.get(layer.op or "")
        if op is None:
            unsayable.append((layer.framework, layer.instead))
            continue
        if any(not layer.parameter(n) and n not in op.attributes for n in given):
            continue  # this layer has no such argument
        try:
            meanings.append(_meaning(layer, op, given))
        except Unsayable as reason:
            unsayable.append((layer.framework, str(reason)))
    complete = [meaning for meaning in meanings if meaning.said]
    return Reading(tuple(complete or meanings), tuple(unsayable))


def _meaning(layer: ForeignLayer, op: type[Op], given: Mapping[str, Written]) -> Meaning:
    """Raises `Unsayable`."""
    written: dict[str, str] = {}
    names: dict[str, str] = {}
    notes: list[str] = []
    for name, value in given.items():
        parameter = layer.parameter(name)
        if isinstance(parameter, Held):
            if not any(value.equals(each) for each in parameter.values):
                raise Unsayable(parameter.instead.replace("{op}", op.name))
        elif not isinstance(parameter, Inferred):
            text = _said(parameter, value, op) if parameter else value.text
            key = parameter.to if parameter else name
            if key not in written:
                names[name] = key
            if written.setdefault(key, text) != text:
                raise Unsayable(
                    parameter.instead if parameter else NO_VALUE.format(name=name, op=op.name)
                )
            if parameter and parameter.turned:
                notes.append(parameter.turned.format(old=value.text, new=text))
    silent = dict(_silent(layer, op, given, written, notes))
    missing = [name for name, value in silent.items() if value is None]
    effective = {n: v for n, v in silent.items() if v is not None} | written
    if layer.settle and not missing:
        said = {names[name]: value for name, value in given.items() if name in names}
        effective |= layer.settle({n: said.get(n) or Written.of(v) for n, v in effective.items()})
    added = tuple(
        name
        for name, attribute in op.attributes.items()
        if name in effective
        and name not in written
        and not equal(effective[name], attribute.default)
    )
    if (added or notes) and any(layer.parameter(name) is None for name in given):
        raise Unsayable(MIXED.format(framework=layer.framework, op=op.name))
    attributes = {name: effective[name] for name in (*added, *written)}
    return Meaning(layer.framework, op.name, attributes, added, names, not missing, tuple(notes))


def _silent(
    layer: ForeignLayer,
    op: type[Op],
    given: Mapping[str, Written],
    written: Mapping[str, str],
    notes: list[str],
) -> Iterator[tuple[str, str | None]]:
    """The attributes that a call leaves to the layer's defaults; None for those that the layer
    needs.
    """
    said = {p.to for n in given if isinstance(p := layer.parameter(n), Said)}
    for parameter in layer.parameters:
        if parameter.name in given or isinstance(parameter, Inferred):
            continue
        default = None if parameter.default is None else Written.of(parameter.default)
        if isinstance(parameter, Held):
            if default and not any(default.equals(each) for each in parameter.values):
                raise Unsayable(parameter.instead.replace("{op}", op.name))
        elif parameter.to in written and parameter.to not in said:
            continue  # the call says it in the word that is used here
        else:
            text = _said(parameter, default, op) if default else None
            if parameter.to in said and text != written[parameter.to]:
                raise Unsayable(parameter.instead)
            if default and text and parameter.turned:
                notes.append(parameter.turned.format(old=default.text, new=text))
            yield parameter.to, text


def _said(parameter: Said, value: Written, op: type[Op]) -> str:
    text = parameter.convert(value)
    if text is None:
        raise Unsayable(parameter.instead or NO_VALUE.format(name=parameter.name, op=op.name))
    return text


# --- Arguments of layers, beside the words of an op


def parameters_like(op: str, word: str) -> tuple[tuple[ForeignLayer, Parameter], ...]:
    """The arguments of this name that the layers have which are this op here."""
    found = ((layer, layer.parameter(word)) for layer in LAYERS if layer.op == op)
    return tuple((layer, parameter) for layer, parameter in found if parameter)


def renamed(op: str, word: str, value: Written) -> str | None:
    """The attribute that an argument is here, with the same value, wherever it stands there."""
    names = {
        parameter.to
        if isinstance(parameter, Said)
        and parameter.convert(value) == value.text
        and sum(isinstance(p, Said) and p.to == parameter.to for p in layer.parameters) == 1
        else None
        for layer, parameter in parameters_like(op, word)
    }
    return names.pop() if len(names) == 1 else None


def changes_nothing(op: str, word: str, value: Written) -> bool:
    """Whether an argument with this value only asks for what the op computes anyway."""
    found = parameters_like(op, word)
    return bool(found) and all(
        isinstance(parameter, Inferred)
        or (isinstance(parameter, Held) and any(value.equals(each) for each in parameter.values))
        for _, parameter in found
    )


def instead_of(op: str, word: str) -> str | None:
    """What there is instead of an argument that an op has not."""
    own = [parameter for _, parameter in parameters_like(op, word)]
    every = own or [p for layer in LAYERS if (p := layer.parameter(word))]
    said = {p.instead for p in every if not isinstance(p, Inferred)}
    return said.pop().replace("{op}", op) or None if len(said) == 1 else None
