"""Shrinking: a smaller spec that fails in the same way, for `scripts/fuzz.py`."""

import copy
import time
from collections.abc import Callable, Iterator
from typing import Any

import yaml

from support.random_specs import write

Tree = Any  # a spec or a part of one, as YAML has it
Path = tuple[str | int, ...]

WORDS = ("relu", "8", "4", "2", "1")


def shrink(text: str, failure: Callable[[str], str], seconds: float) -> str:
    """The smallest spec found in the time for which `failure` says the same as for this one."""
    tree, wanted, end = yaml.safe_load(text), failure(text), time.monotonic() + seconds
    skip, progress = 0, True
    while progress or skip:
        found = False
        for i, smaller in enumerate(_smaller(tree)):
            if i < skip or len(write(smaller)) >= len(write(tree)):
                continue
            if time.monotonic() > end:
                return write(tree)
            if failure(write(smaller)) == wanted:
                tree, skip, found, progress = smaller, i, True, True
                break
        if not found:
            if not skip or not progress:
                break
            skip, progress = 0, False  # once more from the start
    return write(tree)


def _smaller(tree: Tree) -> Iterator[Tree]:
    """The tree with one part left out or replaced, large parts first."""
    for path in sorted(_paths(tree), key=len):
        if not path or path[0] in ("cnngen", "name", "about"):
            continue
        part = _part(tree, path)
        without = copy.deepcopy(tree)
        del _part(without, path[:-1])[path[-1]]
        yield without
        for other in _instead(part):
            replaced = copy.deepcopy(tree)
            around = _part(replaced, path[:-1])
            if isinstance(other, list) and isinstance(around, list):
                index = int(path[-1])
                around[index : index + 1] = other
            else:
                around[path[-1]] = other
            yield replaced


def _paths(tree: Tree, path: Path = ()) -> Iterator[Path]:
    yield path
    parts = (
        tree.items()
        if isinstance(tree, dict)
        else enumerate(tree)
        if isinstance(tree, list)
        else ()
    )
    for key, part in parts:
        yield from _paths(part, (*path, key))


def _part(tree: Tree, path: Path) -> Tree:
    for key in path:
        tree = tree[key]
    return tree


def _instead(part: Tree) -> Iterator[Tree]:
    """What may replace a part: the bodies in it, or something simple."""
    match part:
        case dict():
            yield from (part[key] for key in ("do", "else", "between") if key in part)
            branches = part.get("branches")
            yield from branches.values() if isinstance(branches, dict) else ()
            if len(part) == 1:
                yield "relu"
        case [only]:
            yield only
        case str() | int() | float() if str(part) not in WORDS:
            yield from WORDS
        case _:
            return
