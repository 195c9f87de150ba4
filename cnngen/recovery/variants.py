"""Uses of one kind of module that differ in more than numbers -> one body, parts of which are there
or not.

A block may lack a projection, a first convolution, or all of its shortcut. Two bodies are laid side
by side as two texts are compared: what both have belongs together, and what only one has becomes
optional, as long as most is common.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from cnngen.recovery.tree import (
    Apply,
    Arm,
    Body,
    Item,
    Loop,
    Maybe,
    Merge,
    Use,
    bodies,
    shapes,
)

LEAST_COMMON = 0.5  # of the steps of the longer body


def unified(found: Sequence[Body]) -> list[Body] | None:
    """The bodies in one shape, or None where they have too little in common.

    Where it helps, uses of a block are loops that run once, or loops are written out.
    """
    for form in (_as_it_is, all_looped, _unrolled):
        if made := _in_one_shape([form(body) for body in found]):
            return made
    return None


def _in_one_shape(found: Sequence[Body]) -> list[Body] | None:
    distinct = {shapes(body): body for body in found}
    pattern, *others = sorted(distinct.values(), key=weight, reverse=True)
    for other in others:
        both = _both(pattern, other)
        if both is None:
            return None
        pattern = both
    made = [conformed(body, pattern) for body in found]
    whole = [body for body in made if body is not None]
    alike = len(whole) == len(made) and len({shapes(body) for body in whole}) == 1
    return whole if alike else None


def _as_it_is(body: Body) -> Body:
    return body


def all_looped(body: Body) -> Body:
    """The body in which uses of a block are loops, however often they are there."""
    steps: list[Item] = []
    for _, run in groupby(body, lambda item: item.shape):
        uses = [*run]
        if isinstance(uses[0], Use) and _is_free(uses[0]):
            steps.append(Loop(tuple((use,) for use in uses)))
        else:
            steps += [_in_arms(item, all_looped) for item in uses]
    return tuple(steps)


def _unrolled(body: Body) -> Body:
    """The body without loops of single steps."""
    steps: list[Item] = []
    for item in body:
        if isinstance(item, Loop) and not item.between:
            steps += [step for each in item.iterations for step in each]
        else:
            steps.append(_in_arms(item, _unrolled))
    return tuple(steps)


def _in_arms(item: Item, change: Callable[[Body], Body]) -> Item:
    if not isinstance(item, Merge):
        return item
    return replace(item, arms=tuple(replace(arm, body=change(arm.body)) for arm in item.arms))


def weight(body: Body) -> int:
    """How many ops there are in a body, each use of a block as one."""
    return sum(
        1 + (0 if isinstance(item, Use) else sum(weight(inner) for inner in bodies(item)))
        for item in body
    )


def _both(a: Body, b: Body) -> Body | None:
    """A body of which both are cases."""
    if conformed(b, a) is not None:
        return a
    if wrapped := _with_shortcut(a, b) or _with_shortcut(b, a):
        return wrapped
    rows = _aligned(a, b)
    common = sum(weight((x,)) for x, y in rows if x is not None and y is not None)
    if common < LEAST_COMMON * max(weight(a), weight(b)):
        return None
    steps: list[Item] = []
    for both, run in groupby(rows, lambda row: row[0] is not None and row[1] is not None):
        pairs = [*run]
        if both:
            steps += [_joined(x, y) for x, y in pairs if x is not None and y is not None]
            continue
        mine, theirs = ([x for x in column if x is not None] for column in zip(*pairs, strict=True))
        if not all(_is_free(x) for x in (*mine, *theirs)):
            return None
        if mine and theirs and not all(isinstance(x, Maybe) for x in mine):
            return None  # something else in the same place is another block
        steps += [*_optional(mine), *_optional(theirs)]
    return tuple(steps)


def _is_free(item: Item) -> bool:
    """Whether a step may be absent: nothing reads it by a name."""
    return not (item.reads or item.name or getattr(item, "tensors", ()))


def _optional(steps: Sequence[Item]) -> Iterator[Item]:
    """Steps that may be absent together; those that may be absent stay so."""
    for absent, run in groupby(steps, lambda item: isinstance(item, Maybe)):
        if absent:
            yield from run
        else:
            yield _maybe(tuple(run))


def _maybe(body: Body) -> Maybe:
    return Maybe(body, body)


def _with_shortcut(a: Body, b: Body) -> Body | None:
    """Branches of which one passes the input on, and the other body without that branch."""
    if not a or not isinstance(a[0], Merge) or (b and isinstance(b[0], Merge)):
        return None
    merge, rest = a[0], a[1:]
    if len(merge.arms) != 2 or merge.node.op.name != "add":
        return None
    for i, arm in enumerate(merge.arms):
        other = merge.arms[1 - i]
        if arm.body and not arm.optional:
            continue
        end = len(b) - len(rest)
        if end < 1 or shapes(b[end:]) != shapes(rest):
            continue
        inner = _both(other.body, b[:end])
        if inner is None:
            continue
        arms = [replace(other, body=inner), replace(other, body=inner)]
        arms[i] = replace(arm, optional=True)
        return (replace(merge, arms=tuple(arms)), *rest)
    return None


def _aligned(a: Body, b: Body) -> list[tuple[Item | None, Item | None]]:
    """Both bodies side by side, so that as many ops as possible stand beside their like."""
    best: list[list[int]] = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i in reversed(range(len(a))):
        for j in reversed(range(len(b))):
            same = weight((a[i],)) + best[i + 1][j + 1] if _alike(a[i], b[j]) else 0
            best[i][j] = max(same, best[i + 1][j], best[i][j + 1])
    rows: list[tuple[Item | None, Item | None]] = []
    i = j = 0
    while i < len(a) or j < len(b):
        both = i < len(a) and j < len(b)
        if both and _alike(a[i], b[j]) and best[i][j] == weight((a[i],)) + best[i + 1][j + 1]:
            rows.append((a[i], b[j]))
            i, j = i + 1, j + 1
        elif i < len(a) and (j == len(b) or best[i][j] == best[i + 1][j]):
            rows.append((a[i], None))
            i += 1
        else:
            rows.append((None, b[j]))
            j += 1
    return rows


def _alike(a: Item, b: Item) -> bool:
    """Whether two steps can be one."""
    if a.shape == b.shape:
        return True
    match a, b:
        case Merge(), Merge():
            same = a.node.op.name == b.node.op.name
            names = (a.reads, a.name) == (b.reads, b.name)
            return same and names and _both_arms(a, b) is not None
        case Apply(), Apply():
            activations = all(x.node.op.group == "activation" for x in (a, b))
            return activations and _is_free(a) and _is_free(b)
        case Maybe(example=example, other=other), _:
            return conformed((b,), example) is not None or (
                bool(other) and conformed((b,), other) is not None
            )
        case _:
            return False


def _both_arms(a: Merge, b: Merge) -> tuple[Arm, ...] | None:
    """The branches of both, by their labels; one that the other lacks is optional."""
    if len(b.arms) > len(a.arms):
        a, b = b, a
    b = _relabelled(b, a)
    others = {arm.label: arm for arm in b.arms}
    if others.keys() - {arm.label for arm in a.arms}:
        return None
    made: list[Arm] = []
    for x in a.arms:
        y = others.get(x.label)
        if y is None or shapes(x.body) == shapes(y.body):
            made.append(replace(x, optional=x.optional or y is None or y.optional))
            continue
        if not x.body or not y.body:
            long = x.body or y.body
            if long[0].reads or any(item.name for item in long):
                return None
            body = long if isinstance(long[0], Maybe) and len(long) == 1 else (_maybe(long),)
        else:
            body = _both(x.body, y.body)
        if body is None:
            return None
        made.append(replace(x, body=body, optional=x.optional or y.optional))
    return tuple(made) if len(others) > 1 or len(made) == len(others) else None


def _relabelled(merge: Merge, like: Merge) -> Merge:
    """The branches under the labels of others: what passes the input on, has none of its own."""
    mine, theirs = ([arm.label for arm in each.arms] for each in (merge, like))
    left = [arm for arm in merge.arms if arm.label not in theirs]
    free = [arm for arm in like.arms if arm.label not in mine]
    if len(left) != 1 or len(free) != 1 or (left[0].body and free[0].body):
        return merge
    arms = tuple(replace(a, label=free[0].label) if a is left[0] else a for a in merge.arms)
    return replace(merge, arms=arms)


def _joined(a: Item, b: Item) -> Item:
    if a.shape == b.shape or isinstance(a, Maybe):
        return a
    if isinstance(a, Apply):
        return Maybe((a,), (a,), (), (b,))
    assert isinstance(a, Merge) and isinstance(b, Merge)
    arms = _both_arms(a, b)
    assert arms is not None
    return replace(a, arms=arms)


def conformed(body: Body, pattern: Body) -> Body | None:
    """A body in the shape of a pattern, or None if it is no case of that."""
    if shapes(body) == shapes(pattern):
        return body
    if not pattern:
        return None
    first, rest = pattern[0], pattern[1:]
    match first:
        case Maybe(example=example, other=other):
            if body and body[0].shape == first.shape:
                return _followed(body[0], conformed(body[1:], rest))
            for count in range(min(len(body), _longest(example)), 0, -1):
                inside = conformed(body[:count], example)
                after = conformed(body[count:], rest) if inside else None
                if inside and after is not None:
                    return (replace(first, body=inside, orelse=()), *after)
            for count in range(min(len(body), _longest(other)), 0, -1):
                inside = conformed(body[:count], other)
                after = conformed(body[count:], rest) if inside else None
                if inside and after is not None:
                    return (replace(first, body=(), orelse=inside), *after)
            return _followed(replace(first, body=(), orelse=()), conformed(body, rest))
        case Merge(arms=arms) if any(arm.optional for arm in arms):
            if not body or not isinstance(body[0], Merge):
                return _wrapped(body, pattern)
        case _:
            pass
    made = _conformed_item(body[0], first) if body else None
    return _followed(made, conformed(body[1:], rest)) if made is not None else None


def _followed(first: Item, rest: Body | None) -> Body | None:
    return None if rest is None else (first, *rest)


def _longest(pattern: Body) -> int:
    """How many steps a case of a pattern has at most."""
    return sum(
        max(_longest(x.example), _longest(x.other)) if isinstance(x, Maybe) else 1 for x in pattern
    )


def _conformed_item(item: Item, pattern: Item) -> Item | None:
    if item.shape == pattern.shape:
        return item
    if not isinstance(item, Merge) or not isinstance(pattern, Merge):
        return None
    given = {arm.label: arm for arm in _relabelled(item, pattern).arms}
    if given.keys() - {arm.label for arm in pattern.arms}:
        return None
    arms: list[Arm] = []
    for wanted in pattern.arms:
        arm = given.get(wanted.label)
        if arm is None:
            if not wanted.optional:
                return None
            arms.append(replace(wanted, present=False))
            continue
        body = conformed(arm.body, wanted.body)
        if body is None:
            return None
        arms.append(replace(wanted, body=body, present=arm.present))
    return replace(item, arms=tuple(arms))


def _wrapped(body: Body, pattern: Body) -> Body | None:
    """A body without a shortcut as branches of which that is absent."""
    merge = pattern[0]
    assert isinstance(merge, Merge)
    end = len(body) - (len(pattern) - 1)
    rest = conformed(body[end:], pattern[1:])
    arms: list[Arm] = []
    for arm in merge.arms:
        if arm.optional:
            arms.append(replace(arm, present=False))
        else:
            inner = conformed(body[:end], arm.body)
            if inner is None or rest is None:
                return None
            arms.append(replace(arm, body=inner))
    return (replace(merge, arms=tuple(arms)), *(rest or ()))
