"""How long commands take, against the imports they cannot do without, and how networks scale.

    python benchmarks/compile.py

Prints a table and ends with 1 where a number exceeds its limit. Times are those of whole processes:
medians of several, taken in turns, so that a busy moment hits all commands alike.
"""

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

RUNS, ZOO_RUNS = 10, 5
FLOOR = ["-c", "import yaml, networkx, click"]
CLI = ["-m", "cnngen"]
ROOT = Path(__file__).parent.parent
SPECS, GENERATED = str(ROOT / "specs"), str(ROOT / "generated")
SPEC = str(ROOT / "specs" / "densenet121.yaml")

LAYERS = 1_000, 100_000
SLOWER = 2.0  # times per layer, the large network against the small one
BYTES = 10_000  # per layer

BIG = """
cnngen: 1
name: Big
about: Many layers.
input: {{channels: 8, height: 8, width: 8}}
blocks:
  Cell:
    about: Five layers.
    params: {{out: int}}
    body:
      - branches:
          main: [{{conv: {{out: out, kernel: 3, padding: half}}}}, batch_norm, relu]
          known: []
        join: add
      - relu
model:
  body: {{repeat: {cells}, do: {{Cell: {{out: 8}}}}}}
"""

MEASURE = """
import json, resource, sys, time
from pathlib import Path
from cnngen.analysis import analyse_file
from cnngen.diagnostics.model import Report

path = Path(sys.argv[1])
times = []
for _ in range(int(sys.argv[2])):
    start = time.perf_counter()
    network = analyse_file(path, Report())
    times.append(time.perf_counter() - start)
unit = 1 if sys.platform == "darwin" else 1024
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
print(json.dumps([len(network.layers), min(times), peak]))
"""


# Installed packages have their bytecode: a checkout that keeps none would be compiled anew.
ENV = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def main() -> None:
    passed = [*commands(), *zoo(), *scaling()]
    sys.exit(not all(passed))


def commands() -> list[bool]:
    """One network, against the imports that its commands cannot do without."""
    with tempfile.TemporaryDirectory() as folder:
        build = [*CLI, "build", SPEC, "--force", "-o", folder]
        return compare(
            RUNS,
            ("import yaml, networkx, click", FLOOR, None),
            ("cnngen --version", [*CLI, "--version"], None),
            ("cnngen --help", [*CLI, "--help"], None),
            ("cnngen check densenet121", [*CLI, "check", "--no-cache", SPEC], 1.6),
            ("cnngen build densenet121", build, 2.5),
            between=lambda: [file.unlink() for file in Path(folder).glob("*.py")],
        )


def zoo() -> list[bool]:
    """All networks, against the import of a framework, before which they should be checked."""
    if importlib.util.find_spec("torch") is None:
        print("torch is not installed: the zoo has nothing to be compared with")
        return []
    return compare(
        ZOO_RUNS,
        ("import torch", ["-c", "import torch"], None),
        ("cnngen check (all)", [*CLI, "check", "--no-cache", SPECS], 1.0),
        ("cnngen build --check (all)", [*CLI, "build", "--check", SPECS, "-o", GENERATED], 5.0),
    )


def compare(
    runs: int, *rows: tuple[str, list[str], float | None], between: Callable[[], object] = list
) -> list[bool]:
    """Time processes in turns; whether each keeps to its limit, in multiples of the first one."""
    times: dict[str, list[float]] = {name: [] for name, _, _ in rows}
    for _, arguments, _ in rows:
        seconds(arguments)  # fills the caches
    for _ in range(runs):
        for name, arguments, _ in rows:
            between()
            times[name].append(seconds(arguments))
    floor = median(times[rows[0][0]])
    print(f"{'process':<30} {'seconds':>8} {'x first':>8} {'limit':>6}")
    passed: list[bool] = []
    for name, _, limit in rows:
        spent = median(times[name])
        passed.append(limit is None or spent <= limit * floor)
        verdict = "" if passed[-1] else "  too slow"
        print(f"{name:<30} {spent:>8.3f} {spent / floor:>8.2f} {limit or '':>6}{verdict}")
    print()
    return passed


def seconds(arguments: list[str]) -> float:
    """How long a Python process takes."""
    start = time.perf_counter()
    run(arguments)
    return time.perf_counter() - start


def run(arguments: list[str]) -> str:
    """What a Python process prints; one that fails ends the benchmark."""
    found = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, env=ENV)
    if found.returncode:
        sys.exit(f"{' '.join(arguments)} ended with {found.returncode}:\n{found.stderr}")
    return found.stdout


def scaling() -> list[bool]:
    """Compare a small network with a large one; whether each layer keeps to the limits."""
    small, large = (measure(layers, runs) for layers, runs in zip(LAYERS, (10, 1), strict=True))
    print(f"{'layers':>8} {'seconds':>8} {'us each':>8} {'peak MB':>8}")
    for layers, spent, peak in (small, large):
        print(f"{layers:>8,} {spent:>8.3f} {spent / layers * 1e6:>8.1f} {peak / 1e6:>8.0f}")
    slower = large[1] / large[0] / (small[1] / small[0])
    each = (large[2] - small[2]) / (large[0] - small[0])
    print(f"time per layer: {slower:.2f} times that of the small network (limit {SLOWER})")
    print(f"memory per layer: {each:,.0f} bytes (limit {BYTES:,})")
    return [slower <= SLOWER, each <= BYTES]


def measure(layers: int, runs: int) -> tuple[int, float, int]:
    """The layers of a network, the time that its analysis takes, and the peak of memory."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "big.yaml"
        path.write_text(BIG.strip().format(cells=layers // 5), encoding="utf-8")
        count, spent, peak = json.loads(run(["-c", MEASURE, str(path), str(runs)]))
    return count, spent, peak


if __name__ == "__main__":
    main()
