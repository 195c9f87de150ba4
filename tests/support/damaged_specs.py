"""Files that are no specs, or hardly: untrusted input.

Each is a function of a `Random`, so that `scripts/robust.py` can draw more of them.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from random import Random

from support.mistake_cases import cases
from support.planted_values import any_planted
from support.untrusted_specs import HEAD

SPECS = sorted((Path(__file__).parents[2] / "specs").glob("*.yaml"))
GOOD = [path.read_text(encoding="utf-8") for path in SPECS]
BAD = [case.spec for case in cases()]
TOKEN = re.compile(r"[\w.]+|[^\w\s]+")
WORDS = sorted(
    {word for text in GOOD + BAD for word in TOKEN.findall(text)}
    | {"\t", "\n", " ", "*", "&a", "!x", "<<", "~", "null", "\u2028", "10**9"}
)
KEYS = sorted({key for text in GOOD + BAD for key in re.findall(r"([A-Za-z_]\w*):", text)})
SCALARS = (
    "0",
    "-1",
    "1e999",
    "0x7f",
    "yes",
    "~",
    '""',
    "'a b'",
    "10**9",
    '"[[0] * 9] * 9"',
    "1:20",
)
LONGEST_NOISE = 400


def noise(random: Random) -> bytes:
    """Random bytes."""
    return bytes(random.randrange(256) for _ in range(random.randrange(LONGEST_NOISE)))


def characters(random: Random) -> bytes:
    """Random characters, most of which mean something in YAML."""
    marks = " \n\t:-?[]{},&*!|>'\"%@`#~<=."
    return "".join(
        random.choice(marks) if random.random() < 0.6 else chr(random.randrange(1, 0xD800))
        for _ in range(random.randrange(LONGEST_NOISE))
    ).encode()


def words(random: Random) -> bytes:
    """The words of specs in random order."""
    parts = (
        random.choice(WORDS) + random.choice((" ", "", "\n", ": ", "\n  "))
        for _ in range(random.randrange(150))
    )
    return (random.choice(("", HEAD)) + "".join(parts)).encode()


def tree(random: Random) -> bytes:
    """Correct YAML of any form, made of the words of specs."""
    return (random.choice(("", HEAD)) + f"model: {_node(random, 6)}\n").encode()


def truncated(random: Random) -> bytes:
    """A spec that breaks off."""
    content = _spec(random).encode()
    return content[: random.randrange(len(content) + 1)]


def spliced(random: Random) -> bytes:
    """A spec with some lines of another one, instead of some of its own or before them."""
    first, second = (_spec(random).splitlines(keepends=True) for _ in range(2))
    start, end = sorted(random.randrange(len(second) + 1) for _ in range(2))
    cut = random.randrange(len(first) + 1)
    rest = cut + random.randint(0, end - start)
    return "".join(first[:cut] + second[start:end] + first[rest:]).encode()


def changed(random: Random) -> bytes:
    """A spec with a few letters, words or lines changed."""
    text = _spec(random)
    for _ in range(random.randint(1, 3)):
        text = random.choice(CHANGES)(random, text)
    return text.encode()


def _spec(random: Random) -> str:
    return random.choice(random.choice((GOOD, BAD)))


def _letter(random: Random, text: str) -> str:
    at = random.randrange(len(text) + 1)
    letter = chr(random.randrange(random.choice((0x80, 0xD800))))
    return text[:at] + letter + text[at + 1 :]


def _word(random: Random, text: str) -> str:
    found = [word.span() for word in TOKEN.finditer(text)]
    start, end = random.choice(found) if found else (0, 0)
    return text[:start] + random.choice(WORDS) + text[end:]


def _line(random: Random, text: str) -> str:
    lines = text.splitlines(keepends=True) or [""]
    row, kept = random.randrange(len(lines)), random.randint(0, 1)
    return "".join([*lines[:row], random.choice(lines), *lines[row + kept :]])


def _swap(random: Random, text: str) -> str:
    lines = text.splitlines(keepends=True) or [""]
    row, other = random.randrange(len(lines)), random.randrange(len(lines))
    lines[row], lines[other] = lines[other], lines[row]
    return "".join(lines)


def _cut(random: Random, text: str) -> str:
    at = random.randrange(len(text) + 1)
    return text[:at] + text[at + random.randint(1, 40) :]


def _indent(random: Random, text: str) -> str:
    lines = text.splitlines(keepends=True) or [""]
    row = random.randrange(len(lines))
    lines[row] = random.choice(("  ", " ", "", "- ")) + lines[row].lstrip(" ")
    return "".join(lines)


def _node(random: Random, depth: int) -> str:
    """A node in flow style."""
    kind = random.choice(("word", "word", "value", "list", "mapping", "mapping"))
    if depth == 0 or kind == "word":
        return random.choice(KEYS)
    if kind == "value":
        return random.choice((json.dumps(random.choice(WORDS)), *SCALARS))
    parts = [_node(random, depth - 1) for _ in range(random.randrange(5))]
    if kind == "list":
        return f"[{', '.join(parts)}]"
    return "{" + ", ".join(f"{random.choice(KEYS)}: {part}" for part in parts) + "}"


CHANGES = (_letter, _word, _line, _swap, _cut, _indent)
KINDS: dict[str, Callable[[Random], bytes]] = {
    "any bytes": noise,
    "any characters": characters,
    "words of specs": words,
    "random YAML": tree,
    "truncated specs": truncated,
    "spliced specs": spliced,
    "changed specs": changed,
    "planted values": any_planted,
}
