"""The chart of surveys: MACs across, top-1 up, and parameters as the areas of bubbles."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import jinja2

from cnngen.compare.labels import SIZE, Box, Bubble, place_labels
from cnngen.compare.rows import Compared
from cnngen.compare.scale import scale
from cnngen.compare.table import Comparison
from cnngen.diagnostics.terminal import one_line
from cnngen.draw.metrics import width
from cnngen.report.catalogue import short
from cnngen.shipped import TEMPLATES

MOST = 100  # networks in a chart that can be read
WIDTH = 880.0
ROOM = Box(62, 48, 668, 470)  # the plot
SIDE = 690.0  # where the keys begin
LARGEST = 34.0  # radius of the largest bubble
LINE = 13.0
NOTE = 9.5  # size of the letters below
# Okabe and Ito's colours, which people who are colour-blind can tell apart, less their yellow.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#777777")


class NoChartError(Exception):
    """What there is to say of networks that no chart can show."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A bubble, the place of its name, and the colour of its paper; dashed where those run out."""

    bubble: Bubble
    label: Box
    colour: str
    dashed: bool
    title: str
    leader: bool


def chart(comparison: Comparison) -> str:
    """The SVG; raises `NoChartError`."""
    shown = [row for row in comparison.rows if comparison.result(row)]
    _check(comparison, shown)
    tops = [result.top1 for row in shown if (result := comparison.result(row))]
    across = scale([row.macs for row in shown], ROOM.left, ROOM.right, LARGEST + 14)
    up = scale(tops, ROOM.bottom, ROOM.top, LARGEST + 14)
    largest = max(max(row.parameters for row in shown), 1)
    bubbles = [
        Bubble(across.place(row.macs), up.place(top), _radius(row.parameters, largest), row.name)
        for row, top in zip(shown, tops, strict=True)
    ]
    papers = list(dict.fromkeys(_paper(row) for row in shown))
    labels = place_labels(bubbles, ROOM)
    figures = [
        Shown(
            bubble,
            label,
            *_colour(papers.index(_paper(row))),
            _told(row, top),
            label.distance(bubble.x, bubble.y) > bubble.radius + 8,
        )
        for row, top, bubble, label in zip(shown, tops, bubbles, labels, strict=True)
    ]
    notes = [line for note in _notes(comparison) for line in wrapped(note, WIDTH - 32, NOTE)]
    return render(
        "chart.svg.jinja",
        title=f"Top-1 on {one_line(comparison.dataset or '')} against cost",
        width=WIDTH,
        height=ROOM.bottom + 62 + LINE * len(notes),
        room=ROOM,
        shown=sorted(figures, key=lambda each: -each.bubble.radius),
        across=[(_rounded(across.place(tick)), _brief(round(tick))) for tick in across.ticks()],
        up=[(_rounded(up.place(tick)), f"{tick:g}") for tick in up.ticks()],
        logarithmic=across.logarithmic,
        side=SIDE,
        sizes=_sizes(largest),
        papers=[(*_colour(i), _shortened(paper)) for i, paper in enumerate(papers)],
        notes=notes,
        line=LINE,
    )


def render(template: str, **values: object) -> str:
    """A template of `templates/compare`; what comes from a spec is escaped wherever it stands."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES / "compare"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(values)


def wrapped(text: str, room: float, size: float) -> list[str]:
    """The text in lines that fit; a word that is longer than a line has one of its own."""
    lines: list[str] = []
    for word in text.split():
        if lines and width(f"{lines[-1]} {word}", size) <= room:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _check(comparison: Comparison, shown: Sequence[Compared]) -> None:
    if not shown:
        on = f" on `{one_line(comparison.dataset)}`" if comparison.dataset else ""
        raise NoChartError(
            f"no top-1{on} is known of these networks: add to a spec, say,"
            " `results: [{dataset: ImageNet, top1: 77.15, source: ...}]`"
        )
    if len(shown) > MOST:
        raise NoChartError(f"a chart shows at most {MOST} networks, and these are {len(shown)}")


def _told(row: Compared, top: float) -> str:
    numbers = f"{short(row.macs)} MACs, {short(row.parameters)} parameters"
    return f"{row.name}: {top:g}% top-1, {numbers}"


def _radius(parameters: float, largest: float) -> float:
    return LARGEST * math.sqrt(parameters / largest)


def _colour(place: int) -> tuple[str, bool]:
    return COLOURS[place % len(COLOURS)], place // len(COLOURS) % 2 == 1


def _paper(row: Compared) -> str:
    """`He et al., 2016`."""
    paper = row.paper
    first, *others = [author.strip() for author in paper.authors.split(",")]
    who = first + (" et al." if others else "") or paper.title
    return one_line(", ".join(filter(None, (who, paper.year))) or "without a paper")


def _shortened(text: str) -> str:
    room = WIDTH - SIDE - 32
    if width(text, SIZE) <= room:
        return text
    while text and width(f"{text}...", SIZE) > room:
        text = text[:-1]
    return f"{text.rstrip()}..."


def _sizes(largest: int) -> list[tuple[float, str]]:
    """Round numbers of parameters up to the largest bubble, with the radii of theirs."""
    power = 10 ** math.floor(math.log10(largest))
    top = next(digit * power for digit in (5, 2, 1) if digit * power <= largest)
    sizes = [size for size in (top, top // 5, top // 50) if size]
    return [(_rounded(_radius(size, largest)), _brief(size)) for size in sizes]


def _notes(comparison: Comparison) -> list[str]:
    """How fair the chart is, and whom it does not show."""
    protocols: dict[str, list[str]] = {}
    absent: list[str] = []
    for row in comparison.rows:
        if result := comparison.result(row):
            protocols.setdefault(result.protocol or "protocol not known", []).append(row.name)
        else:
            absent.append(row.name)
    notes = ["Bubbles: parameters by area. Accuracies are those that were published."]
    if len(protocols) == 1:
        notes += [f"Measured alike: {one_line(next(iter(protocols)))}."]
    else:
        notes += ["Measured differently, so that small differences say little:"]
        notes += [one_line(f"{how}: {', '.join(names)}") for how, names in protocols.items()]
    if absent:
        on = one_line(comparison.dataset or "")
        notes += [f"Not shown: no published top-1 on {on}: {', '.join(absent)}"]
    return notes


def _brief(number: int) -> str:
    """`20 M`, without the zeros that a round number needs not."""
    return re.sub(r"\.0+(?= |$)|(?<=\.\d)0(?= |$)", "", short(number))


def _rounded(number: float) -> float:
    return round(number, 1)
