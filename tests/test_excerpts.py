"""The lines of a layer are those that run when a framework makes it."""

import inspect
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from support.built_models import Built, build
from support.random_specs import random_spec

from cnngen.diagnostics.model import Report
from cnngen.draw.excerpt import Excerpt, Sources
from cnngen.locate import zoo
from cnngen.targets.generate import rendered

SEEDS = range(20)
FEW = ["lenet5_1998", "vgg16_c", *range(6)]  # Keras takes longer

Running = list[tuple[int, int]]  # in each function that runs: its first line, and the present one


def sources(built: Built) -> Sources:
    made = {target: rendered(built.network, target, Report()) for target in ("torch", "keras")}
    spec = built.network.resolution.spec
    return Sources(spec, {target: source for target, source in made.items() if source})


def of(case: str | int) -> Built:
    return build(case if isinstance(case, str) else random_spec(case).text)


@contextmanager
def watched(made: type[Any], file: str) -> Generator[Callable[[Any], Running]]:
    """While this lasts, what ran in a file when an object of a class was made is remembered."""
    found: dict[int, tuple[Any, Running]] = {}  # with the object, so that no other gets its number
    own = made.__init__

    def remember(self: Any, *arguments: Any, **named: Any) -> None:
        found[id(self)] = self, [*running(file)]
        own(self, *arguments, **named)

    made.__init__ = remember
    try:
        yield lambda each: found[id(each)][1]
    finally:
        made.__init__ = own


def running(file: str) -> Iterator[tuple[int, int]]:
    frame = inspect.currentframe()
    while frame is not None:
        if frame.f_code.co_filename == file:
            yield frame.f_code.co_firstlineno, frame.f_lineno
        frame = frame.f_back


def check(excerpt: Excerpt | None, ran: Running) -> None:
    """What ran in the definition that is shown, innermost where it has a comprehension or a lambda,
    is what is marked in it.
    """
    assert excerpt
    (first, last), (start, end) = excerpt.shown, excerpt.marked
    lines = [line for begin, line in ran if first <= begin <= last]
    assert lines and start <= lines[0] <= end


@pytest.mark.torch
@pytest.mark.parametrize("case", [*zoo(), *SEEDS])
def test_lines_of_pytorch(case: str | int):
    torch = pytest.importorskip("torch")
    built, count = of(case), 0
    excerpts, made = sources(built), built.torch
    file = made.__init__.__code__.co_filename
    with watched(torch.nn.Module, file) as lines, torch.device("meta"):
        modules = dict(made().named_modules(remove_duplicate=False))
        for layer in built.network.layers.values():
            if layer.path in modules:
                check(excerpts.layer("torch", layer), lines(modules[layer.path]))
                count += 1
    assert count


@pytest.mark.keras
@pytest.mark.parametrize("case", FEW)
def test_lines_of_keras(case: str | int):
    keras = pytest.importorskip("keras")
    built, count = of(case), 0
    excerpts, made = sources(built), built.keras
    with watched(keras.Layer, made.__code__.co_filename) as lines:
        layers = {layer.name: layer for layer in made().layers}
        for layer in built.network.layers.values():
            if found := layers.get(layer.path.replace(".", "_")):
                check(excerpts.layer("keras", layer), lines(found))
                count += 1
    assert count


@pytest.mark.parametrize("case", [*zoo(), *SEEDS])
@pytest.mark.parametrize("target", ["torch", "keras"])
def test_what_does_something_has_lines_of_its_own(case: str | int, target: str):
    built = of(case)
    excerpts = sources(built)
    for layer in built.network.layers.values():
        excerpt = excerpts.layer(target, layer)
        assert excerpt
        assert (excerpt.marked == excerpt.shown) <= layer.op.is_identity, layer.path
