"""The catalogue: many networks, a row each, with where they come from and what they cost."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cnngen.diagnostics.terminal import one_line
from cnngen.report.summary import Dimensions, inputs_text, row_fields, summarize
from cnngen.report.table import Row, Table
from cnngen.semantics.network import Network
from cnngen.syntax.tree import Paper

HEAD = ("name", "year", "input", "parameters", "MACs", "paper")
NUMBERS = frozenset({3, 4})
PREFIXES = ("", " k", " M", " G", " T", " P", " E")


@dataclass(frozen=True, slots=True)
class Entry:
    """A network under the name of its file; fields about a paper are empty where the spec names
    none.
    """

    name: str
    year: str
    inputs: Mapping[str, Dimensions]
    parameters: int
    macs: int
    paper: str
    url: str

    def as_dict(self) -> dict[str, Any]:
        """What `cnngen list --format json` prints."""
        return row_fields(self)


def entry_of(network: Network) -> Entry:
    """The row of a network, as it is in inference."""
    summary = summarize(network)
    spec = network.resolution.spec
    paper = spec.paper or Paper()
    return Entry(
        *(spec.stem, paper.year, summary.inputs),
        *(summary.parameters, summary.macs, paper.title, paper.url),
    )


def in_order(entries: Iterable[Entry]) -> list[Entry]:
    """By year, then by family and size: names are compared by their words, then by numbers."""
    return sorted(entries, key=_place)


def catalogue_table(entries: Iterable[Entry], format: str) -> Table:
    """The table for `format`: exact numbers for programs, short ones for people."""
    number = exact if format == "csv" else short
    rows = [_markdown_row(each) if format == "markdown" else _row(each, number) for each in entries]
    return Table(HEAD, rows, numbers=NUMBERS)


def exact(number: int) -> str:
    return f"{number:,}"


def short(number: int) -> str:
    """Three digits and a prefix: `25.6 M`."""
    if number < 1000:
        return str(number)
    digits, exponent = f"{number:.2e}".split("e")
    thousands = min(int(exponent) // 3, len(PREFIXES) - 1)
    before = int(exponent) - 3 * thousands
    return f"{float(digits) * 10**before:.{max(0, 2 - before)}f}{PREFIXES[thousands]}"


def _place(entry: Entry) -> tuple[int, list[str], list[int], str]:
    """What entries are sorted by: those without a year last; `vgg9` before `vgg16`, and both before
    `vgg9_bn`.
    """
    year = re.search(r"[0-9]{4}", entry.year, re.ASCII)
    words = re.split(r"[0-9]+", entry.name)
    numbers = [int(number) for number in re.findall(r"[0-9]{1,20}", entry.name)]
    return int(year[0]) if year else 10_000, words, numbers, entry.name


def _row(entry: Entry, number: Callable[[int], str]) -> Row:
    numbers = number(entry.parameters), number(entry.macs)
    name, year, paper = map(one_line, (entry.name, entry.year, entry.paper))
    return name, year, inputs_text(entry.inputs), *numbers, paper


def _markdown_row(entry: Entry) -> Row:
    """The name as it is typed, and the paper as a link."""
    name, year, size, *numbers, _ = map(escaped, _row(entry, short))
    return f"`{name}`", year, size, *numbers, paper_link(entry.paper, entry.url)


def paper_link(title: str, url: str) -> str:
    """The title in Markdown, as a link where the address is one."""
    title = escaped(one_line(title))
    return f"[{title}]({url})" if re.fullmatch(r"https?://[^\s()<>|]+", url) else title


def escaped(text: str) -> str:
    """Text that Markdown does not read as anything else."""
    return re.sub(r"[\\`*\[\]<>|]", r"\\\g<0>", text)
