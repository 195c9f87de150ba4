"""Did you mean: the known word that is nearest to a misspelt one."""

import re
from collections.abc import Iterable

from cnngen.diagnostics.model import Edit
from cnngen.source import Span

LONGEST = 40
SHORTEST_TO_FIX = 3
MOST_RIVALS = 200


def suggest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate that is a few slips away from `word`, if there is one.

    Of several, it is the one that differs in case or underscores only, or else the first.

    >>> suggest("strides", ["out", "kernel", "stride"])
    'stride'
    >>> suggest("banana", ["out", "kernel", "stride"])
    """
    if len(word) > LONGEST:
        return None
    limit = _limit(word)
    distance, _, nearest = min(
        (
            (_slips(word, candidate, limit), plain(word) != plain(candidate), candidate)
            for candidate in candidates
            if len(candidate) <= LONGEST
        ),
        key=lambda found: found[:2],
        default=(limit + 1, True, None),
    )
    return nearest if distance <= limit and distance < len(word) else None


def respell(
    at: Span, word: str | None, rivals: Iterable[str] = (), *, closed: bool = False
) -> tuple[Edit, ...]:
    """The fix that writes `word`; none where the text may be a slip in one of its `rivals`, too.

    A `closed` list of rivals is one that a spec cannot add to: keys, attributes. Otherwise, a text
    that begins or ends with a rival (or the other way round) may be a name of its own that is
    missing: `drop` is not a slip in `crop`, nor `lrelu` in `relu`.
    """
    text = at.text
    if word is None or text == word or not re.fullmatch(r"[\w.]+", text) or len(text) > LONGEST:
        return ()
    rivals = [rival for rival in rivals if len(rival) <= LONGEST]
    if len(rivals) > MOST_RIVALS:
        return ()
    limit = _limit(text)
    same = [rival for rival in rivals if plain(rival) == plain(text)]
    near = same or [rival for rival in rivals if _slips(text, rival, limit) <= limit]
    is_part = not (same or closed) and any(_is_part(text, rival) for rival in rivals)
    if rivals and (set(near) != {word} or is_part or not is_slip(text, word)):
        return ()
    return (Edit(at, word),)


def is_slip(text: str, word: str) -> bool:
    """Whether a text is a word with one slip of the fingers, or with other case or underscores.

    A wrong digit is no slip: `conv3` may have been meant for `conv2`, or be missing. Nor is a wrong
    letter in a short word.
    """
    a, b = plain(text), plain(word)
    if a == b:
        return True
    if len(text) < SHORTEST_TO_FIX or _digits(a) != _digits(b):
        return False
    if len(a) == len(b) == SHORTEST_TO_FIX and sorted(a) != sorted(b):
        return False
    return min(_slips(a, b, 1), _slips(text, word, 1)) == 1


def _is_part(text: str, word: str) -> bool:
    """Whether one of two words begins or ends with the other."""
    longer, shorter = sorted((plain(text), plain(word)), key=len, reverse=True)
    return len(shorter) > 1 and (longer.startswith(shorter) or longer.endswith(shorter))


def _limit(word: str) -> int:
    """How many slips a word of this length may have."""
    return max(1, len(word) // 3)


def plain(word: str) -> str:
    """A word without case and underscores."""
    return word.replace("_", "").lower()


def _digits(word: str) -> str:
    return re.sub(r"\D", "", word)


def _slips(a: str, b: str, limit: int) -> int:
    """The number of letters to insert, delete, replace or swap; case hardly counts.

    Beyond `limit`, any number above it.
    """
    if a.lower() == b.lower():
        return int(a != b)
    if abs(len(a) - len(b)) > limit:
        return limit + 1
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
        if min(row) > limit and min(before) > limit:
            return limit + 1
    return row[-1]
