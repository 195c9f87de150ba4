"""The calls of an ONNX file without those that depend on no input, and who gives each tensor."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from cnngen.foreign.graph import Module
from cnngen.foreign.onnx_call import Call
from cnngen.foreign.onnx_constants import Constant, constant_of, folded


@dataclass(slots=True)
class Program:
    """Calls in their order, by the first tensor that each gives; and for each tensor the layers
    that read it, as the file had them.
    """

    calls: dict[str, Call] = field(default_factory=dict[str, Call])
    constants: dict[str, Constant] = field(default_factory=dict[str, Constant])
    outputs: list[str] = field(default_factory=list[str])
    by_output: dict[str, Call] = field(default_factory=dict[str, Call])
    readers: dict[str, list[str]] = field(default_factory=dict[str, list[str]])

    def put(self, call: Call) -> None:
        self.calls[call.outputs[0]] = call
        for output in call.outputs:
            self.by_output[output] = call

    def giver(self, tensor: str, op: str = "") -> Call | None:
        """The call that gives a tensor, if it is of an op."""
        call = self.by_output.get(tensor)
        return call if call and (not op or call.op == op) else None

    def scalar(self, tensor: str) -> float | None:
        """The number that a tensor is, whatever the input."""
        constant = self.constants.get(tensor)
        return constant.scalar if constant else None

    def uses(self) -> Counter[str]:
        """How often each tensor is read."""
        read = (name for call in self.calls.values() for name in call.inputs)
        return Counter([*read, *self.outputs])

    def without_unread(self) -> "Program":
        """What the outputs depend on."""
        needed, kept = set(self.outputs), list[Call]()
        for call in reversed(self.calls.values()):
            if needed.intersection(call.outputs):
                needed.update(call.inputs)
                kept.append(call)
        result = Program({}, self.constants, self.outputs)
        for call in reversed(kept):
            result.put(call)
        return result

    def with_scopes(self) -> "Program":
        """A node of which the file does not say where it was is where all are that read it."""
        around: dict[str, tuple[Module, ...]] = {}
        result: list[Call] = []
        for call in reversed(self.calls.values()):
            if not call.scope.known:
                read = [around[name] for name in call.outputs if name in around]
                modules = _common(read) if read else ()
                call = replace(call, scope=replace(call.scope, modules=modules))
            for name in call.inputs:
                shared = [call.scope.modules, around.get(name, call.scope.modules)]
                around[name] = _common(shared)
            result.append(call)
        program = Program({}, self.constants, self.outputs)
        for call in reversed(result):
            program.put(call)
        return program


def _common(paths: Sequence[tuple[Module, ...]]) -> tuple[Module, ...]:
    """The modules that all have around them."""
    length = 0
    for level in zip(*paths, strict=False):
        if any(module != level[0] for module in level):
            break
        length += 1
    return paths[0][:length]


def program(calls: Iterable[Call], constants: dict[str, Constant], outputs: list[str]) -> Program:
    """With all constants computed that can be without the sizes of an input."""
    result = Program({}, dict(constants), outputs)
    for call in calls:
        for name, value in _computed(call, result.constants):
            result.constants[name] = value
            result.by_output.pop(name, None)
        if call.outputs[0] not in result.constants:
            result.put(replace(call, outputs=tuple(filter(None, call.outputs)) or call.outputs))
    result = result.without_unread()
    for call in result.calls.values():
        for name in call.inputs:
            result.readers.setdefault(name, []).append(call.scope.layer)
    return result


def _computed(call: Call, constants: dict[str, Constant]) -> Iterator[tuple[str, Constant]]:
    if constant := constant_of(call):
        yield call.outputs[0], constant
        return
    given = [constants.get(name) if name else None for name in call.inputs]
    like = call.op == "CastLike" and given[0]  # of the second only the type matters
    if like or all(c is not None or not name for c, name in zip(given, call.inputs, strict=True)):
        found = folded(call, given[:1] if like else given) if given else None
        yield from zip(call.outputs, found or (), strict=False)
