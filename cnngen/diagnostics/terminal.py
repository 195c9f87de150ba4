"""Characters on a terminal: what is shown of untrusted text, and how many columns it takes."""

import unicodedata
from functools import lru_cache

TAB = "    "
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

# Control characters (Cc) carry escape sequences, format characters (Cf) reorder and hide text,
# and lone surrogates (Cs) cannot be encoded.
_UNSAFE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_COMBINING = {"Mn", "Me"}


@lru_cache(maxsize=4096)
def _shown(character: str) -> str:
    if character == "\t":
        return TAB
    return REPLACEMENT if unicodedata.category(character) in _UNSAFE else character


def safe(text: str) -> str:
    """The text with tabs expanded, and with nothing in it that a terminal would obey."""
    return "".join(map(_shown, text))


def one_line(text: str) -> str:
    """The safe text without line ends."""
    return safe(" ".join(text.splitlines()))


@lru_cache(maxsize=4096)
def columns(character: str) -> int:
    """How many columns a character takes once `safe`."""
    if character == "\t":
        return len(TAB)
    if unicodedata.category(character) in _COMBINING:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
