"""Files of `torch.save`: pickles, of which nothing is run but what PyTorch knows to be harmless.

A checkpoint has more in it than weights: arguments, schedules, numbers of numpy. With
`weights_only`, PyTorch refuses a file that names any class it does not know. So each of these is
replaced by a class that does nothing, and the rest is read.
"""

import json
import pickletools
import re
import warnings
import zipfile
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections import OrderedDict, deque
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from cnngen.frameworks import framework
from cnngen.weights.layout import Array
from cnngen.weights.recognise import TRUSTED, python
from cnngen.weights.stored import Contents, Entry, WeightsFileError, reading, shown

DEEPEST = 6  # levels at which weights may lie
MOST_CONTAINERS = 20_000
PICKLES = 4  # of the older format, the last one holds what was saved
KNOWN = ("torch.", "collections.OrderedDict", "_codecs.", "builtins.")
MODULES = "torch.nn.modules."
AGAIN = 'import torch; torch.save(torch.load(<IN>, "cpu", weights_only=False), <OUT.pt>)'
MODULE = "_modules"  # what every module of PyTorch has among its attributes


class _Class(type):
    """The class of the stand-ins. PyTorch restores attributes of few classes only, which it
    compares by `==`; so these equal one of them, `OrderedDict`.
    """

    def __eq__(cls, other: object) -> bool:
        return cls is other or other is OrderedDict

    __hash__ = type.__hash__


class StandIn(metaclass=_Class):
    """An object of an unknown class: it keeps what it is given, and does nothing."""

    parts: dict[Any, Any]
    state: Any

    def __new__(cls, *_: Any, **__: Any) -> "StandIn":
        made = super().__new__(cls)
        made.parts, made.state = {}, None
        return made

    def __init__(self, *_: Any, **__: Any) -> None: ...

    def __setitem__(self, key: Any, value: Any) -> None:
        self.parts[key] = value

    def __setstate__(self, state: Any) -> None:
        self.state = state

    @property
    def is_model(self) -> bool:
        return isinstance(self.state, Mapping) and MODULE in self.state  # pyright: ignore[reportUnknownMemberType]


def read_pickle(path: Path, *, zipped: bool) -> Contents:
    """All entries of a file that hold tensors, by the keys that lead there."""
    torch = framework("torch")
    with reading(path.name):
        named = list(dict.fromkeys(_classes(path, zipped=zipped)))
        known = [(_stand_in(name), name) for name in named]
    try:
        with (
            warnings.catch_warnings(action="ignore"),
            torch.serialization.safe_globals(known),
            path.open("rb") as file,
        ):  # of a path, PyTorch would look at the ending
            mapped = zipped and path.suffix != ".safetensors"
            found: Any = torch.load(
                path if mapped else file, map_location="cpu", weights_only=True, mmap=mapped
            )
    except Exception as error:
        raise WeightsFileError(_refused(path, named, error)) from None
    entries: list[Entry] = []
    models: dict[str, str] = {}
    for keys, value in islice(_containers(found), MOST_CONTAINERS):
        at = "/".join(keys)
        if isinstance(value, StandIn) and value.is_model:
            models.setdefault(at, _name(value))
        tensors = {k: v for k, v in _items(value) if isinstance(v, torch.Tensor)}
        if tensors:
            with reading(path.name):
                entries.append(_entry(at, tensors))
    return Contents(entries, _without_weights(path, found, models))


def _stand_in(full: str) -> type[StandIn]:
    module, _, name = full.rpartition(".")
    return _Class(name, (StandIn,), {"__module__": module, "__doc__": None})


def _classes(path: Path, *, zipped: bool) -> Iterator[str]:
    """The names of all classes and functions that a file imports, without those that PyTorch
    allows.
    """
    if zipped:
        with zipfile.ZipFile(path) as archive:
            inside = next(name for name in archive.namelist() if name.endswith("data.pkl"))
            with archive.open(inside) as file:
                yield from _globals(file)
        return
    with path.open("rb") as file:
        for _ in range(PICKLES):
            yield from _globals(file)


def _globals(file: Any) -> Iterator[str]:
    for code, argument, _ in pickletools.genops(file):
        if code.name == "GLOBAL":
            module, _, name = str(argument).partition(" ")
            new = NAME_MAPPING.get((module, name), (IMPORT_MAPPING.get(module, module), name))
            yield f"{module}.{name}"
            yield ".".join(new)  # PyTorch knows some by what Python 3 calls them


def _containers(root: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    """All containers, those near the root first: weights lie above the many small dictionaries of
    an optimizer.
    """
    waiting: deque[tuple[tuple[str, ...], Any]] = deque([((), root)])
    while waiting:
        keys, value = waiting.popleft()
        yield keys, value
        if len(keys) < DEEPEST and len(waiting) < MOST_CONTAINERS:
            waiting.extend(((*keys, key), x) for key, x in _items(value) if _holds(x))


def _holds(value: Any) -> bool:
    return isinstance(value, Mapping | list | tuple | StandIn)


def _items(value: Any) -> Iterator[tuple[str, Any]]:
    """The items of a container, by words that can stand in `--key`."""
    match value:
        case StandIn():
            yield from _items(value.parts)
        case Mapping():
            yield from ((str(key), x) for key, x in value.items() if isinstance(key, str | int))  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        case list() | tuple():
            yield from ((str(i), x) for i, x in enumerate(value))  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        case _:
            pass


def _entry(at: str, tensors: Mapping[str, Any]) -> Entry:
    def read(name: str) -> Array:
        torch, value = framework("torch"), tensors[name].detach()
        if value.dtype is torch.bfloat16:
            return value.view(torch.int16).numpy().view(framework("ml_dtypes").bfloat16)
        return value.numpy()

    return Entry(at, {k: tuple(v.shape) for k, v in tensors.items()}, read, ("torch",))


def _name(value: StandIn) -> str:
    return f"{type(value).__module__}.{type(value).__name__}"


def _refused(path: Path, named: list[str], error: Exception) -> str:
    """What to say of a file that cannot be read without its code."""
    unknown = [name for name in named if not name.startswith(KNOWN)]
    models = [name for name in named if name.startswith(MODULES)]
    if models and "persistent" in str(error):  # which the older format has for a module
        return (
            f"`{shown(path.name)}` holds a whole model, with modules such as `{models[0]}`, as a"
            f" PyTorch before 1.6 has written it\nhelp: write it again, {TRUSTED}:\n"
            f"  {python(path, AGAIN)}"
        )
    text = str(error).partition("WeightsUnpickler error:")[2].split("\n\nCheck")[0] or str(error)
    text = next((line for line in text.strip().splitlines() if line.strip()), "")
    reason = f"`{shown(path.name)}` cannot be read: {type(error).__name__}: {shown(text)}"
    inside = [name for name in unknown if re.search(rf"\b{re.escape(name)}\b", text)]
    if not inside:
        return reason
    code = (
        'import torch; torch.save(torch.load(<IN>, "cpu", weights_only=False)["state_dict"],'
        " <OUT.pt>)"
    )
    return (
        f"{reason}\nhelp: the class `{shown(inside[0])}` stands in the way: save the weights alone"
        f" (their entry may not be `state_dict`), {TRUSTED}:\n  {python(path, code)}"
    )


def _without_weights(path: Path, found: Any, models: Mapping[str, str]) -> str:
    """What to say of a file in which nothing is a weight of the network."""
    if isinstance(found, StandIn) and found.is_model:
        return _whole(path, f"is a whole model, of the class `{shown(models[''])}`", "")
    if models:
        at, name = next(iter(models.items()))
        keys = "".join(f"[{json.dumps(int(k) if k.isdigit() else k)}]" for k in at.split("/"))
        return _whole(
            path, f"has a whole model as its `{shown(at)}`, of the class `{shown(name)}`", keys
        )
    if isinstance(found, Mapping):
        return ""
    return f"`{shown(path.name)}` holds no `state_dict`, but a {type(found).__name__}"


def _whole(path: Path, what: str, keys: str) -> str:
    code = (
        f'import torch; torch.save(torch.load(<IN>, "cpu", weights_only=False){keys}.state_dict(),'
        " <OUT.pt>)"
    )
    return (
        f"`{shown(path.name)}` {what}, which only its own code can make\n"
        f"help: save its weights alone, {TRUSTED}:\n  {python(path, code)}"
    )
