"""A run of a PyTorch model, watched: all calls of PyTorch's functions, in their order.

The model runs on tensors without values, so its `forward` may be any Python, and nothing is
computed. Of each call it is known from which module it was made, and in which line of the model's
source.
"""

import sys
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, cast

from cnngen.foreign.graph import Module, Obstacle, Place
from cnngen.ops.base import Shape

BATCH = 2  # batch norm refuses to train on one
DECIDING = {"__bool__", "__int__", "__float__", "__index__", "item", "tolist", "numpy"}
SIZES = {"shape", "size"}
OURS = Path(__file__).parents[1]
PYTHON = Path(contextmanager.__code__.co_filename)  # through which contexts are entered


@dataclass(frozen=True, slots=True, eq=False)
class Entered:
    """A run of a module of the model; its path is empty for the model itself."""

    path: str
    kind: str
    time: int = 1  # how often it was entered by then
    module: Any = None


@dataclass(frozen=True, slots=True, eq=False)
class Traced:
    """A tensor of a run: what a call gave, a weight of the model by its `key`, a constant with its
    `value`, or else one that the model was given.
    """

    sizes: tuple[int, ...]
    call: "Call | None" = None
    key: str = ""
    value: Any = None


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One call of a function; in its arguments and results, tensors are `Traced`."""

    function: Any
    name: str
    args: tuple[Any, ...]
    named: Mapping[str, Any]
    inside: tuple[Entered, ...]
    line: str
    gives: list[Traced] = field(default_factory=list[Traced], repr=False)

    @property
    def place(self) -> Place:
        return place_of(self.inside, self.line)

    @property
    def reads(self) -> list[Traced]:
        return list(found(Traced, (self.args, self.named)))


@dataclass(slots=True)
class Run:
    """All calls of a run, what the model was given and what it gave. A run that failed ends where
    it did, with the `error`; `obstacles` are what it went past.
    """

    inputs: list[Traced]
    held: dict[str, Traced]
    calls: list[Call] = field(default_factory=list[Call])
    result: Any = None
    obstacles: list[Obstacle] = field(default_factory=list[Obstacle])
    error: Exception | None = None
    failed: tuple[Entered, ...] = ()  # the modules around the last call, if the run failed


def trace(model: Any, inputs: Sequence[Shape], *, training: bool) -> Run:
    """Run a model; whatever it raises is kept."""
    import torch

    tensors = dict([*model.named_parameters(), *model.named_buffers()])
    weights = {name: torch.empty_like(value, device="meta") for name, value in tensors.items()}
    dtype = next((value.dtype for value in tensors.values() if value.is_floating_point()), None)
    sizes = [(BATCH, *shape.dimensions) for shape in inputs]
    given = [torch.empty(size, dtype=dtype, device="meta") for size in sizes]
    run = Run(
        [Traced(size) for size in sizes],
        {name: Traced(tuple(value.shape), key=name) for name, value in weights.items()},
    )
    record = Record(run)
    for tensor, traced in zip(
        [*given, *weights.values()], [*run.inputs, *run.held.values()], strict=True
    ):
        record.know(tensor, traced)
    modes = [(module, module.training) for module in model.modules()]
    try:
        with torch.no_grad(), torch.device("meta"), watched(model.train(training), record.call):
            y = torch.func.functional_call(model, weights, (*given,))
        run.result = record.frozen(y)
    except Exception as error:
        run.error, run.failed = error, record.inside
    finally:
        for module, mode in modes:
            module.training = mode
    return run


Watch = Callable[[Any, tuple[Any, ...], dict[str, Any], Sequence[Entered]], Any]
"""Makes a call, for its function, its arguments and the modules around it; gives its result."""


@contextmanager
def watched(model: Any, watch: Watch) -> Generator[None]:
    """All calls that the model makes go through `watch`."""
    from torch.nn.modules import module as hooks
    from torch.overrides import TorchFunctionMode

    inside: list[Entered] = []
    times: Counter[str] = Counter()
    paths = {id(module): path for path, module in model.named_modules()}

    class Mode(TorchFunctionMode):
        def __torch_function__(
            self,
            func: Callable[..., Any],
            types: Any,
            args: tuple[Any, ...] = (),
            kwargs: dict[str, Any] | None = None,
        ) -> Any:
            return watch(func, args, kwargs or {}, inside)

    def enter(module: Any, _: Any) -> None:
        outer = inside[-1].path if inside else ""
        path = paths.get(id(module), outer)
        times[path] += 1
        inside.append(Entered(path, type(module).__name__, times[path], module))

    def leave(*_: Any) -> None:
        inside.pop()

    removable = [
        hooks.register_module_forward_pre_hook(enter),
        hooks.register_module_forward_hook(leave, always_call=True),
    ]
    try:
        with Mode():
            yield
    finally:
        for hook in removable:
            hook.remove()


@dataclass(slots=True)
class Record:
    """What is known of each tensor, and the run so far."""

    run: Run
    inside: tuple[Entered, ...] = ()
    line: str | None = None  # of the model's source, where Python's frames do not tell
    known: dict[int, Traced] = field(default_factory=dict[int, Traced])
    alive: list[Any] = field(default_factory=list[Any])  # so that no identity is used twice

    def know(self, tensor: Any, traced: Traced) -> None:
        self.known[id(tensor)] = traced
        self.alive.append(tensor)

    def call(
        self, function: Any, args: tuple[Any, ...], named: dict[str, Any], inside: Sequence[Entered]
    ) -> Any:
        name = function_name(function)
        line = line_of_model() if self.line is None else self.line
        made = Call(function, name, self.frozen(args), self.frozen(named), (*inside,), line)
        self.inside = made.inside
        if name in DECIDING and made.reads:
            return self._decided(made)
        result = function(*_without_values(args), **_without_values(named))
        if name in SIZES or next(tensors(result), None) is not None:
            self.run.calls.append(made)
            for tensor in tensors(result):
                traced = Traced(tuple(tensor.shape), made)
                made.gives.append(traced)
                self.know(tensor, traced)
        return result

    def frozen(self, value: Any) -> Any:
        """Arguments or results in which `Traced` stand for the tensors."""
        return replaced(value, self._traced)

    def _traced(self, tensor: Any) -> Traced:
        if (traced := self.known.get(id(tensor))) is None:
            traced = Traced(tuple(tensor.shape), value=tensor)
            self.know(tensor, traced)
        return traced

    def _decided(self, made: Call) -> Any:
        """The run goes on with some value, in order to find what else there is."""
        self.run.obstacles.append(
            Obstacle(
                "a value that decides what is computed"
                if made.name == "__bool__"
                else f"a value that is read (`{made.name.strip('_')}`)",
                made.place,
                "a spec has no values: decide by a parameter of the model, or by shapes",
            )
        )
        return {"__bool__": False, "__float__": 1.0}.get(made.name, 1)


def function_name(function: Any) -> str:
    """`relu` for `relu_`, `shape` for the property, and `conv2d` for `aten.conv2d.default`."""
    name: str = getattr(function, "__name__", "")
    if name == "__get__":
        return getattr(function.__self__, "__name__", "")
    name = name.partition(".")[0]
    return name if name.startswith("__") else name.rstrip("_")


def place_of(inside: Sequence[Entered], line: str) -> Place:
    """The modules around a call, without the model itself, each path once."""
    modules = {each.path: Module(each.path, each.kind) for each in inside if each.path}
    return Place((*modules.values(),), line)


def line_of_model() -> str:
    """The line of the model's source that runs: the innermost that is not of PyTorch."""
    frame = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
    while frame is not None:
        if of_model(frame.f_code.co_filename):
            return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
        frame = frame.f_back
    return ""


@cache
def of_model(filename: str) -> bool:
    """Whether a file may hold a model: it is neither PyTorch's, nor ours, nor Python's own."""
    import torch

    if filename.startswith("<"):
        return False
    path = Path(filename)
    return not any(path.is_relative_to(f) for f in (Path(torch.__file__).parent, OURS, PYTHON))


def _without_values(value: Any) -> Any:
    """Arguments whose tensors are all where the run is."""
    if all(tensor.is_meta for tensor in tensors(value)):
        return value
    return replaced(value, lambda tensor: tensor if tensor.is_meta else tensor.to("meta"))


def replaced(value: Any, replace: Callable[[Any], Any], kind: type[Any] | None = None) -> Any:
    """Nested arguments or results with something else in the place of each tensor, or of all of
    another kind.
    """
    if kind is None:
        import torch

        kind = torch.Tensor
    if isinstance(value, kind):
        return replace(value)
    if isinstance(value, Mapping):
        items = cast("Mapping[Any, Any]", value).items()
        return {key: replaced(each, replace, kind) for key, each in items}
    if isinstance(value, list | tuple):
        listed = cast("Sequence[Any]", value)
        made = [replaced(each, replace, kind) for each in listed]
        if hasattr(listed, "_fields"):  # of a named tuple
            return cast("Any", type(listed))(*made)
        return made if isinstance(listed, list) else tuple(made)
    return value


def found(kind: type[Any], value: Any) -> Iterator[Any]:
    """All of a kind in nested arguments or results, in their order."""
    if isinstance(value, kind):
        yield value
    elif isinstance(value, Mapping):
        for each in cast("Mapping[Any, Any]", value).values():
            yield from found(kind, each)
    elif isinstance(value, list | tuple):
        for each in cast("Sequence[Any]", value):
            yield from found(kind, each)


def tensors(value: Any) -> Iterator[Any]:
    """All tensors in nested arguments or results, in their order."""
    import torch

    return found(torch.Tensor, value)
