"""The configuration of a Keras model -> the calls of its layers, in the order of execution.

Models in models are taken apart: each of their uses is as many calls as it has layers. The format
is that of Keras 3; that of Keras 2 differs in how it is said what a call is given.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from cnngen.foreign.foreign_file import ForeignFileError
from cnngen.foreign.graph import Module
from cnngen.foreign.keras_json import (
    CONSTANT,
    CONSTANTS,
    Before,
    Slice,
    Stated,
    flat,
    history,
    input_shape,
    is_leaf,
    leaf,
    mapping,
    sequence,
    shown,
)
from cnngen.foreign.keras_listed import INPUT, End, Key, Layer, Listed, listed

MOST_CALLS = 100_000
MOST_NESTED = 10  # models in models
UNNAMED = ("Functional", "Model", "Sequential")  # classes that say nothing of what a model is


@dataclass(frozen=True, slots=True)
class Reference:
    """A tensor: one of those that a call gives."""

    call: int
    index: int


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """A layer or an operation of Keras, applied.

    `arguments` and `keywords` are what it is given: tensors, lists of them, and constants. `layer`
    is the same in all calls of a layer, and `scope` what the paths of its variables begin with. An
    `operation` is a function, and has none. `custom` where the class is none of Keras. `readers`
    counts the calls that read what it gives, and the outputs of the model that are it.
    """

    number: int
    layer: str
    scope: str
    name: str
    kind: str
    config: Mapping[str, Any]
    arguments: tuple[Any, ...] = ()
    keywords: Mapping[str, Any] = field(default_factory=dict[str, Any])
    modules: tuple[Module, ...] = ()
    operation: bool = False
    custom: bool = False
    readers: int = 0


@dataclass(slots=True)
class Calls:
    """All calls, in an order in which each comes after those that it depends on.

    `inputs` has the shape that each input is declared with, `outputs` the tensor of each output,
    and `stated` what the configuration says of the shapes of tensors.
    """

    name: str
    version: int
    calls: list[Call] = field(default_factory=list[Call])
    inputs: dict[str, tuple[Reference, Stated]] = field(
        default_factory=dict[str, tuple[Reference, Stated]]
    )
    outputs: dict[str, Reference] = field(default_factory=dict[str, Reference])
    stated: dict[Reference, Stated] = field(default_factory=dict[Reference, Stated])

    def add(self, call: Call) -> Reference:
        if len(self.calls) >= MOST_CALLS:
            raise ForeignFileError(f"the model has more than {MOST_CALLS} layers")
        self.calls.append(replace(call, number=len(self.calls)))
        return Reference(len(self.calls) - 1, 0)


def read_calls(model: Any) -> Calls:
    """The calls of a model, given its configuration as JSON has it."""
    whole = mapping(model, "the model")
    top = listed(whole)
    version = 2 if str(whole.get("keras_version")).startswith(("1", "2")) else 3
    calls = Calls(top.name, version)
    use = _Use(top, calls, (), "")
    use.declare()
    results = use.expand()
    readers = Counter(r.call for call in calls.calls for r in read_by(call))
    readers.update(r.call for r in results)
    calls.calls = [replace(call, readers=readers[call.number]) for call in calls.calls]
    calls.outputs = dict(_outputs(top.outputs, results, calls))
    return calls


def _outputs(
    ends: Sequence[End], results: Sequence[Reference], calls: Calls
) -> Iterator[tuple[str, Reference]]:
    """The outputs by their names, or those of the layers that give them."""
    if len(ends) == 1 and not ends[0].name:
        yield "output", results[0]
        return
    used: Counter[str] = Counter()
    for i, (end, reference) in enumerate(zip(ends, results, strict=True)):
        base = end.name or calls.calls[reference.call].name or f"output_{i}"
        used[base] += 1
        yield base if used[base] == 1 else f"{base}_{used[base]}", reference


def read_by(call: Call) -> Iterator[Reference]:
    """The tensors that a call is given."""
    given = flat([*call.arguments, *call.keywords.values()])
    return (x for x in given if isinstance(x, Reference))


def path_in(around: str, name: str) -> str:
    """The path of a layer in a model; points in names separate nothing."""
    plain = name.replace(".", "_")
    return f"{around}.{plain}" if around else plain


class _Use:
    """One use of a model: `done` has what its calls have given."""

    def __init__(
        self, model: Listed, calls: Calls, modules: tuple[Module, ...], around: str
    ) -> None:
        if len(modules) > MOST_NESTED:
            raise ForeignFileError(f"there are more than {MOST_NESTED} models in models")
        self.model, self.calls, self.modules = model, calls, modules
        self.scope = _scope(model, around)
        self.done: dict[Key, list[Reference]] = {}
        self.trusted = True  # whether the shapes that it states are those of this use

    def declare(self) -> None:
        """Let the inputs be those of the whole."""
        for end in self.model.inputs:
            config = mapping(self.model.layer(end.key[0]).config, "the configuration of a layer")
            if "batch_input_shape" in config:
                self.calls.version = 2
            name, shape = end.name or end.key[0], input_shape(config)
            reference = self.calls.add(Call(0, end.key[0], "", name, INPUT, {}))
            self.calls.inputs[name] = reference, shape
            self.calls.stated[reference] = shape
            self.done[end.key] = [reference]

    def give(self, given: Sequence[Reference]) -> None:
        """Let the inputs be these."""
        ends = self.model.inputs
        if len(given) != len(ends):
            raise ForeignFileError(
                f"the model `{shown(self.model.name)}` has {len(ends)} inputs and is given"
                f" {len(given)}"
            )
        for end, reference in zip(ends, given, strict=True):
            config = mapping(self.model.layer(end.key[0]).config, "the configuration of a layer")
            self.done[end.key] = [reference]
            if self.calls.stated.get(reference) != input_shape(config):
                self.trusted = False

    def expand(self) -> list[Reference]:
        """Add the calls of this use; gives the outputs."""
        for key in self._ordered():
            self.done[key] = self._call(key)
        return [self._tensor(end.key, end.index) for end in self.model.outputs]

    def _ordered(self) -> Iterator[Key]:
        """The calls that lead to the outputs, each after those before it, branch after branch."""
        entered: set[Key] = set()
        left: set[Key] = set(self.done)
        waiting = [(end.key, False) for end in reversed(self.model.outputs)]
        while waiting:
            key, leaving = waiting.pop()
            if key in left:
                continue
            if leaving:
                left.add(key)
                yield key
                continue
            if key in entered:
                raise ForeignFileError(f"the layer `{shown(key[0])}` depends on itself")
            entered.add(key)
            waiting.append((key, True))
            before = reversed(self.model.read_by(key))
            waiting += [(each, False) for each in before if each not in left]

    def _call(self, key: Key) -> list[Reference]:
        layer, node = self.model.layer(key[0]), self.model.node(key)
        arguments, keywords = self._given(node)
        if not layer.is_model:
            return [self.calls.add(self._made(layer, arguments, keywords))]
        kind = layer.name if layer.kind in UNNAMED else layer.kind
        modules = (*self.modules, Module(self._path(layer.name), kind))
        inner = _Use(listed(layer.entry), self.calls, modules, self.scope)
        tensors = flat([*arguments, *keywords.values()])
        inner.give([x for x in tensors if isinstance(x, Reference)])
        return inner.expand()

    def _made(self, layer: Layer, arguments: list[Any], keywords: dict[str, Any]) -> Call:
        module, registered = layer.entry.get("module"), layer.entry.get("registered_name")
        known = isinstance(module, str) and module.partition(".")[0] in ("keras", "keras_core")
        own = isinstance(registered, str) and ">" in registered and "keras" not in registered
        return Call(
            *(0, self._path(layer.name), f"{self.scope}{layer.name}", layer.name, layer.kind),
            *(layer.config, tuple(arguments), keywords, self.modules),
            operation=known and ".ops" in str(module),
            custom=own or (isinstance(module, str) and not known),
        )

    def _path(self, name: str) -> str:
        return path_in(self.modules[-1].path if self.modules else "", name)

    def _tensor(self, key: Key, index: int) -> Reference:
        """One of the tensors of a call; those of a layer are told apart by its index alone."""
        results = self.done[key]
        if len(results) == 1 and not self.model.layer(key[0]).is_model:
            return Reference(results[0].call, index) if index else results[0]
        if not 0 <= index < len(results):
            raise ForeignFileError(f"the model `{shown(key[0])}` has no output {index}")
        return results[index]

    # --- What a call is given

    def _given(self, node: Any) -> tuple[list[Any], dict[str, Any]]:
        if not isinstance(node, dict):
            return self._given_in_keras_2(node)
        typed = cast("dict[str, Any]", node)
        arguments = sequence(typed.get("args", []), "the arguments of a layer")
        keywords = mapping(typed.get("kwargs", {}), "the arguments of a layer")
        named = {name: self._value(x) for name, x in keywords.items()}
        return [self._value(x) for x in arguments], named

    def _value(self, value: Any) -> Any:
        """A constant as it is, and what stands for a tensor as that."""
        match value:
            case Before(name):
                return self._tensor((name, 0), 0)
            case {"class_name": "__keras_tensor__"}:
                from_, shape = history(value)
                reference = self._tensor(self.model.key(from_), from_[2])
                if self.trusted and shape is not None:
                    self.calls.stated.setdefault(reference, shape)
                return reference
            case {
                "class_name": "__slice__",
                "config": {"start": start, "stop": stop, "step": step},
            }:
                return Slice(start, stop, step)
            case {"class_name": "__ellipsis__"}:
                return ...
            case {"class_name": "__tuple__", "items": items}:
                return [self._value(x) for x in sequence(items, "a tuple")]
            case {"class_name": str(kind), "config": {"value": constant}} if kind in CONSTANTS:
                return constant
            case list():
                return [self._value(x) for x in cast("list[Any]", value)]
            case _:
                return value

    def _given_in_keras_2(self, node: Any) -> tuple[list[Any], dict[str, Any]]:
        """What Keras 2 lists: `[layer, call, tensor, keywords]` for each tensor."""
        tensors = [node] if is_leaf(node) else sequence(node, "the calls of a layer")
        found: list[Any] = []
        keywords: dict[str, Any] = {}
        for each in tensors:
            items = sequence(each, "what a layer reads")
            found.append(self._old(items))
            for more in items[3:]:
                given = mapping(more, "the arguments of a layer")
                keywords |= {name: self._old_value(value) for name, value in given.items()}
        return found if len(found) == 1 else [found], keywords

    def _old_value(self, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        items = cast("list[Any]", value)
        if is_leaf(items):
            return self._old(items)
        return [self._old(x) if is_leaf(x) else x for x in items]

    def _old(self, items: Sequence[Any]) -> Any:
        if items[:2] == [CONSTANT, -1] and len(items) > 2:
            return items[2]
        found = leaf(items)
        return self._tensor(self.model.key(found), found[2])


def _scope(model: Listed, around: str) -> str:
    """What the paths of variables begin with. Only sequential models are part of it; those that are
    told no input make their variables when they are called.
    """
    if not model.is_sequential:
        return ""
    return f"{'' if model.declares_input else around}{model.name}/"
