"""Refusal: what stands in the way of a model, where, how often, and what may be done about it."""

import textwrap
from collections.abc import Iterator, Sequence

from cnngen.diagnostics.terminal import one_line
from cnngen.foreign.graph import Obstacle

MOST_PLACES = 3
WIDTH = 100


def refusal(model: str, obstacles: Sequence[Obstacle]) -> str:
    """All obstacles, each with its places."""
    groups = _grouped(obstacles)
    count = f"{len(groups)} things" if len(groups) > 1 else "one thing"
    lines = [f"{model} cannot be imported: no spec says {count} in it"]
    for first, *more in groups:
        lines += ["", f"{one_line(first.what)}{_times(1 + len(more))}"]
        lines += _places([first, *more])
        lines += [f"  help: {one_line(first.help)}"] if first.help else []
    return "\n".join(lines)


def remark(obstacles: Sequence[Obstacle]) -> str:
    """What a spec that is only a part says at its end, as comments."""
    said = ["This is a part of the original. Behind it come:"]
    for first, *more in _grouped(obstacles):
        where = f" ({first.place})" if str(first.place) else ""
        help = f": {first.help}" if first.help else ""
        said.append(one_line(f"* {first.what}{_times(1 + len(more))}{where}{help}"))
    wrapped = [
        line
        for text in said
        for line in textwrap.wrap(text, WIDTH - 4, subsequent_indent="  " * (text[0] == "*"))
    ]
    return "\n".join(f"  # {line}" for line in wrapped) + "\n"


def _grouped(obstacles: Sequence[Obstacle]) -> list[list[Obstacle]]:
    groups: dict[tuple[str, str], list[Obstacle]] = {}
    for obstacle in obstacles:
        groups.setdefault((obstacle.what, obstacle.help), []).append(obstacle)
    return [*groups.values()]


def _times(count: int) -> str:
    return f", {count} times" if count > 1 else ""


def _places(obstacles: Sequence[Obstacle]) -> Iterator[str]:
    places = [text for x in obstacles if (text := str(x.place))]
    for place in places[:MOST_PLACES]:
        yield f"  in {one_line(place)}"
    if len(places) > MOST_PLACES:
        yield f"  and in {len(places) - MOST_PLACES} more places"
