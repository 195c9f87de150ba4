"""Repetition: runs of steps that are alike become loops, and rows of steps that stand in several
places become blocks.

What is alike differs in numbers only. A row that follows itself is a loop; the shortest such row
that saves most comes first. What stands apart is found as in a grammar-based compression: the row
that saves most steps becomes a block, until none saves any.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, groupby
from typing import assert_never

from cnngen.recovery.tree import (
    Again,
    Apply,
    Body,
    Group,
    Item,
    Loop,
    Maybe,
    Merge,
    Pass,
    Tree,
    Use,
    bodies,
    height,
    nodes,
    shapes,
    uses_in,
)
from cnngen.recovery.variants import all_looped, unified

LEAST_LAYERS = 2  # of a row that becomes a block
LONGEST_ROW = 64
MANY_OPS = 5
NEVER = 10**9


def fold(tree: Tree, *, mine: bool = True) -> Tree:
    """The tree with loops; with `mine`, what is alike in several places becomes a block, too."""
    longest = LONGEST_ROW if mine else 1
    tree = _unified(tree, longest)
    made = [looped(stage.body, longest) for stage in tree.stages]
    if mine:
        made = _mined(made)
    stages = [replace(s, body=body) for s, body in zip(tree.stages, made, strict=True)]
    return replace(tree, stages=tuple(stages))


def _unified(tree: Tree, longest: int) -> Tree:
    """The tree in which all uses of a kind of module have one shape, where they can; those inside
    others come first.
    """
    whole = [use for stage in tree.stages for use in uses_in(stage.body)]
    heights: dict[str, int] = {}
    for use in whole:
        heights[use.kind] = max(heights.get(use.kind, 0), height(use.body))
    for level in sorted({*heights.values()}):
        kinds: dict[str, list[Use]] = defaultdict(list)
        for stage in tree.stages:
            for use in uses_in(stage.body):
                if heights[use.kind] == level:
                    kinds[use.kind].append(use)
        made: dict[int, Use] = {}
        for kind, uses in kinds.items():
            changed = [looped(use.body, longest) for use in uses]
            if kind and len({shapes(body) for body in changed}) > 1:
                changed = unified(changed) or changed
            made |= {id(u): replace(u, body=b) for u, b in zip(uses, changed, strict=True)}
        stages = [replace(stage, body=_exchanged(stage.body, made)) for stage in tree.stages]
        tree = replace(tree, stages=tuple(stages))
    return tree


def _exchanged(body: Body, made: dict[int, Use]) -> Body:
    return tuple(
        made.get(id(item)) or _map(item, lambda inner: _exchanged(inner, made)) for item in body
    )


def looped(body: Body, longest: int = LONGEST_ROW) -> Body:
    """The body with its runs as loops, from the inside to the outside; no row is longer than
    `longest`.
    """
    inside = tuple(_map(item, lambda inner: looped(inner, longest)) for item in body)
    return _dissolved(_runs(_alike_groups(inside), longest))


def _alike_groups(body: Body) -> Body:
    """Groups that follow each other in one shape, if they have most in common."""
    steps: list[Item] = []
    for is_group, run in groupby(body, lambda item: isinstance(item, Group)):
        groups = [*run]
        if is_group and len({_as_loop(item).shape for item in groups}) > 1:
            made = unified([all_looped(item.body) for item in groups if isinstance(item, Group)])
            pairs = zip(groups, made or (), strict=False)
            groups = [replace(g, body=b) for g, b in pairs if isinstance(g, Group)] or groups
        steps += groups
    return tuple(steps)


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
        case Apply() | Again() | Pass():
            return item
        case Merge(arms=arms):
            return replace(item, arms=tuple(replace(a, body=change(a.body)) for a in arms))
        case Maybe(body=body, example=example, orelse=orelse, other=other):
            return Maybe(change(body), change(example), change(orelse), change(other))
        case Use(body=body) | Group(body=body):
            return replace(item, body=change(body))
        case Loop(iterations=iterations, between=between):
            changed = tuple(map(change, iterations)), tuple(map(change, between))
            return replace(item, iterations=changed[0], between=changed[1])
        case _:
            assert_never(item)


def _runs(body: Body, longest: int) -> Body:
    """Replace rows that follow themselves, the shortest first, as those are the inner loops."""
    period = 1
    while period <= min(longest, len(body) // 2):
        if found := _run(body, period):
            start, times = found
            end = start + period * times
            rows = _inside([body[i : i + period] for i in range(start, end, period)])
            body = (*body[:start], Loop(rows), *body[end:])
            period = 1
        elif period == 1 and (found := _alternation(body)):
            start, times = found
            end = start + 2 * times - 1
            rows = _inside([body[i : i + 1] for i in range(start, end, 2)])
            between = _inside([body[i : i + 1] for i in range(start + 1, end, 2)])
            body = (*body[:start], Loop(rows, between), *body[end:])
        else:
            period += 1
    return body


def _alternation(body: Body) -> tuple[int, int] | None:
    """Where two steps alternate, `A B A B A`, and how often the first of them is there."""
    row = shapes(body)
    for i in range(len(row) - 2):
        if row[i] == row[i + 1] or not all(_is_large(item) for item in body[i : i + 2]):
            continue
        end = i + 2
        while end < len(row) and row[end] == row[end - 2]:
            end += 1
        times = (end - i + 1) // 2
        if times > 2:
            return i, times
    return None


def _is_large(item: Item) -> bool:
    """Whether a step may be what a loop does, alone."""
    return _is_free(item) and not isinstance(item, Again | Apply | Pass)


def _run(body: Body, period: int) -> tuple[int, int] | None:
    """Start and times of the first row of this length that follows itself."""
    row = [_as_loop(item).shape for item in body] if period == 1 else [*shapes(body)]
    same = [0] * (len(row) + 1)  # how many steps from here are as those one period later
    for i in reversed(range(len(row) - period)):
        same[i] = same[i + 1] + 1 if row[i] == row[i + period] else 0
    for i, count in enumerate(same):
        times = count // period + 1
        if times > 1 and times >= _least_times(body[i : i + period]):
            return i, times
    return None


def _as_loop(item: Item) -> Item:
    """A group in which uses of blocks are loops, however often they are there."""
    return replace(item, body=all_looped(item.body)) if isinstance(item, Group) else item


def _inside(rows: Sequence[Body]) -> tuple[Body, ...]:
    """What a loop does in each iteration: what is in groups, if each is one."""
    if all(len(row) == 1 and isinstance(row[0], Group) for row in rows):
        alike = len({shapes(row) for row in rows}) == 1
        groups = [row[0] if alike else _as_loop(row[0]) for row in rows]
        return tuple(group.body for group in groups if isinstance(group, Group))
    return tuple(map(_dissolved, rows))


def _least_times(row: Body) -> int:
    """How often steps must follow themselves for a loop to be what a person writes.

    What is read by a name, or reads so, cannot be in a loop; a single op never is, and a few ops
    are written twice.
    """
    if not all(map(_is_free, row)):
        return NEVER
    if len(row) == 1:
        if isinstance(row[0], Use) and _weight_of_block(row[0]) < MANY_OPS:
            return 3
        return NEVER if isinstance(row[0], Again | Apply | Loop | Pass) else 2
    return 3 if all(isinstance(item, Apply) for item in row) and len(row) < MANY_OPS else 2


def _weight_of_block(use: Use) -> int:
    return sum(map(_weight, use.body))


def _weight(item: Item) -> int:
    match item:
        case Apply() | Again() | Pass():
            return 1
        case Merge(arms=arms):
            return 1 + sum(_weight(x) for arm in arms for x in arm.body)
        case Use():
            return 1
        case Group(body=body) | Maybe(example=body):
            return sum(map(_weight, body))
        case Loop(iterations=iterations):
            return 1 + sum(_weight(x) for x in iterations[0])
        case _:
            assert_never(item)


def _mined(found: list[Body]) -> list[Body]:
    """Rows that stand in several places as uses of a block."""
    while best := _best_row([*_all_bodies(found)]):
        rows, length = best
        wanted = shapes(rows[0])
        changed = [_replaced(body, wanted, length) for body in found]
        found = [
            old if shapes(old) == shapes(new) else looped(new)
            for old, new in zip(found, changed, strict=True)
        ]
    return found


def _all_bodies(whole: Sequence[Body]) -> Iterator[Body]:
    """All bodies in these, and those in them; of loops and blocks that are alike, the first."""
    seen: set[Hashable] = set()

    def visit(body: Body) -> Iterator[Body]:
        yield body
        for item in body:
            match item:
                case Apply() | Again() | Pass():
                    pass
                case Merge(arms=arms):
                    for arm in arms:
                        yield from visit(arm.body)
                case Use(body=inner):
                    if item.block not in seen:
                        seen.add(item.block)
                        yield from visit(inner)
                case Group(body=inner) | Maybe(example=inner):
                    yield from visit(inner)
                case Loop(iterations=iterations):
                    yield from visit(iterations[0])
                case _:
                    assert_never(item)

    for body in whole:
        yield from visit(body)


Places = list[tuple[int, int]]  # bodies and positions in them


def _best_row(whole: Sequence[Body]) -> tuple[list[Body], int] | None:
    """The places of the row that saves most steps if it becomes a block, and its length.

    Rows grow by a step at a time, and only those that stand in several places do.
    """
    rows = [shapes(body) for body in whole]
    free = [[_is_free(item) for item in body] for body in whole]
    weights = [[0, *accumulate(map(_weight, body))] for body in whole]
    alike: dict[Hashable, Places] = defaultdict(list)
    for b, row in enumerate(rows):
        for i, shape in enumerate(row):
            if free[b][i]:
                alike[shape].append((b, i))
    best: tuple[int, Places, int] | None = None
    for length in range(1, LONGEST_ROW + 1):
        several = [places for places in alike.values() if len(places) > 1]
        for places in several:
            (b, i), *others = [*_apart(places, length)]
            weight = weights[b][i + length] - weights[b][i]
            saved = len(others) * weight - len(others) - 3
            small = weight <= LEAST_LAYERS or (
                length == 1 and not isinstance(whole[b][i], Merge | Loop)
            )
            if others and not small and saved > (best[0] if best else 0):
                best = saved, [(b, i), *others], length
        alike = defaultdict(list)
        for number, places in enumerate(several):
            for b, i in places:
                if i + length < len(rows[b]) and free[b][i + length]:
                    alike[number, rows[b][i + length]].append((b, i))
    if best is None:
        return None
    _, places, length = best
    return [whole[b][i : i + length] for b, i in places], length


def _is_free(item: Item) -> bool:
    """Whether a step can be in a block: no names lead in or out of it."""
    if item.reads or item.name or getattr(item, "tensors", ()):
        return False
    inside = (step for body in bodies(item) for step in body)
    return isinstance(item, Use) or all(not step.reads for step in inside)


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
            first, *_, last = (*nodes(row_), *nodes(row_))
            made.append(Use("", "", row_, source=first.inputs[0], gives=last.name))
            i += length
        else:
            made.append(body[i])
            i += 1
    return tuple(made)
