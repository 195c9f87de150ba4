"""How fast generated models are, against those of torchvision and of keras.applications.

    python benchmarks/models.py
    python benchmarks/models.py --frameworks keras --networks vgg16 --modes step --pairs 50

Both models of a row live in one process and run in turns, on the same images. `ratio` is the median
of the ratios of their times, `quartiles` are those of the ratios, and the true median is `between`
two of them in 19 of 20 cases. Ends with 1 where both are above the limit. Each row has a process of
its own, so that frameworks share neither threads nor memory.

| mode | PyTorch | Keras |
| --- | --- | --- |
| `forward` | a forward pass in evaluation mode | `predict_on_batch` |
| `step` | forward, backward and SGD | `train_on_batch` |
| `compiled-forward`, `compiled-step` | the same by `torch.compile` | by XLA, Keras' default |

`--modes all` has them all. Compiling takes long: by default, that is done for the forward pass of
PyTorch only. `--busy` is for a machine that others use at the same time, and measures the CPU time
of a single thread. `--control` compares the references with themselves, which shows the noise.

Where there is a GPU it is used, and each row comes a second time as `mixed`: channels-last and
`autocast` in PyTorch, `mixed_bfloat16` in Keras. Take a larger `--batch` there.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from statistics import median, quantiles

from paired import Job

LIMIT = 1.02
PAIRS, SECONDS = 15, 20.0
MODES = ("forward", "step", "compiled-forward", "compiled-step")
DEFAULT = {"torch": MODES[:3], "keras": MODES[:2]}
ENV = {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow", **os.environ}
WORKER = str(Path(__file__).with_name("paired.py"))


@dataclass(frozen=True)
class Model:
    """A network, and what it is compared with."""

    size: int
    torchvision: str
    keras: str
    keras_spec: str = ""  # where keras.applications has another network


# torchvision's networks are those of our specs, layer by layer, and call the same kernels as often,
# in place where theirs are. But its DenseNet keeps a list of all maps of a block, whose gradients
# take more additions than ours.
#
# keras.applications differ in more, for which specs were written where it matters:
#
# * ResNet50 has strides in the first 1 x 1 of a bottleneck, and biases in all convolutions.
# * InceptionV3 does not count the padding of average pools, so that no layer has to pad. It has no
#   scales in its batch norms, which our spec keeps: they cost next to nothing.
# * VGG16 and InceptionV3 have no dropout, which is left out of ours.
MODELS = {
    "resnet50": Model(224, "resnet50", "ResNet50", "benchmarks/specs/resnet50_keras.yaml"),
    "densenet121": Model(224, "densenet121", "DenseNet121"),
    "inception_v3": Model(
        299, "inception_v3", "InceptionV3", "benchmarks/specs/inception_v3_keras.yaml"
    ),
    "vgg16": Model(224, "vgg16", "VGG16"),
}


def main() -> None:
    options = arguments()
    start = time.perf_counter()
    print(
        f"{'network':<13} {'framework':<9} {'mode':<22} {'ours ms':>8} {'theirs':>8} {'pairs':>5} "
        f"{'ratio':>6} {'quartiles':>13} {'between':>13}"
    )
    passed = [measure(mode, name, job) for mode, name, job in jobs(options)]
    print(f"{len(passed)} rows in {(time.perf_counter() - start) / 60:.0f} minutes")
    sys.exit(not all(passed))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--networks", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--frameworks", nargs="+", choices=DEFAULT, default=list(DEFAULT))
    parser.add_argument("--modes", nargs="+", choices=(*MODES, "all"))
    parser.add_argument("--batch", type=int, default=2, help="images (default 2)")
    parser.add_argument("--size", type=int, help="their height and width (default: the spec's)")
    parser.add_argument("--pairs", type=int, default=PAIRS, help=f"at most (default {PAIRS})")
    parser.add_argument(
        "--seconds",
        type=float,
        default=SECONDS,
        help=f"in which to run pairs, of each row (default {SECONDS:.0f}); 6 pairs at least",
    )
    parser.add_argument("--swapped", action="store_true", help="make the reference first")
    parser.add_argument("--control", action="store_true", help="the reference against itself")
    parser.add_argument("--busy", action="store_true", help="CPU time of one thread")
    return parser.parse_args()


def jobs(options: argparse.Namespace) -> Iterator[tuple[str, str, Job]]:
    """What is asked for: the mode, the network and the job of each row."""
    for framework in options.frameworks:
        modes = options.modes or DEFAULT[framework]
        for name in options.networks:
            model = MODELS[name]
            spec = model.keras_spec if framework == "keras" else ""
            for mode in MODES if "all" in modes else modes:
                for mixed in (False, True) if has_gpu(framework) else (False,):
                    yield (
                        f"{mode} mixed" if mixed else mode,
                        name,
                        Job(
                            framework=framework,
                            spec=spec or f"specs/{name}.yaml",
                            reference=model.keras if framework == "keras" else model.torchvision,
                            training=mode.endswith("step"),
                            compiled=mode.startswith("compiled"),
                            batch=options.batch,
                            size=options.size or model.size,
                            pairs=options.pairs,
                            seconds=options.seconds,
                            swapped=options.swapped,
                            control=options.control,
                            mixed=mixed,
                            busy=options.busy,
                        ),
                    )


@cache
def has_gpu(framework: str) -> bool:
    """Whether the framework, asked in a process of its own, has a GPU."""
    code = {
        "torch": "import torch; print(torch.cuda.is_available())",
        "keras": "import tensorflow as t; print(bool(t.config.list_physical_devices('GPU')))",
    }
    return run(["-c", code[framework]]).endswith("True")


def measure(mode: str, name: str, job: Job) -> bool:
    """Print a row; whether it keeps to the limit, or may do so."""
    print(f"{name:<13} {job.framework:<9} {mode:<22} ", end="", flush=True)
    pairs = json.loads(run([WORKER, json.dumps(asdict(job))]).splitlines()[-1])
    ours, theirs = (median(times) * 1e3 for times in zip(*pairs, strict=True))
    ratios = sorted(mine / other for mine, other in pairs)
    ratio, (low, _, high) = median(ratios), quantiles(ratios, n=4)
    skipped = outside(len(ratios))
    least, most = ratios[skipped], ratios[-1 - skipped]
    verdict = "" if ratio <= LIMIT else "  too slow" if least > LIMIT else "  unsure: more --pairs"
    print(
        f"{ours:>8.1f} {theirs:>8.1f} {len(pairs):>5} {ratio:>6.3f} {low:>6.3f} {high:>6.3f} "
        f"{least:>6.3f} {most:>6.3f}{verdict}"
    )
    return least <= LIMIT


def outside(count: int) -> int:
    """How many of so many sorted values to leave out on each side, for the median to lie between
    the others with a probability of 95%: it is above each of them with that of a coin."""
    below, chance = 0, 0.5**count
    while chance <= 0.025:
        below += 1
        chance += math.comb(count, below) * 0.5**count
    return max(below - 1, 0)


def run(arguments: list[str]) -> str:
    """What a Python process prints; one that fails ends the benchmark."""
    found = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, env=ENV)
    if found.returncode:
        sys.exit(f"{' '.join(arguments)} ended with {found.returncode}:\n{found.stderr}")
    return found.stdout.strip()


if __name__ == "__main__":
    main()
