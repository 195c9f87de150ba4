"""The size that a `Resize` of Keras is told as numbers -> the maps whose size that is."""

from collections.abc import Iterator, Mapping, Sequence

from cnngen.foreign.keras_listed import INPUT
from cnngen.foreign.keras_steps import Step


def like(step: Step, readers: Mapping[Step, Sequence[Step]]) -> Step | None:
    """The maps that a resized tensor is to be as large as; None if none of this size come before.

    Where it is joined with others, these are of that size, and so is what they and it both come
    from: a tap of an encoder. What is joined with nothing is mostly as large as the input.
    """
    before = {*_before(step.inputs[0])}
    others = [
        x
        for reader in readers.get(step, ())
        for x in reader.inputs
        if x is not step and _fits(x, step)
    ]
    for other in others:
        for x in _before(other):
            if x in before and _fits(x, step):
                return x
    inputs = [x for x in before if x.word == f"keras.{INPUT}" and _fits(x, step)]
    if inputs:
        return inputs[0]
    return next((x for x in _before(step.inputs[0]) if _fits(x, step)), None)


def factor(step: Step) -> tuple[int, int] | None:
    """The whole factors by which it enlarges, if it does."""
    x, (height, width) = step.inputs[0].image, step.values["size"]
    if x is None or height % x.height or width % x.width:
        return None
    return height // x.height, width // x.width


def _fits(x: Step, step: Step) -> bool:
    return x.image is not None and (x.image.height, x.image.width) == step.values["size"]


def _before(step: Step) -> Iterator[Step]:
    """A step and all that it depends on, the nearest first."""
    seen = {step}
    level = [step]
    while level:
        yield from level
        further: list[Step] = []
        for x in (x for each in level for x in each.inputs):
            if x not in seen:
                seen.add(x)
                further.append(x)
        level = further
