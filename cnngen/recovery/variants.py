"""Uses of one kind of module that differ in more than numbers -> one body, parts of which are there
or not.

A block may lack a projection, a first convolution, or all of its shortcut. Two bodies are laid side
by side as two texts are compared: what both have belongs together, and what only one has becomes
optional, as long as most is common.
"""

from collections.abc import Sequence
from dataclasses import replace

from cnngen.recovery.tree import (
    Apply,
    Arm,
    Body,
    Item,
    Maybe,
    Merge,
    Use,
    bodies,
    shapes,
)

LEAST_COMMON = 0.5  # of the steps of the longer body


def unified(found: Sequence[Body]) -> list[Body] | None:
    """The bodies in one shape, or None where they have too little in common."""
    distinct = {shapes(body): body for body in found}
    first, *others = sorted(distinct.values(), key=weight, reverse=True)
    pattern = first
    for other in others:
        both = _both(pattern, other)
        if both is None:
            return None
        pattern = both
    made = [_conformed(body, pattern) for body in found]
    if any(body is None for body in made) or len({shapes(b) for b in made if b is not None}) > 1:
        return None
    return [body for body in made if body is not None]


def weight(body: Body) -> int:
    """How many ops there are in a body, each use of a block as one."""
    return sum(
        1 + (0 if isinstance(item, Use) else sum(weight(inner) for inner in bodies(item)))
        for item in body
    )


def _both(a: Body, b: Body) -> Body | None:
    """A body of which both are cases."""
    if wrapped := _with_shortcut(a, b) or _with_shortcut(b, a):
        return wrapped
    rows = _aligned(a, b)
    common = sum(weight((x,)) for x, y in rows if x is not None and y is not None)
    if rows and common < LEAST_COMMON * max(weight(a), weight(b)):
        return None
    steps: list[Item] = []
    for x, y in rows:
        if x is not None and y is not None:
            steps.append(_joined(x, y))
        else:
            only = x if x is not None else y
            assert only is not None
            if isinstance(only, Maybe):
                steps.append(only)
            elif only.reads or only.name or getattr(only, "tensors", ()):
                return None
            elif steps and isinstance(steps[-1], Maybe):
                steps[-1] = _maybe((*steps[-1].example, only))
            else:
                steps.append(_maybe((only,)))
    return tuple(steps)


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
        case Maybe(example=(Apply() | Use() | Merge(), *_) as example), _:
            return len(example) == 1 and example[0].shape == b.shape
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
    assert isinstance(a, Merge) and isinstance(b, Merge)
    arms = _both_arms(a, b)
    assert arms is not None
    return replace(a, arms=arms)


def _conformed(body: Body, pattern: Body) -> Body | None:
    """A body in the shape of a pattern, of which it is a case."""
    if shapes(body) == shapes(pattern):
        return body
    if pattern and isinstance(pattern[0], Merge) and any(arm.optional for arm in pattern[0].arms):
        if not body or not isinstance(body[0], Merge):
            return _wrapped(body, pattern)
    steps: list[Item] = []
    rest = body
    for i, item in enumerate(pattern):
        if isinstance(item, Maybe):
            count = len(item.example)
            taken = rest[:count]
            needed = sum(not isinstance(x, Maybe) for x in pattern[i + 1 :])
            if shapes(taken) == shapes(item.example) and len(rest) - count >= needed:
                steps.append(replace(item, body=taken))
                rest = rest[count:]
            elif len(rest) and isinstance(rest[0], Maybe) and rest[0].shape == item.shape:
                steps.append(rest[0])
                rest = rest[1:]
            else:
                steps.append(replace(item, body=()))
        elif not rest:
            return None
        else:
            made = _conformed_item(rest[0], item)
            if made is None:
                return None
            steps.append(made)
            rest = rest[1:]
    return None if rest else tuple(steps)


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
        body = _conformed(arm.body, wanted.body)
        if body is None:
            return None
        arms.append(replace(wanted, body=body, present=arm.present))
    return replace(item, arms=tuple(arms))


def _wrapped(body: Body, pattern: Body) -> Body | None:
    """A body without a shortcut as branches of which that is absent."""
    merge = pattern[0]
    assert isinstance(merge, Merge)
    end = len(body) - (len(pattern) - 1)
    rest = _conformed(body[end:], pattern[1:])
    arms: list[Arm] = []
    for arm in merge.arms:
        if arm.optional:
            arms.append(replace(arm, present=False))
        else:
            inner = _conformed(body[:end], arm.body)
            if inner is None or rest is None:
                return None
            arms.append(replace(arm, body=inner))
    return (replace(merge, arms=tuple(arms)), *(rest or ()))
