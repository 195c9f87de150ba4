"""What calls of an op have in common -> `defaults`, and the calls without it."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from cnngen.ops.base import OPS
from cnngen.recovery.values import EITHER

LEAST = 3  # calls of an op for which a default is worth a line
WORDS = {"half", "same", "bilinear", "nearest", "reflect", "zeros"}
Data = Any


@dataclass(slots=True)
class _Call:
    """A call of an op, where it stands: `step` is the mapping with it, or the word in `holder`."""

    op: str
    arguments: dict[str, Data]
    holder: Any
    key: Any

    def write(self) -> None:
        """Put the call back, as a word where it has nothing to say."""
        step = self.holder[self.key]
        if isinstance(step, dict):
            held = cast("dict[str, Data]", step)
            held[self.op] = self.arguments
            if len(held) > 1 or self.arguments:
                return
        self.holder[self.key] = {self.op: self.arguments} if self.arguments else self.op


def factor(spec: Mapping[str, Data]) -> dict[str, dict[str, Data]]:
    """Take what most calls of an op say out of them; gives the defaults that say it instead."""
    calls: dict[str, list[_Call]] = defaultdict(list)
    bodies = [(block, "body") for block in spec["blocks"].values()]
    bodies += [(spec["model"], name) for name in spec["model"]]
    for holder, key in bodies:
        for call in _calls(holder, key):
            calls[call.op].append(call)
    found = {op: dict(_usual(op, each)) for op, each in sorted(calls.items())}
    for op, each in calls.items():
        for call in each:
            _settle(call, found[op])
            call.write()
    return {op: defaults for op, defaults in found.items() if defaults}


def _calls(holder: Any, key: Any) -> Iterator[_Call]:
    """All calls of ops in a body, which stands under a key of a mapping or a list."""
    body = holder[key]
    if isinstance(body, str):
        if body in OPS and not OPS[body].joins:
            yield _Call(body, {}, holder, key)
    elif isinstance(body, list):
        for i in range(len(cast("list[Data]", body))):
            yield from _calls(body, i)
    elif isinstance(body, dict):
        step = cast("dict[str, Data]", body)
        for word, value in step.items():
            if word == "branches":
                for label in value:
                    yield from _calls(value, label)
            elif word in ("do", "else", "between"):
                yield from _calls(step, word)
            elif word in OPS and isinstance(value, dict):
                yield _Call(word, cast("dict[str, Data]", value), holder, key)


def _usual(op: str, calls: list[_Call]) -> Iterator[tuple[str, Data]]:
    """The attributes that most calls give one value, which is not the op's own default."""
    if len(calls) < LEAST:
        return
    for name, attribute in OPS[op].attributes.items():
        given = [call.arguments.get(name) for call in calls]
        said = Counter(repr(x) for x in given if _is_constant(x))
        if not said or name == "out":
            continue
        text, times = said.most_common(1)[0]
        value = next(x for x in given if repr(x) == text)
        free = sum(x == EITHER for x in given) if value == "half" else 0
        unsaid = sum(x is None for x in given)
        often = times >= LEAST and times > unsaid and 2 * (times + free) >= len(calls)
        if often and (not attribute.required or unsaid == 0):
            yield name, value


def _is_constant(value: Data) -> bool:
    return value is not None and value != EITHER and (not isinstance(value, str) or value in WORDS)


def _settle(call: _Call, defaults: Mapping[str, Data]) -> None:
    """Say what differs from the defaults, and nothing else."""
    arguments = call.arguments
    for name, value in defaults.items():
        if repr(arguments.get(name)) == repr(value):
            del arguments[name]
        elif name not in arguments:
            arguments[name] = OPS[call.op].attributes[name].default
    if arguments.get("padding") == EITHER:
        if defaults.get("padding") in (None, "half"):
            del arguments["padding"]
        else:
            arguments["padding"] = 0
