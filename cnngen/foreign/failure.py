"""A run that failed, as an obstacle."""

import traceback
from collections.abc import Mapping
from pathlib import Path

from cnngen.diagnostics.terminal import one_line
from cnngen.foreign.graph import Obstacle, Place
from cnngen.foreign.trace_torch import Run, of_model, place_of
from cnngen.ops.base import Shape

LONGEST = 300


def failure(run: Run, inputs: Mapping[str, Shape]) -> Obstacle:
    """What a model raised, where, and what may be done about it."""
    error = run.error
    assert error is not None
    lines = [f for f in traceback.extract_tb(error.__traceback__) if of_model(f.filename)]
    line = f"{Path(lines[-1].filename).name}:{lines[-1].lineno}" if lines else ""
    place = place_of(run.failed, line) if run.failed else Place((), line)
    text = one_line(" ".join(str(error).split())[:LONGEST])
    said = f"{type(error).__name__}: {text}".removesuffix(": ")
    given = ", ".join(f"{name} ({shape})" for name, shape in inputs.items())
    if isinstance(error, NotImplementedError) and "meta" in text.lower():
        return Obstacle(
            f"a size that depends on values: {said}", place, "a spec has sizes without values"
        )
    if isinstance(error, TypeError) and "argument" in text:
        return Obstacle(
            f"the model takes other arguments than {given}: {said}",
            place,
            "name its inputs and their sizes, or write a module that calls it with what it needs",
        )
    return Obstacle(
        f"the model does not run on {given}: {said}", place, "say which inputs it takes"
    )
