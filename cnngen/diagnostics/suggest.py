"""Did you mean: the known word that is nearest to a misspelt one."""

from collections.abc import Iterable

LONGEST = 40


def suggest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate that a few slips away from `word`, if there is one; of several, the first.

    >>> suggest("strides", ["out", "kernel", "stride"])
    'stride'
    >>> suggest("banana", ["out", "kernel", "stride"])
    """
    if len(word) > LONGEST:
        return None
    limit = max(1, len(word) // 3)
    distance, nearest = min(
        (
            (_slips(word, candidate), candidate)
            for candidate in candidates
            if len(candidate) <= LONGEST
        ),
        key=lambda found: found[0],
        default=(limit + 1, None),
    )
    return nearest if distance <= limit and distance < len(word) else None


def _slips(a: str, b: str) -> int:
    """Letters to insert, delete, replace or swap with a neighbour; case hardly counts."""
    if a.lower() == b.lower():
        return int(a != b)
    a, b = a.lower(), b.lower()
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, last, row = row, before, [i]
        for j, y in enumerate(b, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row[-1]
