"""Pages of the documentation: their blocks, and the files that a reader has at each of them.

What stands behind a fence says what a block is.

* `yaml spec [FILE]` is a spec; FILE keeps it for what follows on the page.
* `yaml fails CODE` is a spec with mistakes of the kinds CODE ....
* `yaml change FILE [CODE]` changes a spec that was kept, which then has mistakes of the kind CODE,
  or none: parameters, blocks and stages replace those of their names or are added.
* `jinja FILE` is a template, `py FILE` and `json FILE` are a model, which are kept, too.

The other kinds are outputs: `page_outputs.py` has them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parents[2]
DIAGNOSTICS = ROOT / "docs/diagnostics.md"  # `test_explain.py` runs its examples
PAGES = [ROOT / "README.md", *sorted({*(ROOT / "docs").glob("*.md")} - {DIAGNOSTICS})]
FENCED = re.compile(r"^```(?P<info>.*)\n(?P<text>(?:(?!```).*\n)*)```$", re.MULTILINE)
EXAMPLE = "example.yaml"
SPECS = ("yaml spec", "yaml change", "yaml fails")
LEFT_OUT = {
    "name": "name: Example",
    "about": "about: An example.",
    "input": "input: {channels: 3, height: 32, width: 32}",
}
HEAD = ("cnngen", "name", "about", "extends", "paper", "results")
ORDER = (*HEAD, "input", "inputs", "params", "defaults", "blocks", "model", "outputs")


@dataclass(frozen=True)
class Block:
    """A block of a page; `files` are those of the reader, `file` is that of the last spec, and
    `before` has the blocks of the same kind above it.
    """

    path: Path
    line: int
    words: tuple[str, ...]
    text: str
    span: tuple[int, int]
    files: dict[str, str]
    file: str
    before: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.path.name}:{self.line}"

    @property
    def kind(self) -> str:
        return " ".join(self.words[:2])

    @property
    def codes(self) -> set[str]:
        """The kinds of mistakes that a spec has."""
        return set(self.words[2 if self.kind == "yaml fails" else 3 :])

    def write_files(self, folder: Path) -> None:
        for name, text in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


def blocks(path: Path) -> Iterator[Block]:
    """The blocks of a page in their order."""
    page = path.read_text(encoding="utf-8")
    kept: dict[str, str] = {}
    above: dict[tuple[str, ...], list[str]] = {}
    files, file = kept, EXAMPLE
    for found in FENCED.finditer(page):
        text = found["text"]
        match found["info"].split():
            case ["yaml", "spec"] | ["yaml", "fails", *_]:
                file = EXAMPLE
                files = kept | {file: whole(text)}
            case ["yaml", "spec", file]:
                files = kept = kept | {file: whole(text)}
            case ["yaml", "change", file, *_]:
                files = kept = kept | {file: changed(kept[file], text)}
            case ["jinja" | "py" | "json", kept_file]:
                files = kept = kept | {kept_file: text}
            case _:
                pass
        line = page.count("\n", 0, found.start()) + 1
        words = tuple(found["info"].split())
        before = above.setdefault(words, [])
        yield Block(path, line, words, text, found.span("text"), files, file, tuple(before))
        before.append(text)


def whole(text: str) -> str:
    """A spec with the keys added that it leaves out."""
    present = parts(text)
    known = {*present, *(["input"] if "inputs" in present else [])}
    added = [] if "extends" in present else [v for k, v in LEFT_OUT.items() if k not in known]
    return "\n".join([*([] if "cnngen" in present else ["cnngen: 1"]), *added, text])


def changed(text: str, change: str) -> str:
    """A spec with what a change says, and a blank line between the parts below its head."""
    old, new = parts(text), parts(change)
    for key in old.keys() & new.keys():
        entries = [parts(part[key], 2) for part in (old, new)]
        if all(entries):
            new[key] = f"{key}:\n" + "".join(joined(*entries).values())
    merged = old | new
    keys = sorted(merged, key=ORDER.index)
    head = "".join(merged[key] for key in keys if key in HEAD)
    return "\n".join([head, *(merged[key] for key in keys if key not in HEAD)])


def joined(old: dict[str, str], new: dict[str, str]) -> dict[str, str]:
    """The entries of both; new keys stand before those that follow them in `new`, or last."""
    keys = list(old)
    place = len(keys)
    for key in reversed(new):
        if key not in keys:
            keys.insert(place, key)
        place = keys.index(key)
    return {key: new.get(key, old.get(key, "")) for key in keys}


def parts(text: str, indent: int = 0) -> dict[str, str]:
    """The text of each key at this indentation, without blank lines at its end."""
    starts = [*re.finditer(rf"^ {{{indent}}}(\w+):", text, re.MULTILINE)]
    places = pairwise([*(start.start() for start in starts), len(text)])
    return {
        start[1]: text[begin:end].rstrip() + "\n"
        for start, (begin, end) in zip(starts, places, strict=True)
    }
