"""Run `cnngen verify` on networks as large as they are, and print a page about it.

    python scripts/verified.py --results verified.json > docs/verified.md

Each network has a process of its own. What is in the file of results already is not run again, so a
run that was interrupted goes on, and `--seconds` may end it early.
"""

import argparse
import json
import platform
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
# One of each family, for which outputs are compared in double precision, too.
FAMILIES = (
    *("lenet5_1998", "alexnet_2012", "vgg11", "nin_cifar10", "googlenet", "inception_v3"),
    *("inception_resnet_v1", "resnet50", "densenet121", "xception", "resnext50_32x4d"),
    *("se_resnet50", "unet"),
)
QUANTITIES = ("outputs", "training outputs", "gradients", "statistics", "weights")
PACKAGES = ("torch", "keras", "tensorflow")

PAGE = """# The zoo, verified

What `cnngen verify` finds in the zoo: the largest relative difference between the two sources of a
network, with equal random weights, at the size and with the parameters of its spec.
[verify.md](verify.md) says what is compared and what is allowed: outputs 1e-5, training outputs
1e-3, gradients and statistics 1e-9, weights after three steps 1e-8, and more for networks of over
400 layers with weights. `python scripts/verified.py` prints this page.

Outputs in {words}; gradients, statistics and weights always in float64.
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("networks", nargs="*")
    parser.add_argument("--results", type=Path, default=Path("verified.json"))
    parser.add_argument("--seconds", type=float, default=float("inf"))
    given = parser.parse_args()
    names = given.networks or sorted(path.stem for path in (ROOT / "specs").glob("*.yaml"))
    results: dict[str, Any] = {}
    if given.results.exists():
        results = json.loads(given.results.read_text(encoding="utf-8"))
    end = time.monotonic() + given.seconds
    jobs = [f"{name} float32" for name in names]
    jobs += [f"{name} float64" for name in FAMILIES if name in names]
    for job in jobs:
        if job not in results and time.monotonic() < end:
            results[job] = verify(*job.split())
            given.results.write_text(json.dumps(results, indent=1), encoding="utf-8")
            print(job, results[job]["seconds"], results[job]["equal"], file=sys.stderr, flush=True)
    print(page(results))
    return 0 if all(result["equal"] for result in results.values()) else 1


def verify(name: str, word: str) -> dict[str, Any]:
    start = time.monotonic()
    command = ["verify", str(ROOT / "specs" / f"{name}.yaml"), "--own-size", "--dtype", word]
    done = subprocess.run(
        [sys.executable, "-m", "cnngen", *command, "--format", "json"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    seconds = round(time.monotonic() - start)
    if not done.stdout.strip():
        return {"equal": False, "seconds": seconds, "said": done.stderr.strip()[-200:]}
    (found,) = json.loads(done.stdout)
    return {**found, "seconds": seconds}


def page(results: dict[str, Any]) -> str:
    versions = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    lines = [PAGE.format(words="float32")]
    lines += table({k.split()[0]: v for k, v in results.items() if k.endswith("float32")})
    lines += ["", "And for one network of each family, all of it in float64 (outputs: 1e-10):", ""]
    lines += table({k.split()[0]: v for k, v in results.items() if k.endswith("float64")})
    return "\n".join([*lines, "", f"With {versions}, Python {platform.python_version()}."])


def table(results: dict[str, Any]) -> list[str]:
    lines = [
        f"| network | input | {' | '.join(QUANTITIES)} | |",
        f"| --- | --- | {' | '.join('---:' for _ in QUANTITIES)} | --- |",
    ]
    for name, result in sorted(results.items()):
        found: dict[str, Any] = {}
        for comparison in result.get("comparisons", []):  # those of float32 come first
            found.setdefault(comparison["quantity"], comparison)
        size = next((f"{c['height']} x {c['width']}" for c in found.values()), "")
        cells = [f"{found[q]['difference']:.0e}" if q in found else "" for q in QUANTITIES]
        verdict = "ok" if result["equal"] else result.get("said") or "differs"
        lines.append(f"| {name} | {size} | {' | '.join(cells)} | {verdict} |")
    return lines


if __name__ == "__main__":
    sys.exit(main())
