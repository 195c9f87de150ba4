"""Texts of others on a terminal and in the log of a CI job: shown such that neither takes them for
commands, with the columns that they need.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Any

TAB = "    "
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

# Control characters (Cc) carry escape sequences, format characters (Cf) reorder and hide text,
# and lone surrogates (Cs) cannot be encoded.
_UNSAFE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_COMBINING = {"Mn", "Me"}
# Runners read the log, and take for commands: `::name ...` at the start of a line (GitHub), and
# anywhere in it `##[name` (GitHub), `##vso[` (Azure) and `##teamcity[`.
_COMMAND = re.compile(r"^(\s*):(?=:)|#(?=#[A-Za-z]*\[)")


@lru_cache(maxsize=4096)
def _shown(character: str) -> str:
    if character == "\t":
        return TAB
    return REPLACEMENT if unicodedata.category(character) in _UNSAFE else character


def printable(text: str) -> str:
    """The text with tabs expanded, and without anything that a terminal takes for a command."""
    return text if text.isprintable() else "".join(map(_shown, text))


def safe(text: str) -> str:
    """The printable text, also without anything that the runner of a CI job would take for a
    command.

    It has as many characters as the text with its tabs expanded.
    """
    return _COMMAND.sub(lambda found: (found[1] or "") + REPLACEMENT, printable(text))


def safe_lines(text: str) -> str:
    """Safe text that keeps its lines."""
    return "\n".join(map(safe, text.split("\n")))


def one_line(text: str) -> str:
    """The safe text without line ends."""
    return safe(" ".join(text.splitlines()))


def as_json(value: Any) -> str:
    """JSON in ASCII: control characters and commands of runners are escaped."""
    import json  # late: what the cache answers should cost nothing

    return json.dumps(value, indent=2).replace("##", "#\\u0023") + "\n"


@lru_cache(maxsize=4096)
def columns(character: str) -> int:
    """How many columns a character takes once `safe`."""
    if character == "\t":
        return len(TAB)
    if unicodedata.category(character) in _COMBINING:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
