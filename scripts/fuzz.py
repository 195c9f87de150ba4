"""Draw random specs and see whether what must hold of all specs holds; print the shrunk failures.

python scripts/fuzz.py 1000 --first 5000 --checks text,torch,keras,values

With `--variants`, sizes, ranks and channels hang on parameters in every way; of these specs, those
that `check` refuses are left out.
"""

import argparse
import collections
import re
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import conftest  # noqa: E402, F401  # quiet frameworks
from support.agreement import (  # noqa: E402
    Drawn,
    check_keras,
    check_keras_arguments,
    check_torch,
    check_torch_arguments,
    check_values,
    complaints,
    sources,
)
from support.built_models import forget  # noqa: E402
from support.random_specs import RandomSpec, random_spec  # noqa: E402
from support.random_variants import random_variants  # noqa: E402
from support.shrunk_specs import shrink  # noqa: E402

REFUSED = "check: built_models.py: AssertionError error["
BATCH = 100  # specs whose sources ruff reads together


def text(drawn: Drawn) -> None:
    sources(drawn.built.network)


def torch(drawn: Drawn) -> None:
    check_torch(drawn.built)
    check_torch_arguments(drawn)


def keras(drawn: Drawn) -> None:
    check_keras(drawn.built)
    check_keras_arguments(drawn)


def values(drawn: Drawn) -> None:
    check_values(drawn.built)


CHECKS: dict[str, Callable[[Drawn], None]] = {
    "text": text,
    "torch": torch,
    "keras": keras,
    "values": values,
}


def main() -> int:
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--variants", action="store_true")
    parser.add_argument("--checks", default=",".join(CHECKS))
    parser.add_argument("--shrink", type=float, default=60, help="seconds for each kind of failure")
    given = parser.parse_args()
    checks = given.checks.split(",")
    found: collections.Counter[str] = collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(given.first, given.first + given.count):
            spec = random_variants(seed) if given.variants else random_spec(seed)
            failure = failed(spec, checks, Path(folder) / f"seed{seed}")
            if failure and not (given.variants and failure.startswith(REFUSED)):
                found[failure] += 1
                if found[failure] == 1:
                    print(f"--- {seed}: {failure}", flush=True)
                    print(shrunk(spec, checks, given.shrink), flush=True)
            if (seed - given.first) % BATCH == BATCH - 1 or seed == given.first + given.count - 1:
                found["text: ruff"] += report(Path(folder))
    found = +found
    print(f"{given.count} specs, {found.total()} failures", *found.items(), sep="\n")
    return 1 if found else 0


def failed(spec: RandomSpec, checks: list[str], stem: Path | None = None) -> str:
    """How a spec fails, in a line without numbers; nothing where it does not.

    Its sources are kept as `stem`_TARGET.py, for ruff.
    """
    stage = "check"
    try:
        drawn = Drawn.of(spec)
        if stem:
            for target, source in sources(drawn.built.network).items():
                Path(f"{stem}_{target}.py").write_text(source, encoding="utf-8")
        for stage in checks:
            CHECKS[stage](drawn)
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        lines = str(error).splitlines() or [""]
        said = next((line for line in lines if line.startswith("error[")), lines[0])
        if stage == "check" and "in Keras" in said:
            return ""  # two paths of one name, which the drawing cannot know
        where = f"{Path(place.filename).name}: {type(error).__name__}"
        return re.sub("[0-9]+", "#", f"{stage}: {where} {said[:80]}")
    finally:
        forget()
    return ""


def shrunk(spec: RandomSpec, checks: list[str], seconds: float) -> str:
    def failure(text: str) -> str:
        known = set(re.findall(r"\w+", text))
        return failed(
            RandomSpec(text, {n: v for n, v in spec.values.items() if n in known}), checks
        )

    return shrink(spec.text, failure, seconds)


def report(folder: Path) -> int:
    """Print what ruff says of the sources, which are named after their seeds; how much it is."""
    said = complaints(folder)
    if said:
        print(said, flush=True)
    for path in folder.iterdir():
        path.unlink()
    return len(said.splitlines())


if __name__ == "__main__":
    sys.exit(main())
