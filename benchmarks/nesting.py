"""How the time of `check` and `build` grows with depth and breadth: as what is printed does.

    python benchmarks/nesting.py

Prints a table, and ends with 1 where a byte of a larger file takes several times as long as of a
smaller file.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from cnngen.analysis import analyse_file
from cnngen.diagnostics.model import Report
from cnngen.semantics.network import Network
from cnngen.targets.generate import generate

SLOWER = 3.0  # times per byte, the largest spec of a row against the smallest
HEAD = """
cnngen: 1
name: Nested
about: {about}
input: {{channels: 4, height: 8, width: 8}}
blocks:
{blocks}
model:
  body: {body}
  head: {{conv: {{out: 1, kernel: 1}}}}
"""
GROW = (
    "  Grow: {about: One channel more., body: [conv: {out: input.channels + 1, kernel: 1}, relu]}"
)


def loops(depth: int) -> str:
    body = "Grow"
    for _ in range(depth):
        body = f"{{repeat: 1, do: {body}}}"
    return HEAD.format(about="Loops in loops.", blocks=GROW, body=body)


def branches(depth: int) -> str:
    body = "Grow"
    for _ in range(depth):
        body = f"{{branches: {{a: relu, b: {body}}}, join: concat}}"
    return HEAD.format(about="Branches in branches.", blocks=GROW, body=body)


def conditions(depth: int) -> str:
    body = "Grow"
    for i in range(depth):
        body = f"{{when: {i} > -1, do: [{body}, relu]}}"
    return HEAD.format(about="Conditions in conditions.", blocks=GROW, body=body)


def nested_blocks(depth: int) -> str:
    blocks, inner = [GROW], "Grow"
    for i in range(depth):
        twice = f"{{repeat: 2, do: {inner}}}" if i < 3 else "relu"
        blocks.append(f"  Level{i}: {{about: A level., body: [{inner}, {twice}]}}")
        inner = f"Level{i}"
    return HEAD.format(about="Blocks in blocks.", blocks="\n".join(blocks), body=inner)


def many_blocks(count: int) -> str:
    blocks = [
        f"  Unit{i}: {{about: Unit {i}., params: {{out: int}},"
        f" body: [conv: {{out: out + {i}, kernel: 1}}, relu]}}"
        for i in range(count)
    ]
    body = "[" + ", ".join(f"Unit{i}: {{out: 4}}" for i in range(count)) + "]"
    return HEAD.format(about="Many blocks.", blocks="\n".join(blocks), body=body)


ROWS: list[tuple[Callable[[int], str], tuple[int, int]]] = [
    (loops, (16, 64)),
    (branches, (16, 64)),
    (conditions, (16, 64)),
    (nested_blocks, (16, 64)),
    (many_blocks, (100, 1000)),
]


def analysed(text: str) -> tuple[Network, float]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "nested.yaml"
        path.write_text(text, encoding="utf-8")
        report = Report()
        start = time.perf_counter()
        network = analyse_file(path, report)
        took = time.perf_counter() - start
    if network is None:
        sys.exit("\n".join(diagnostic.message for diagnostic in report))
    return network, took


def main() -> int:
    bad = 0
    print(f"{'spec':<16}{'size':>6}{'check s':>9}{'target':>8}{'build s':>9}{'kB':>7}{'growth':>8}")
    for make, sizes in ROWS:
        costs: dict[str, list[float]] = {}
        for size in sizes:
            network, checked = analysed(make(size))
            for target in ("torch", "keras"):
                generate(network, target, Report())  # what is compiled once for all
                start = time.perf_counter()
                text = generate(network, target, Report()) or ""
                took = time.perf_counter() - start
                costs.setdefault(target, []).append(took / len(text))
                growth = costs[target][-1] / costs[target][0]
                bad += growth > SLOWER
                print(
                    f"{make.__name__:<16}{size:>6}{checked:>9.2f}{target:>8}{took:>9.3f}"
                    f"{len(text) / 1000:>7.1f}{growth:>8.1f}"
                )
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
