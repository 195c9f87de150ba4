"""Names that a spec may have, made of what a model calls its parts.

A model's names are of any length and spelling. Two of ours that differ may still be one in Keras,
where `high.2` and `high_2` are the same layer.
"""

import re
from dataclasses import dataclass, field
from unicodedata import normalize

from cnngen.syntax.naming import (
    CAP_WORDS,
    LONGEST_NAME,
    OF_VALUES,
    NameKind,
    reserved,
    snake_case,
)

ROOM = 4  # characters of a name that are left for what tells it from others
NOTHING: frozenset[str] = frozenset()


def spelled(text: str, kind: NameKind) -> str:
    """A name for something of this kind as like the text as a spec allows; empty if the text has
    neither letters nor digits that one may have.
    """
    plain = normalize("NFKD", text).encode("ascii", "ignore").decode()
    return _cap_words(plain, kind) if kind in ("spec", "block") else _snake_case(plain, kind)


def _snake_case(text: str, kind: NameKind) -> str:
    name = re.sub("[^a-z0-9]+", "_", snake_case(text)).strip("_")
    if name[:1].isdecimal():
        name = f"part{name}"
    name = name[: LONGEST_NAME - ROOM].rstrip("_")
    if name in reserved(kind):
        return f"{name}_{'value' if kind in OF_VALUES else kind}"
    return name


def _cap_words(text: str, kind: NameKind) -> str:
    words = [word for word in re.split("[^A-Za-z0-9]+", text) if word]
    name = "".join(word[0].upper() + word[1:] for word in words)
    if CAP_WORDS.fullmatch(text):
        name = text
    if name[:1].isdecimal() or name in reserved(kind):
        name = f"Net{name}" if kind == "spec" else f"Block{name}"
    return name[: LONGEST_NAME - ROOM].rstrip("_")


def numbered(stem: str, count: int) -> str:
    """The stem for the first, then `conv2`, or `conv1b` where it ends in a digit: `conv_2` would be
    what Keras calls `conv.2`.
    """
    if count == 1:
        return stem
    if not stem[-1:].isdecimal():
        return f"{stem}{count}"
    return f"{stem}{chr(ord('a') + count - 1)}" if count <= 26 else f"{stem}x{count}"


@dataclass(slots=True)
class Names:
    """The names of one body; `inside` has the words that may follow each in a path, where anything
    does.
    """

    inside: dict[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])

    def add(self, stem: str, words: frozenset[str] = NOTHING) -> str:
        """A name that no other has."""
        count = 1
        while not self._is_free(name := numbered(stem, count), words):
            count += 1
        self.inside[name] = words
        return name

    def _is_free(self, name: str, words: frozenset[str]) -> bool:
        return name not in self.inside and not any(
            _meet(other, inside, name) or _meet(name, words, other)
            for other, inside in self.inside.items()
        )


def _meet(outer: str, words: frozenset[str], name: str) -> bool:
    """Whether Keras may call something in `outer` by this name, too."""
    if not words or not name.startswith(f"{outer}_"):
        return False
    rest = name[len(outer) + 1 :]
    return rest.partition("_")[0].isdecimal() or any(
        rest == word or rest.startswith(f"{word}_") for word in words
    )
