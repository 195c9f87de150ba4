"""Repetition: runs of steps that are alike become loops, and rows of steps that stand in several
places become blocks.

What is alike differs in numbers only. A row that follows itself is a loop; the shortest such row
that saves most comes first. What stands apart is found as in a grammar-based compression: the row
that saves most steps becomes a block, until none saves any.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from cnngen.recovery.tree import (
    Apply,
    Arm,
    Body,
    Group,
    Item,
    Loop,
    Merge,
    Pass,
    Stage,
    Tree,
    Use,
    nodes,
    shapes,
)

LEAST_LAYERS = 2  # of a row that becomes a block
LONGEST_ROW = 64
MANY_OPS = 5
NEVER = 10**9


def fold(tree: Tree, *, mine: bool = True) -> Tree:
    """The tree with loops; with `mine`, what is alike in several places becomes a block, too."""
    bodies = [looped(stage.body) for stage in tree.stages]
    if mine:
        bodies = _mined(bodies)
    stages = [replace(s, body=body) for s, body in zip(tree.stages, bodies, strict=True)]
    return replace(tree, stages=tuple(stages))


def looped(body: Body) -> Body:
    """The body with its runs as loops, from the inside to the outside."""
    return _dissolved(_runs(tuple(_map(item, looped) for item in body)))


def _dissolved(body: Body) -> Body:
    """The body without the groups that have not become loops."""
    steps: list[Item] = []
    for item in body:
        if isinstance(item, Group):
            first, *rest = item.body
            inner = [replace(first, reads=first.reads or item.reads), *rest]
            inner[-1] = replace(inner[-1], name=inner[-1].name or item.name)
            steps += inner
        else:
            steps.append(item)
    return tuple(steps)


def _map(item: Item, change: Callable[[Body], Body]) -> Item:
    """An item with its bodies changed."""
    match item:
        case Apply() | Pass():
            return item
        case Merge(arms=arms):
            return replace(item, arms=tuple(Arm(arm.label, change(arm.body)) for arm in arms))
        case Use(body=body) | Group(body=body):
            return replace(item, body=change(body))
        case Loop(iterations=iterations):
            return replace(item, iterations=tuple(map(change, iterations)))
        case _:
            assert_never(item)


def _runs(body: Body) -> Body:
    """Replace rows that follow themselves, the shortest first, as those are the inner loops."""
    period = 1
    while period <= len(body) // 2:
        if found := _run(body, period):
            start, times = found
            end = start + period * times
            rows = tuple(_inside(body[i : i + period]) for i in range(start, end, period))
            body = (*body[:start], Loop(rows), *body[end:])
            period = 1
        else:
            period += 1
    return body


def _run(body: Body, period: int) -> tuple[int, int] | None:
    """Start and times of the first row of this length that follows itself."""
    row = shapes(body)
    for i in range(len(row) - 2 * period + 1):
        times = 1
        while row[i : i + period] == row[i + times * period : i + (times + 1) * period]:
            times += 1
        if times >= _least_times(body[i : i + period]):
            return i, times
    return None


def _inside(row: Body) -> Body:
    """What a loop does: what is in a group, if it is one."""
    match row:
        case (Group(body=body),):
            return body
        case _:
            return _dissolved(row)


def _least_times(row: Body) -> int:
    """How often steps must follow themselves for a loop to be what a person writes.

    What is read by a name, or reads so, cannot be in a loop; a single op never is, and a few ops
    are written twice.
    """
    if any(item.reads or item.name or getattr(item, "tensors", ()) for item in row):
        return NEVER
    if len(row) == 1:
        return NEVER if isinstance(row[0], Apply | Loop | Pass) else 2
    return 3 if all(isinstance(item, Apply) for item in row) and len(row) < MANY_OPS else 2


def _weight(item: Item) -> int:
    match item:
        case Apply() | Pass():
            return 1
        case Merge(arms=arms):
            return 1 + sum(_weight(x) for arm in arms for x in arm.body)
        case Use():
            return 1
        case Group(body=body):
            return sum(map(_weight, body))
        case Loop(iterations=iterations):
            return 1 + sum(_weight(x) for x in iterations[0])
        case _:
            assert_never(item)


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of steps in a body that is one of several alike."""

    body: int
    start: int


def _mined(bodies: list[Body]) -> list[Body]:
    """Rows that stand in several places as uses of a block."""
    while found := _best_row([*_all_bodies(bodies)]):
        rows, length = found
        wanted = shapes(rows[0])
        bodies = [looped(_replaced(body, wanted, length)) for body in bodies]
    return bodies


def _all_bodies(bodies: Sequence[Body]) -> Iterator[Body]:
    """All bodies in these, and those in them; of loops and blocks that are alike, the first."""
    seen: set[Hashable] = set()

    def visit(body: Body) -> Iterator[Body]:
        yield body
        for item in body:
            match item:
                case Apply() | Pass():
                    pass
                case Merge(arms=arms):
                    for arm in arms:
                        yield from visit(arm.body)
                case Use(body=inner):
                    if item.block not in seen:
                        seen.add(item.block)
                        yield from visit(inner)
                case Group(body=inner):
                    yield from visit(inner)
                case Loop(iterations=iterations):
                    yield from visit(iterations[0])
                case _:
                    assert_never(item)

    for body in bodies:
        yield from visit(body)


def _best_row(bodies: Sequence[Body]) -> tuple[list[Body], int] | None:
    """The places of the row that saves most steps if it becomes a block, and its length."""
    places: dict[Hashable, list[tuple[int, int]]] = defaultdict(list)
    for b, body in enumerate(bodies):
        row = shapes(body)
        for i in range(len(row)):
            for length in range(1, min(LONGEST_ROW, len(row) - i) + 1):
                if _stands_alone(body, i, length):
                    places[row[i : i + length]].append((b, i))
    best: tuple[int, list[Body], int] | None = None
    for row, found in places.items():
        if len(found) < 2:
            continue
        length = len(row)  # pyright: ignore
        apart = [*_apart(found, length)]
        first = bodies[apart[0][0]][apart[0][1] : apart[0][1] + length]
        weight = sum(map(_weight, first))
        saved = (len(apart) - 1) * weight - len(apart) - 2
        if len(apart) > 1 and weight > LEAST_LAYERS and saved > (best[0] if best else 0):
            best = saved, [bodies[b][i : i + length] for b, i in apart], length
    return best[1:] if best else None


def _stands_alone(body: Body, start: int, length: int) -> bool:
    """Whether steps of a body can be a block: no names lead in or out of them."""
    row = body[start : start + length]
    if len(row) == 1 and not isinstance(row[0], Merge | Loop):
        return False
    return not any(x.reads or x.name or getattr(x, "tensors", ()) for x in row)


def _apart(places: Sequence[tuple[int, int]], length: int) -> Iterator[tuple[int, int]]:
    """Those of the places that do not overlap."""
    ends: dict[int, int] = {}
    for body, start in places:
        if start >= ends.get(body, 0):
            ends[body] = start + length
            yield body, start


def _replaced(body: Body, wanted: tuple[Hashable, ...], length: int) -> Body:
    body = tuple(_map(item, lambda inner: _replaced(inner, wanted, length)) for item in body)
    row = shapes(body)
    made: list[Item] = []
    i = 0
    while i < len(body):
        if row[i : i + length] == wanted and length < len(body) + 1:
            row_ = body[i : i + length]
            made.append(Use("", "", row_, source=next(nodes(row_)).inputs[0]))
            i += length
        else:
            made.append(body[i])
            i += 1
    return tuple(made)
