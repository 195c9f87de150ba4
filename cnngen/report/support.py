"""Support: which target can express which op, as read from its templates."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import jinja2
from jinja2 import meta, nodes

from cnngen.ops import OPS
from cnngen.targets.keras.layers import REFUSED
from cnngen.targets.keras.spell import BUILDERS
from cnngen.targets.registry import BUILT_IN
from cnngen.targets.spelling import Speller


@dataclass(frozen=True, slots=True)
class Support:
    """Whether a target has a template for an op, and the reasons for which it refuses some uses of
    it.
    """

    known: bool
    limits: tuple[str, ...] = ()

    def __str__(self) -> str:
        if not self.known:
            return "no"
        return f"partly: {'; '.join(self.limits)}" if self.limits else "yes"


def op_support(op: str) -> dict[str, Support]:
    """The support of an op by each of our targets."""
    return {target: _support(target, f"ops/{op}") for target in BUILT_IN}


def init_support(word: str) -> dict[str, Support]:
    """The support of an initial distribution by each of our targets."""
    return {target: _support(target, f"init/{word}") for target in BUILT_IN}


def all_ops() -> dict[str, list[str]]:
    """The names of all ops by group, in alphabetical order."""
    groups: dict[str, list[str]] = {}
    for name, op in sorted(OPS.items(), key=lambda item: (item[1].group, item[0])):
        groups.setdefault(op.group, []).append(name)
    return groups


@cache
def _support(target: str, template: str) -> Support:
    environment = Speller(target).environment
    if target == "keras" and (op := template.removeprefix("ops/")) in BUILDERS:
        return Support(True, REFUSED.get(op, ()))
    try:
        return Support(True, tuple(dict.fromkeys(_reasons(environment, target, template))))
    except jinja2.TemplateNotFound:
        return Support(False)


def _reasons(environment: jinja2.Environment, target: str, template: str) -> Iterator[str]:
    """What a template and those that it uses say to `unsupported`."""
    seen: set[str] = set()
    waiting = [f"{target}/{template}.jinja"]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        assert environment.loader
        tree = environment.parse(environment.loader.get_source(environment, name)[0])
        waiting += [used for used in meta.find_referenced_templates(tree) if used]
        for call in tree.find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name == "unsupported":
                reason: Any = call.args[0].as_const()
                yield str(reason)
