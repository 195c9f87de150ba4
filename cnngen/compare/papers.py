"""Papers: the key of the chart. Each paper has a colour; beyond these, its marks are dashed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_lowercase

from cnngen.compare.rows import Compared
from cnngen.diagnostics.terminal import one_line

# Okabe and Ito's colours, which people who are colour-blind can tell apart, less their yellow.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#777777")
MARKS = 2 * len(COLOURS)
OTHERS = "other papers"


@dataclass(frozen=True, slots=True)
class Mark:
    """The look of the networks of a paper, and its text in the key."""

    colour: str
    dashed: bool
    text: str


def marks(rows: Sequence[Compared]) -> list[Mark]:
    """The mark of each row. Where there are more papers than marks, the last ones share one."""
    texts = {_identity(row): _text(row) for row in rows}
    counts = Counter(texts.values())
    seen: Counter[str] = Counter()
    found: dict[tuple[str, ...], Mark] = {}
    for place, (paper, text) in enumerate(texts.items()):
        colour, dashed = COLOURS[place % len(COLOURS)], place >= len(COLOURS)
        if place >= MARKS - 1 and len(texts) > MARKS:
            colour, dashed, text = COLOURS[-1], True, OTHERS
        elif counts[text] > 1 and seen[text] < len(ascii_lowercase):  # as in a bibliography
            seen[text] += 1
            text += ascii_lowercase[seen[text] - 1]
        found[paper] = Mark(colour, dashed, text)
    return [found[_identity(row)] for row in rows]


def _identity(row: Compared) -> tuple[str, ...]:
    paper = row.paper
    return (paper.url or paper.title, _text(row))


def _text(row: Compared) -> str:
    """`He et al., 2016`."""
    paper = row.paper
    first, *others = [author.strip() for author in paper.authors.split(",")]
    who = first + (" et al." if others else "") or paper.title
    return one_line(", ".join(filter(None, (who, paper.year))) or "without a paper")
