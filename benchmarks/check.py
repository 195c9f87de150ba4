"""How long `cnngen check` takes for many specs: one after the other, side by side, and again.

    python benchmarks/check.py
    python benchmarks/check.py --specs 200 --runs 1

The specs are those of the zoo, variants of them that extend them, and random ones; one in twenty is
wrong. Prints the table of `docs/ci.md`. Times are those of whole processes, medians of several.
"""

import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.random_specs import random_spec  # noqa: E402

from cnngen.commands.checking import cores  # noqa: E402

VARIANT = """\
cnngen: 1
extends: {parent}.yaml
name: Variant{number}
about: A variant.
params: {{{parameters}}}
"""
WRONG = 20  # one of so many
FLOOR = ("-c", "import click, yaml")
CHECK = ("-m", "cnngen", "check")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--specs", type=int, default=1000)
    parser.add_argument(
        "--runs", type=int, default=5, help="of the short ones; of the long ones, 1"
    )
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "specs")
        write_specs(folder, given.specs)
        os.environ["CNNGEN_CACHE_DIR"] = str(Path(name, "cache"))
        print("| | seconds | each |\n| --- | ---: | ---: |")
        for what, arguments, runs, count in measurements(folder, given.specs, given.runs):
            seconds = median(spent(arguments) for _ in range(runs))
            each = f"{seconds / count * 1000:.1f} ms" if count > 1 else ""
            print(f"| {what} | {seconds:.2f} | {each} |", flush=True)


def measurements(
    folder: Path, count: int, runs: int
) -> Iterator[tuple[str, tuple[str, ...], int, int]]:
    """What is measured: its name, the arguments of Python, how often, and of how many specs."""
    all_specs, one = (*CHECK, str(folder)), (*CHECK, str(folder / "densenet121.yaml"))
    yield f"{count:,} specs, one process", (*all_specs, "--no-cache", "--jobs", "1"), 1, count
    yield f"{cores()} processes", (*all_specs, "--no-cache"), 1, count
    yield "the same, and remembered", all_specs, 1, count
    yield "again, nothing changed", all_specs, runs, count
    yield "`densenet121`, not remembered", (*one, "--no-cache"), runs, 1
    yield "`densenet121`, remembered", one, runs, 1
    yield '`python -c "import click, yaml"`', FLOOR, runs, 1


def spent(arguments: tuple[str, ...]) -> float:
    """The seconds that a process takes; wrong specs end it with 1."""
    start = time.perf_counter()
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode in (0, 1), done.stderr.decode()
    return time.perf_counter() - start


def write_specs(folder: Path, count: int) -> None:
    """The zoo, then variants and random specs in turns."""
    shutil.copytree(ROOT / "specs", folder)
    zoo = sorted(folder.glob("*.yaml"))
    draw = random.Random(0)
    for number in range(len(zoo), count):
        text = random_spec(number).text if number % 2 else variant(draw.choice(zoo), number)
        if number % WRONG == 0:
            text = text.replace("about:", "abuot:", 1)
        (folder / f"net{number}.yaml").write_text(text, encoding="utf-8")


def variant(parent: Path, number: int) -> str:
    """A spec that extends another one, with another number of classes where it has one."""
    has_classes = re.search(r"^  classes: ", parent.read_text(encoding="utf-8"), re.MULTILINE)
    parameters = f"classes: {number}" if has_classes else ""
    return VARIANT.format(parent=parent.stem, number=number, parameters=parameters)


if __name__ == "__main__":
    main()
