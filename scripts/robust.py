"""Check many files that are no specs, or hardly: a table of what came of them.

python scripts/robust.py 100000 --first 0 --jobs 2

Each is given to `cnngen check`, printed in one of its formats; some to `check --fix`, and good ones
to `build`. Two kinds put every word and every kind of value at every place of a spec, and behind
`--set`: all good ones of these are built. None may end in a traceback or a report of a bug, take
more processor time than `LIMITS` says, or more memory than `MEGABYTES`. Good networks take the time
of their layers, so that none may have more than `LAYERS` here. Ends with 1 where a file failed, and
names its kind and seed.
"""

import argparse
import ast
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from itertools import chain
from pathlib import Path
from random import Random
from typing import NoReturn

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.damaged_specs import KINDS  # noqa: E402
from support.planted_values import RICH, any_setting  # noqa: E402

from cnngen.cli import cli  # noqa: E402
from cnngen.commands.check import FORMATS  # noqa: E402

LIMITS = {"check": 2.0, "fix": 30.0, "build": 10.0}  # seconds; a fix checks a hundred times
MEGABYTES = 500
LAYERS = 20_000
FIXED, BUILT = 0.02, 0.2  # shares
CHUNK = 200
SETTINGS = "planted settings"
ALL = (*KINDS, SETTINGS)
TARGETS = ("torch", "keras")
OUTPUT = StringIO()  # one for all commands, as click remembers each for ever


class TooLongError(BaseException):
    """Processor time is used up; no `except Exception` of the compiler may hide it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a file: the exit code of `check`, seconds, megabytes, and what was wrong."""

    kind: str
    seed: int
    code: int
    seconds: float
    megabytes: int
    failure: str = ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("count", type=int)
    parser.add_argument("--first", type=int, default=0, help="seed")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    given = parser.parse_args()
    seeds = range(given.first, given.first + given.count)
    chunks = [seeds[i : i + CHUNK] for i in range(0, len(seeds), CHUNK)]
    with ProcessPoolExecutor(given.jobs, initializer=limit_memory) as pool:
        outcomes: list[Outcome] = []
        for outcome in chain.from_iterable(pool.map(examine_all, chunks)):
            outcomes.append(outcome)
            if outcome.failure:
                print(f"--- {outcome.kind}, seed {outcome.seed}: {outcome.failure}", flush=True)
    print(*table(outcomes), sep="\n")
    return int(any(outcome.failure for outcome in outcomes))


def limit_memory() -> None:
    """Let what a process asks for above what it has now end in a `MemoryError`."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + MEGABYTES * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def examine_all(seeds: Sequence[int]) -> list[Outcome]:
    signal.signal(signal.SIGPROF, stop)
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "specs", folder, dirs_exist_ok=True)  # which some of them extend
        os.environ["CNNGEN_CACHE_DIR"] = folder
        return [examine(seed, Path(folder)) for seed in seeds]


def stop(*_: object) -> NoReturn:
    raise TooLongError


def examine(seed: int, folder: Path) -> Outcome:
    """Give one file to the commands."""
    random = Random(seed)
    kind = ALL[seed % len(ALL)]
    path = folder / "net.yaml"
    path.write_bytes(RICH.encode() if kind == SETTINGS else KINDS[kind](random))
    settings = ["--set", any_setting(random)] if kind == SETTINGS else []
    failures: list[str] = []
    start, before = time.process_time(), most_memory()
    command = ["check", str(path), "--max-layers", str(LAYERS), "--format", random.choice(FORMATS)]
    command += settings
    code, failure = run("check", command)
    seconds = time.process_time() - start
    failures.append(failure)
    if code == 0 and (kind.startswith("planted") or random.random() < BUILT):
        failures += build(path, folder, settings)
    if code == 1 and not settings and random.random() < FIXED:
        failures.append(run("fix", [*command[:4], "--fix"])[1])
    failure = next(filter(None, failures), "")
    return Outcome(kind, seed, code, seconds, most_memory() - before, failure)


def build(path: Path, folder: Path, settings: list[str]) -> Iterator[str]:
    """Build for each target; what is built must at least be Python."""
    for target in TARGETS:
        command = ["build", str(path), "--target", target, "-o", str(folder), *settings]
        code, failure = run("build", command)
        yield failure
        if code == 0:
            try:
                ast.parse((folder / f"net_{target}.py").read_text(encoding="utf-8"))
            except SyntaxError as error:
                yield f"the source for {target} is no Python: {error}"


def run(what: str, arguments: list[str]) -> tuple[int, str]:
    """The exit code of a command, and what is wrong with how it ended."""
    OUTPUT.seek(0)
    OUTPUT.truncate()
    signal.setitimer(signal.ITIMER_PROF, LIMITS[what])
    try:
        with redirect_stdout(OUTPUT), redirect_stderr(OUTPUT):
            cli.main(arguments, prog_name="cnngen")
    except SystemExit as end:
        signal.setitimer(signal.ITIMER_PROF, 0)
        code, said = int(end.code or 0), OUTPUT.getvalue()
        failed = code not in (0, 1, 2) or "Traceback" in said
        return code, f"{what} ended with {code}: {said.strip()!r}" if failed else ""
    except TooLongError:
        return 1, f"{what} took more than {LIMITS[what]} s"
    except Exception as error:
        return 1, f"{what} ended with {error!r}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return 0, f"{what} did not end the process"


def most_memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def table(outcomes: Sequence[Outcome]) -> Iterator[str]:
    heads = ("files", "good", "errors", "unreadable", "slowest s", "most MB", "failed")
    yield f"{'':<16}" + "".join(f"{head:>11}" for head in heads)
    for kind in (*ALL, "all"):
        found = [o for o in outcomes if kind in (o.kind, "all")]
        codes = [outcome.code for outcome in found]
        cells = [len(found), *(codes.count(code) for code in (0, 1, 2))]
        slowest = max((outcome.seconds for outcome in found), default=0)
        cells += [f"{slowest:.2f}", max((outcome.megabytes for outcome in found), default=0)]
        cells.append(sum(bool(outcome.failure) for outcome in found))
        yield f"{kind:<16}" + "".join(f"{cell:>11}" for cell in cells)


if __name__ == "__main__":
    sys.exit(main())
