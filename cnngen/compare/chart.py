"""The chart of surveys: MACs to the right, top-1 accuracy up, and parameters as the areas of
bubbles.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import jinja2

from cnngen.compare.labels import SIZE, Box, Bubble, needs_leader, place_labels
from cnngen.compare.papers import Mark, marks
from cnngen.compare.rows import Compared
from cnngen.compare.scale import scale
from cnngen.compare.table import Comparison
from cnngen.diagnostics.terminal import one_line
from cnngen.draw.metrics import width
from cnngen.report.catalogue import short
from cnngen.shipped import TEMPLATES
from cnngen.syntax.metrics import METRICS, Metric

MOST = 100  # networks in a chart that can be read
WIDTH = 880.0
ROOM = Box(62, 48, 668, 470)  # the plot
SIDE = 690.0  # where the keys begin
LARGEST = 34.0  # radius of the largest bubble
LINE = 13.0
NOTE = 9.5  # size of the letters below
HEAD = 15.0  # of the title, which is bold
CERTAIN = 100.0  # per cent
SPREAD = 5.0  # per cent around accuracies that are all the same


class NoChartError(Exception):
    """Why there can be no chart of these networks."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A bubble, the place of its name, and the mark of its paper."""

    bubble: Bubble
    label: Box
    mark: Mark
    title: str
    leader: bool


def chart(comparison: Comparison) -> str:
    """The SVG; raises `NoChartError`."""
    metric = _metric(comparison)
    known = [(row, top) for row in comparison.rows if (top := _value(comparison, row, metric))]
    shown, tops = [row for row, _ in known], [top for _, top in known]
    _check(comparison, shown)
    across = scale([row.macs for row in shown], ROOM.left, ROOM.right, LARGEST + 14)
    up = scale(tops, ROOM.bottom, ROOM.top, LARGEST + 14, SPREAD)
    largest = max(max(row.parameters for row in shown), 1)
    bubbles = [
        Bubble(across.place(row.macs), up.place(top), _radius(row.parameters, largest), row.name)
        for row, top in zip(shown, tops, strict=True)
    ]
    papers = marks(shown)
    labels = place_labels(bubbles, ROOM)
    figures = [
        Shown(
            bubble,
            label,
            mark,
            _told(row, METRICS[metric].told(top)),
            needs_leader(bubble, label, bubbles),
        )
        for row, top, bubble, label, mark in zip(shown, tops, bubbles, labels, papers, strict=True)
    ]
    notes = [
        line for note in _notes(comparison, metric) for line in wrapped(note, WIDTH - 32, NOTE)
    ]
    return render(
        "chart.svg.jinja",
        title=_title(comparison, METRICS[metric]),
        upwards=f"{METRICS[metric].name}, {METRICS[metric].unit}",
        width=WIDTH,
        height=ROOM.bottom + 62 + LINE * len(notes),
        room=ROOM,
        shown=sorted(figures, key=lambda each: -each.bubble.radius),
        across=[
            (_rounded(across.place(tick)), _brief(round(tick)))
            for tick in across.ticks()
            if tick >= 0 and tick == round(tick)
        ],
        up=[(_rounded(up.place(tick)), f"{tick:g}") for tick in up.ticks() if tick <= CERTAIN],
        logarithmic=across.logarithmic,
        side=SIDE,
        sizes=_sizes(largest),
        papers=[
            (mark.colour, mark.dashed, _shortened(mark.text, WIDTH - SIDE - 32, SIZE))
            for mark in dict.fromkeys(papers)
        ],
        notes=notes,
        line=LINE,
    )


def _metric(comparison: Comparison) -> str:
    """That which was measured of most of the networks; the first of several."""

    def networks(metric: str) -> int:
        return sum(_value(comparison, row, metric) is not None for row in comparison.rows)

    return max(METRICS, key=networks)


def _value(comparison: Comparison, row: Compared, metric: str) -> float | None:
    result = comparison.result(row)
    return result.values.get(metric) if result else None


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
    """The text in lines that fit; a word that is longer than a line is broken."""
    lines: list[str] = []
    for word in _words(text, room, size):
        if lines and width(f"{lines[-1]} {word}", size) <= room:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _words(text: str, room: float, size: float) -> Iterator[str]:
    for word in text.split():
        while width(word, size) > room:
            fitting = next(n for n in range(len(word) - 1, 0, -1) if width(word[:n], size) <= room)
            yield word[:fitting]
            word = word[fitting:]
        yield word


def _check(comparison: Comparison, shown: Sequence[Compared]) -> None:
    if not shown and comparison.changed:
        raise NoChartError("networks changed by --set or --input have no published accuracies")
    if not shown:
        on = f" on `{one_line(comparison.dataset)}`" if comparison.dataset else ""
        raise NoChartError(
            f"no accuracy{on} is known of these networks: add to a spec, say,"
            " `results: [{dataset: ImageNet, top1: 77.15, source: ...}]`"
        )
    if len(shown) > MOST:
        raise NoChartError(f"a chart shows at most {MOST} networks, and these are {len(shown)}")


def _told(row: Compared, measured: str) -> str:
    numbers = f"{short(row.macs)} MACs, {short(row.parameters)} parameters"
    return f"{row.name}: {measured}, {numbers}"


def _radius(parameters: float, largest: float) -> float:
    return LARGEST * math.sqrt(parameters / largest)


def _title(comparison: Comparison, metric: Metric) -> str:
    dataset = _shortened(one_line(comparison.dataset or ""), WIDTH / 2, HEAD)
    first = metric.title.capitalize() if metric.title.islower() else metric.title
    return f"{first} on {dataset} against cost"


def _shortened(text: str, room: float, size: float) -> str:
    if width(text, size) <= room:
        return text
    while text and width(f"{text}...", size) > room:
        text = text[:-1]
    return f"{text.rstrip()}..."


def _sizes(largest: int) -> list[tuple[float, str]]:
    """Round numbers of parameters up to that of the largest bubble, each with its radius: for the
    key.
    """
    power = 10 ** math.floor(math.log10(largest))
    top = next(digit * power for digit in (5, 2, 1) if digit * power <= largest)
    sizes = [size for size in (top, top // 5, top // 50) if size]
    return [(_rounded(_radius(size, largest)), _brief(size)) for size in sizes]


def _notes(comparison: Comparison, metric: str) -> list[str]:
    """How far the accuracies can be compared, and which networks are not shown."""
    protocols: dict[str, list[str]] = {}
    absent: list[str] = []
    for row in comparison.rows:
        result = comparison.result(row)
        if result and metric in result.values:
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
        notes += [f"Not shown: no published {METRICS[metric].title} on {on}: {', '.join(absent)}"]
    return notes


def _brief(number: int) -> str:
    """`20 M`, without superfluous zeros."""
    return re.sub(r"\.0+(?= |$)|(?<=\.\d)0(?= |$)", "", short(number))


def _rounded(number: float) -> float:
    return round(number, 1)
