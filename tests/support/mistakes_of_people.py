"""Specs of the classical zoo with a mistake such as people make."""

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from support.built_models import LATER

SPECS = Path(__file__).parents[2] / "specs"
CLASSICAL = [path for path in sorted(SPECS.glob("*.yaml")) if not path.stem.startswith(LATER)]
# Some of the others, with what these have not: tables, several inputs, shared weights, absent branches.
FAMILIES = (
    *(
        "convnext_tiny",
        "dncnn",
        "dpn68",
        "efficientnet_b0",
        "itracker",
        "mnasnet1_0",
        "mobilenet_v2",
    ),
    *("mobilenet_v3_large", "regnet_y_400mf", "repvgg_a0", "retinanet_resnet50_fpn"),
    *("shufflenet_v2_x1_0", "siamese_omniglot", "squeezenet1_1", "ssd300_vgg16", "unet_plus_plus"),
)
LATEST = [SPECS / f"{name}.yaml" for name in FAMILIES]
OPS = r"(?:conv|batch_norm|relu|max_pool|avg_pool|linear|flatten|global_avg_pool|dropout)"
Mutation = Callable[[str, random.Random], str | None]  # of a line; None where it cannot be made


@dataclass(frozen=True, slots=True)
class Mistake:
    """A spec with one mistake in a line, which is counted from 1."""

    kind: str
    file: str
    line: int
    text: str
    was: str
    now: str


def line_mutations() -> dict[str, Mutation]:
    """What is changed in one line."""
    return {
        "misspelt op": _misspelt(rf"(?<=- )({OPS})\b(?=:|$)"),
        "misspelt attribute": _misspelt(r"(?<=[{,] )?\b(kernel|stride|padding|groups|rate)(?=: )"),
        "misspelt key": _misspelt(r"^ *(branches|join|repeat|each|shortcut|params|body)(?=:)"),
        "misspelt top key": _misspelt(r"^(model|blocks|input|defaults|extends|about)(?=:)"),
        "misspelt parameter": _misspelt(r"(?<=out: )([a-z]{5,})(?=[,}])"),
        "tab for indentation": lambda line, _: _replaced(r"^( {2,})(?=\S)", "\t", line),
        "no blank behind a colon": lambda line, _: _replaced(r"(?<=- \w{4}): \{", ":{", line),
        "brace not closed": lambda line, _: _replaced(r"\}\s*$", "", line),
        "value left out": lambda line, _: _replaced(r"(?<=kernel: )\d+", "", line),
        "call not quoted": lambda line, _: _replaced(r"(?<=out: )\d+", r"max(\g<0>, 1)", line),
        "index not quoted": lambda line, _: _replaced(r'"(\w+\[\d\])"', r"\1", line),
        "colon in a text": lambda line, _: _replaced(r"^(about: \w+)", r"\1: or so", line),
        "yes for true": lambda line, _: _replaced(r"(?<=bias: )(true|false)", "yes", line),
        "alias for a product": lambda line, _: _replaced(r"(?<=out: )\d+", "*width", line),
        "text for a number": lambda line, _: _replaced(r"(?<=kernel: )\d+", "three", line),
        "number out of range": lambda line, _: _replaced(r"(?<=stride: )\d+", "0", line),
        "list for a number": lambda line, _: _replaced(
            r"(?<=out: )(\d+)(?=[,}])", r"[\1, \1]", line
        ),
        "groups that do not divide": lambda line, _: _replaced(
            r"(?<=out: )(\d+), kernel: (\d)", r"\1, kernel: \2, groups: 7", line
        ),
        "comma left out": lambda line, _: _replaced(r"(?<=\d), (?=\d+[,\]])", " ", line),
        "index out of range": lambda line, _: _replaced(r"(?<=\w)\[0\]", "[9]", line),
        "unknown parameter": lambda line, _: _replaced(r"(?<=out: )(width)\b", "filters", line),
        "framework's name": lambda line, _: _replaced(r"(?<=- )conv(?=:)", "Conv2d", line),
        "framework's attribute": lambda line, _: _replaced(r"kernel(?=: \d)", "kernel_size", line),
    }


def text_mutations() -> dict[str, Callable[[list[str], int], list[str] | None]]:
    """Changes of several lines, each with the line of the mistake."""
    return {
        "indented too far": lambda lines, i: _shifted(lines, i, "  "),
        "indented too little": lambda lines, i: _shifted(lines, i, ""),
        "part beside its key": lambda lines, i: (
            _shifted(lines, i, "") if re.match(r" +(do|else|body|join):", lines[i]) else None
        ),
        "step left out": _without_step,
        "required key left out": _without_key,
        "key twice": _twice,
        "stride forgotten": lambda lines, i: _changed(lines, i, r", stride: (2|stride)\b", ""),
        "join of another kind": lambda lines, i: _changed(lines, i, r"join: concat", "join: add"),
        "channels of an arm": lambda lines, i: _changed(
            lines, i, r"(?<=out: )4 \* width", "3 * width"
        ),
        "wrong reference": lambda lines, i: _changed(lines, i, r"from: (\w+)", r"from: \g<1>x"),
        "dash left out": lambda lines, i: _changed(lines, i, r"^( +)- (?=conv:)", r"\1  "),
    }


def corpus(most: int = 12, seed: int = 0, files: Sequence[Path] = CLASSICAL) -> Iterator[Mistake]:
    """Mistakes of all kinds, at most so many of each, spread over as many specs as possible."""
    draw = random.Random(seed)
    texts = {path.name: path.read_text(encoding="utf-8") for path in files}
    for kind, mutate in line_mutations().items():
        found = [
            Mistake(kind, name, i + 1, _joined(lines, i, now), lines[i], now)
            for name, text in texts.items()
            for lines in [text.splitlines()]
            for i in range(len(lines))
            if (now := mutate(_code(lines[i]), draw)) and now != _code(lines[i])
        ]
        yield from draw.sample(found, min(most, len(found)))
    for kind, change in text_mutations().items():
        several = [
            Mistake(kind, name, _shows(kind, lines, i), "\n".join(new) + "\n", lines[i], "")
            for name, text in texts.items()
            for lines in [text.splitlines()]
            for i in range(len(lines))
            if lines[i].strip() and not lines[i].lstrip().startswith("#")
            if (new := change(lines, i)) and new != lines
        ]
        yield from draw.sample(several, min(most, len(several)))


PHASES = {
    "yaml": (
        *("tab for indentation", "brace not closed", "colon in a text", "index not quoted"),
        *("dash left out", "indented too far", "indented too little", "call not quoted"),
    ),
    "structure": (
        *("misspelt key", "misspelt top key", "value left out", "alias for a product"),
        *("part beside its key", "no blank behind a colon", "key twice"),
    ),
    "names": (
        *("misspelt op", "misspelt attribute", "misspelt parameter", "unknown parameter"),
        *("framework's name", "framework's attribute", "text for a number", "wrong reference"),
    ),
    "values": (
        *("number out of range", "list for a number", "groups that do not divide"),
        *("stride forgotten", "join of another kind", "channels of an arm"),
    ),
}


def several(count: int, seed: int = 0) -> Iterator[tuple[str, list[Mistake]]]:
    """Specs with two to six mistakes, in different lines and, where possible, found in different
    phases; with each mistake alone.
    """
    draw = random.Random(seed)
    texts = {path.name: path.read_text(encoding="utf-8") for path in CLASSICAL}
    for _ in range(count):
        name = draw.choice([*texts])
        lines, wanted = texts[name].splitlines(), draw.randint(2, 6)
        now, mistakes = list(lines), list[Mistake]()
        phases = [*PHASES] * 2
        draw.shuffle(phases)
        for phase in phases[:wanted]:
            at = {m.line - 1 for m in mistakes}
            found = [m for m in _ways(phase, name, lines, draw) if m.line - 1 not in at]
            if found:
                mistake = draw.choice(found)
                now[mistake.line - 1] = mistake.text.split("\n")[mistake.line - 1]
                mistakes.append(mistake)
        if len(mistakes) > 1:
            yield "\n".join(now) + "\n", mistakes


def _ways(phase: str, name: str, lines: list[str], draw: random.Random) -> list[Mistake]:
    """One mistake of each kind of a phase that changes one line and leaves the others."""
    ways: list[Mistake] = []
    for kind in PHASES[phase]:
        places = [i for i, line in enumerate(lines) if line.strip() and not line.startswith("#")]
        draw.shuffle(places)
        for i in places:
            new = _mutated(kind, lines, i, draw)
            if new and new != lines and len(new) == len(lines):
                text = "\n".join(new) + "\n"
                ways.append(Mistake(kind, name, i + 1, text, lines[i], new[i]))
                break
    return ways


def _mutated(kind: str, lines: list[str], i: int, draw: random.Random) -> list[str] | None:
    if change := text_mutations().get(kind):
        return change(lines, i)
    now = line_mutations()[kind](_code(lines[i]), draw)
    return [*lines[:i], now, *lines[i + 1 :]] if now else None


def _shows(kind: str, lines: list[str], i: int) -> int:
    """The line of a mistake; of something left out, the line where that shows: a key at the top of
    the spec, a `flatten` at the `linear` behind it.
    """
    if kind == "required key left out":
        return 1
    if kind == "step left out":
        return next((n for n in range(i + 1, len(lines)) if "linear:" in lines[n]), i)
    return i + 1


def _code(line: str) -> str:
    """A line without its comment; nothing of one that is a comment."""
    return re.sub(r"(^|\s+)#.*", "", line)


def _joined(lines: list[str], i: int, now: str) -> str:
    return "\n".join([*lines[:i], now, *lines[i + 1 :]]) + "\n"


def _misspelt(pattern: str) -> Mutation:
    """Two letters of a word change places, or one is left out or doubled."""

    def mutate(line: str, draw: random.Random) -> str | None:
        if not (found := re.search(pattern, line)):
            return None
        start, end = found.span(1)
        word = line[start:end]
        at = draw.randrange(1, len(word) - 1)
        new = draw.choice(
            [
                word[:at] + word[at + 1] + word[at] + word[at + 2 :],
                word[:at] + word[at + 1 :],
                word[:at] + word[at] + word[at:],
            ]
        )
        return line[:start] + new + line[end:] if new != word else None

    return mutate


def _replaced(pattern: str, new: str, line: str) -> str | None:
    return re.sub(pattern, new, line, count=1) if re.search(pattern, line) else None


def _changed(lines: list[str], i: int, pattern: str, new: str) -> list[str] | None:
    line = _replaced(pattern, new, _code(lines[i]))
    return None if line is None else [*lines[:i], line, *lines[i + 1 :]]


def _shifted(lines: list[str], i: int, more: str) -> list[str] | None:
    indent = re.match(r" {2,}", lines[i])
    if not indent:
        return None
    line = more + lines[i] if more else lines[i][2:]
    return [*lines[:i], line, *lines[i + 1 :]]


def _without_step(lines: list[str], i: int) -> list[str] | None:
    """A step that makes a vector is missing before a `linear`."""
    return [*lines[:i], *lines[i + 1 :]] if re.match(r" +- flatten$", _code(lines[i])) else None


def _without_key(lines: list[str], i: int) -> list[str] | None:
    keys = r"(cnngen|name|about): "
    return [*lines[:i], *lines[i + 1 :]] if re.match(keys, lines[i]) else None


def _twice(lines: list[str], i: int) -> list[str] | None:
    return (
        [*lines[: i + 1], *lines[i:]]
        if re.match(r"(name|about|extends|input): ", lines[i])
        else None
    )
