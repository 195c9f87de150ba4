"""One process of `models.py`: a generated model and its reference, run in turns.

    python benchmarks/paired.py '{"framework": "torch", "network": "resnet50", ...}'

Prints pairs of seconds as JSON, ours first.
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import numpy as np  # noqa: E402
from support.built_models import build  # noqa: E402

FEWEST = 6  # pairs, for which all ratios are above the true median in 1 of 64 cases
CLASSES = 1000
RATE = 1e-4  # of SGD: small, so that no loss diverges
Run = Callable[[], object]


@dataclass(frozen=True)
class Job:
    """What a process measures: one network in one framework and one mode."""

    framework: str
    spec: str  # its path from the root
    reference: str  # a function of torchvision.models or keras.applications
    training: bool
    compiled: bool  # by torch.compile, or by XLA
    batch: int
    size: int
    pairs: int
    seconds: float  # after which no further pair is begun
    swapped: bool = False  # whether the reference is made first
    control: bool = False  # whether the reference is compared with itself
    mixed: bool = False  # channels last and autocast, on a GPU
    busy: bool = False  # one thread and its CPU time, where others use the cores too


def main() -> None:
    job = Job(**json.loads(sys.argv[1]))
    clock = time.process_time if job.busy else time.perf_counter
    ours, theirs = (torch_runs if job.framework == "torch" else keras_runs)(job)
    for run in (ours, theirs, ours, theirs):
        run()  # compiles, traces, and fills caches
    end = time.perf_counter() + job.seconds
    pairs: list[tuple[float, float]] = []
    while len(pairs) < job.pairs and (len(pairs) < FEWEST or time.perf_counter() < end):
        if len(pairs) % 2:
            late, early = spent(theirs, clock), spent(ours, clock)
            pairs.append((early, late))
        else:
            pairs.append((spent(ours, clock), spent(theirs, clock)))
    print(json.dumps(pairs))


def spent(run: Run, clock: Callable[[], float]) -> float:
    """The seconds that a run takes."""
    start = clock()
    run()
    return clock() - start


def both(job: Job, ours: Callable[[], Any], theirs: Callable[[], Any]) -> tuple[Any, Any]:
    """The two models, made in the order of the job; memory may favour the first."""
    if job.control:
        return theirs(), theirs()
    if job.swapped:
        last = theirs()
        return ours(), last
    return ours(), theirs()


def torch_runs(job: Job) -> tuple[Run, Run]:
    """A forward pass of each model, or a step of training."""
    import torch

    declare_operators()
    from torchvision import models

    if job.busy:
        torch.set_num_threads(1)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    layout = torch.channels_last if job.mixed else torch.contiguous_format
    x = torch.randn(job.batch, 3, job.size, job.size).to(device, memory_format=layout)
    y = torch.randint(CLASSES, (job.batch,), device=device)
    options = {"init_weights": False} if job.reference == "inception_v3" else {}

    def run(model: Any) -> Run:
        model = model.to(device, memory_format=layout).train(job.training)
        optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
        called = torch.compile(model) if job.compiled else model

        def forward() -> None:
            with torch.inference_mode(), torch.autocast(device, torch.bfloat16, job.mixed):
                called(x)
            wait()

        def step() -> None:
            with torch.autocast(device, torch.bfloat16, job.mixed):
                given = called(x)
                logits, *aux = given if isinstance(given, tuple) else (given,)
                loss = torch.nn.functional.cross_entropy(logits, y)
                for head in aux:
                    loss = loss + 0.4 * torch.nn.functional.cross_entropy(head, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            wait()

        return step if job.training else forward

    def wait() -> None:
        if device == "cuda":
            torch.cuda.synchronize()

    reference = getattr(models, job.reference)
    ours, theirs = both(job, build(ROOT / job.spec).torch, lambda: reference(**options))
    return run(ours), run(theirs)


def declare_operators() -> None:
    """Let torchvision be imported where its build is for CUDA and that of PyTorch is not."""
    import torch

    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        DECLARED.append(library)


DECLARED: list[object] = []  # what PyTorch forgets with the object that declared it


def keras_runs(job: Job) -> tuple[Run, Run]:
    """`predict_on_batch` of each model, or `train_on_batch`."""
    import keras

    if job.busy:
        import tensorflow

        tensorflow.config.threading.set_intra_op_parallelism_threads(1)
        tensorflow.config.threading.set_inter_op_parallelism_threads(1)
    if job.mixed:
        keras.mixed_precision.set_global_policy("mixed_bfloat16")
    shape = (job.size, job.size, 3)
    random = np.random.default_rng(0)
    x = random.standard_normal((job.batch, *shape), dtype=np.float32)
    y = random.integers(CLASSES, size=job.batch)
    built = build(ROOT / job.spec)
    # keras.applications has no dropout
    options = {"dropout": 0.0} if "dropout" in signature(built.keras).parameters else {}
    reference = getattr(keras.applications, job.reference)

    def ours() -> Any:
        return built.keras(classes=CLASSES, input_shape=shape, **options)

    def theirs() -> Any:
        return reference(weights=None, classifier_activation=None, input_shape=shape)

    def run(model: Any) -> Run:
        model.compile(
            optimizer=keras.optimizers.SGD(RATE),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            jit_compile=job.compiled,
        )
        if job.training:
            return lambda: model.train_on_batch(x, y)
        return lambda: model.predict_on_batch(x)

    first, second = both(job, ours, theirs)
    return run(first), run(second)


if __name__ == "__main__":
    main()
