"""Targets by name: our own from a table, those of others from the entry points `cnngen.targets`."""

import re
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast, runtime_checkable

from cnngen.diagnostics.suggest import suggest
from cnngen.diagnostics.terminal import one_line

if TYPE_CHECKING:
    from cnngen.semantics.network import Network
    from cnngen.targets.rendered import Rendered

BUILT_IN = {"torch": "cnngen.targets.torch", "keras": "cnngen.targets.keras"}
GROUP = "cnngen.targets"
NAME = re.compile(r"[a-z][a-z0-9_]*")


class Target(Protocol):
    """A module that can print networks."""

    def render(
        self, network: "Network", settings: Sequence[str] = (), folders: Sequence[Path] = ()
    ) -> str: ...


@runtime_checkable
class PlacingTarget(Target, Protocol):
    """A target that also says where in its text the parts of the spec stand."""

    def rendered(
        self, network: "Network", settings: Sequence[str] = (), folders: Sequence[Path] = ()
    ) -> "Rendered": ...


class UnknownTargetError(LookupError):
    """There is no target of that name, or it cannot be used."""


def target_names() -> list[str]:
    """The names of all targets, ours first."""
    from importlib.metadata import entry_points

    return [*BUILT_IN, *sorted(entry_points(group=GROUP).names)]


def find_target(name: str) -> Target:
    """The module of a target; raises `UnknownTargetError`."""
    if name in BUILT_IN:
        return cast(Target, import_module(BUILT_IN[name]))
    from importlib.metadata import entry_points

    points = entry_points(group=GROUP)
    if name not in points.names or not NAME.fullmatch(name):
        guess = suggest(name, target_names())
        known = ", ".join(f"`{word}`" for word in target_names())
        remedy = f"did you mean `{guess}`?" if guess else f"there are {known}"
        raise UnknownTargetError(f"there is no target `{one_line(name)}`: {remedy}")
    try:
        target = points[name].load()
    except Exception as error:  # whatever the module of somebody else does when it is imported
        reason = f"{type(error).__name__}: {error}"
        raise UnknownTargetError(f"the target `{name}` cannot be loaded: {reason}") from error
    if not callable(getattr(target, "render", None)):
        raise UnknownTargetError(f"the target `{name}` has no function `render`")
    return target
