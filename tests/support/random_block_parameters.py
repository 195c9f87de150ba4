"""Makes parameters of blocks in a random spec: what it computes stays valid, and other parts stay as they are."""

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

Tree = Any
TESTS = ("{} if input.channels > 4 else {}", "{} if 2 > 1 else {}")


def with_block_parameters(spec: dict[str, Tree], random: Random) -> None:
    """Let some calls of blocks be of a parameter, of the network or of the block in which they stand. Beside the block
    that it was, another can be chosen, which does something more.
    """
    if random.random() < 0.4:
        return
    for name in [*spec["blocks"]]:
        block = spec["blocks"][name]
        if random.random() < 0.5 or {"tensor", "tensors"} & {*map(str, _params(block).values())}:
            continue
        if not any(_calls(part, name) for part in (*spec["blocks"].values(), spec["model"])):
            continue
        both = [name, _other(name, spec)]
        parameter = f"block_{name.lower()}"
        for user in [each for each in spec["blocks"] if each not in both]:
            if random.random() < 0.5 and _calls(spec["blocks"][user]["body"], name):
                _of_block(user, name, f"own_{parameter}", both, spec, random)
        if random.random() < 0.7 and _calls(spec["model"], name):
            spec["params"][parameter] = random.choice(both)
            spec["model"] = _replaced(spec["model"], name, parameter, random)
            _uses_somewhere(parameter, spec)


def _params(block: Tree) -> dict[str, Tree]:
    return block.get("params") or {}


def _other(name: str, spec: dict[str, Tree]) -> str:
    """A block that is this one, and a function of what it gives."""
    params = _params(spec["blocks"][name])
    given = {parameter: parameter for parameter in params}
    other: Tree = {"about": "Another one", "body": [{name: given} if given else name, "softplus"]}
    spec["blocks"][f"{name}Too"] = other | ({"params": dict(params)} if params else {})
    return f"{name}Too"


def _of_block(
    user: str, name: str, own: str, both: list[str], spec: dict[str, Tree], random: Random
) -> None:
    """Let a block be given the block that it uses."""
    block = spec["blocks"][user]
    block["body"] = _replaced(block["body"], name, own, random)
    if not _calls(block["body"], own):
        return
    is_required = random.random() < 0.4
    block["params"] = {**_params(block), own: "block" if is_required else random.choice(both)}
    bodies = [each for key, each in spec["blocks"].items() if key != user]
    for given in (given for part in (*bodies, spec["model"]) for given in _given(part, user)):
        if is_required or random.random() < 0.5:
            given[own] = random.choice([*both, random.choice(TESTS).format(*both)])


def _uses_somewhere(parameter: str, spec: dict[str, Tree]) -> None:
    """Leave a parameter out that nothing uses."""
    if not _calls(spec["model"], parameter):
        del spec["params"][parameter]


def _replaced(tree: Tree, name: str, parameter: str, random: Random) -> Tree:
    """A body with some calls of a block by way of a parameter."""

    def walk(tree: Tree) -> Tree:
        if isinstance(tree, list):
            return [walk(item) for item in tree]
        if isinstance(tree, dict):
            is_changed = name in tree and random.random() < 0.7
            return {
                parameter if is_changed and key == name else key: walk(value)
                if key not in ("each", name)
                else value
                for key, value in tree.items()
            }
        return parameter if tree == name and random.random() < 0.7 else tree

    return walk(tree)


def _calls(tree: Tree, name: str) -> bool:
    """Whether a block or a parameter is used in a body."""
    if isinstance(tree, dict):
        return name in tree or any(_calls(value, name) for value in tree.values())
    return any(_calls(item, name) for item in tree) if isinstance(tree, list) else tree == name


def _given(tree: Tree, name: str) -> Iterator[dict[str, Tree]]:
    """What each use of a block gives, which can be added to."""

    def of(value: Tree, put: Callable[[Tree], None]) -> Iterator[dict[str, Tree]]:
        if value == name:
            made: dict[str, Tree] = {name: {}}
            put(made)
            yield made[name]
        elif isinstance(value, dict) and name in value:
            value[name] = value[name] or {}
            yield value[name]
        else:
            yield from _given(value, name)

    if isinstance(tree, list):
        for i, item in enumerate(tree):
            yield from of(item, lambda made, i=i: tree.__setitem__(i, made))
    elif isinstance(tree, dict):
        for key, value in [*tree.items()]:
            if key == name:
                continue
            yield from of(value, lambda made, key=key: tree.__setitem__(key, made))
