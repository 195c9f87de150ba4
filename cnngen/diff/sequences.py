"""Sequences: what two of them have in common, in order, by the algorithm of Myers.

E. W. Myers, An O(ND) difference algorithm and its variations, Algorithmica 1 (1986). It takes time
in proportion to the lengths times the number of differences. Where there are more than MOST_EDITS,
the best beginning so far is kept and the search starts again behind it: so time is linear, and the
result not always the longest.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence

MOST_EDITS = 64

Pair = tuple[int, int]  # places of equal elements


def common(old: Sequence[Hashable], new: Sequence[Hashable]) -> list[Pair]:
    """Pairs of places with equal elements, ascending in both sequences."""
    first, last = 0, 0
    most = min(len(old), len(new))
    while first < most and old[first] == new[first]:
        first += 1
    while last < most - first and old[-1 - last] == new[-1 - last]:
        last += 1
    both = set(old[first : len(old) - last]) & set(new[first : len(new) - last])
    a = [i for i in range(first, len(old) - last) if old[i] in both]
    b = [j for j in range(first, len(new) - last) if new[j] in both]
    numbers = {element: i for i, element in enumerate(both)}
    between = _common([numbers[old[i]] for i in a], [numbers[new[j]] for j in b])
    return [
        *((i, i) for i in range(first)),
        *((a[i], b[j]) for i, j in between),
        *((len(old) - i, len(new) - i) for i in range(last, 0, -1)),
    ]


def _common(old: Sequence[int], new: Sequence[int]) -> Iterator[Pair]:
    i = j = 0
    while i < len(old) and j < len(new):
        found, i, j = _beginning(old, new, i, j)
        yield from found


def _beginning(
    old: Sequence[int], new: Sequence[int], start: int, other_start: int
) -> tuple[list[Pair], int, int]:
    """What beginnings of the remaining sequences have in common, and where these beginnings end.

    Diagonal k has the places with i - j = k, and `reached[k]` is the furthest i on it that so many
    edits lead to. `before` has the same for each smaller number of edits.
    """
    first = k = start - other_start
    reached: dict[int, int] = {}
    before: list[dict[int, int]] = []
    for edits in range(MOST_EDITS + 1):
        now: dict[int, int] = {}
        for k in range(first - edits, first + edits + 1, 2):
            i = _edited(reached, k, len(old), len(new)) if edits else start
            if i is None:
                continue
            while i < len(old) and i - k < len(new) and old[i] == new[i - k]:
                i += 1
            now[k] = i
            if i == len(old) and i - k == len(new):
                break
        before.append(reached)
        reached = now
        k = max(reached, key=lambda k: 2 * reached[k] - k)  # the most of both
        if reached[k] == len(old) and reached[k] - k == len(new):
            break
    i = reached[k]
    return list(_way(before, i, k, start, len(old), len(new)))[::-1], i, i - k


def _edited(reached: Mapping[int, int], k: int, most: int, most_new: int) -> int | None:
    """The furthest place on a diagonal to which one edit more leads from its neighbours."""
    places: list[int] = []
    if (above := reached.get(k + 1)) is not None and above - k <= most_new:
        places.append(above)  # an element of the new sequence only
    if (left := reached.get(k - 1)) is not None and left < most:
        places.append(left + 1)  # one of the old sequence only
    return max(places, default=None)


def _way(
    before: Sequence[Mapping[int, int]], i: int, k: int, start: int, most: int, most_new: int
) -> Iterator[Pair]:
    """The equal elements on the way to a place, from the last one back."""
    for reached in reversed(before):
        edited = _edited(reached, k, most, most_new)
        begin = start if edited is None else edited
        yield from ((x, x - k) for x in range(i - 1, begin - 1, -1))
        if edited is None:
            return
        k, i = (k + 1, edited) if reached.get(k + 1) == edited else (k - 1, edited - 1)
