"""Models of the user's: a class or a function in a file of Python or in a module, which is run."""

import ast
import importlib.util
import sys
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from importlib import import_module
from inspect import Parameter, signature
from pathlib import Path
from types import ModuleType
from typing import Any

from cnngen.diagnostics.suggest import suggest
from cnngen.diagnostics.terminal import one_line
from cnngen.ops.base import Shape
from cnngen.semantics.network import Network
from cnngen.weights.graph import WeightGraph
from cnngen.weights.places import Framework
from cnngen.weights.reference import NoModelError, speaking, weight_graph, words_of

NAMED = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
ROOTS: Mapping[Framework, tuple[str, tuple[str, ...]]] = {
    "torch": ("torch", ("nn", "Module")),
    "keras": ("keras", ("Model",)),
}


class NoModuleError(NoModelError):
    """Python finds no module of this name."""


@dataclass(frozen=True, slots=True)
class OwnModel:
    """What `file.py:Class` or `package.module:factory` makes, with these arguments."""

    text: str
    make: Callable[[], Any]
    framework: Framework

    @classmethod
    def of(cls, text: str, arguments: Mapping[str, Any], option: str) -> "OwnModel":
        """Runs the file, and makes the model once, to know its framework.

        Raises `NoModelError`, which says with which `option` a missing argument is given.
        """
        where, _, name = text.rpartition(":")
        found = _attribute(_module(where), name, text)
        make = _maker(found, arguments, text, option)
        with _running(text):
            made = make()
        kind = _framework(made)
        if kind is None:
            what = f"makes a `{type(made).__name__}`, which is no model of PyTorch or Keras"
            raise NoModelError(f"`{text}` {what}")
        if kind == "keras" and made is found:
            raise NoModelError(f"`{text}` is a model: name a function that makes it")
        return cls(text, make, kind)

    def __str__(self) -> str:
        return self.text

    def takes(self, network: Network) -> tuple[Shape, ...]:
        return (*network.inputs.values(),)

    def model(self, *inputs: Shape) -> Any:
        with speaking(self, *inputs):
            return self.make()

    def outline(self, *inputs: Shape) -> Any:
        return self.model(*inputs)  # which may read its weights from a file

    def graph(self, model: Any, *inputs: Shape) -> WeightGraph:
        return weight_graph(self, model, *inputs)


def argument(text: str) -> Any:
    """What `32`, `[1, 2]`, `True`, `None` or a word means as an argument."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return text


def _module(where: str) -> ModuleType:
    """The module of a file, which may import its neighbours, or one that Python finds by name."""
    if not where.endswith(".py"):
        return _imported(where, Path.cwd(), where)
    path = Path(where)
    if not path.is_file():
        raise NoModelError(f"there is no file `{one_line(where)}`")
    folder, names = path.resolve().parent, [path.stem]
    while (folder / "__init__.py").is_file():
        folder, names = folder.parent, [folder.name, *names]
    if len(names) > 1:  # it may import relatively
        return _imported(".".join(names), folder, where)
    name = path.stem
    while name in sys.modules:
        name += "_"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec and spec.loader
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(folder))
    with _running(where):
        spec.loader.exec_module(module)
    return module


def _imported(name: str, folder: Path, where: str) -> ModuleType:
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    try:
        with _running(where):
            return import_module(name)
    except NoModelError as error:
        missing = error.__cause__
        if isinstance(missing, ModuleNotFoundError) and name.startswith(missing.name or "-"):
            raise NoModuleError(f"there is no module `{one_line(name)}`") from None
        raise


@contextmanager
def _running(what: str) -> Generator[None]:
    """Whatever a file of the user's raises, the end of the process included, is its own words."""
    try:
        yield
    except NoModelError:
        raise
    except (Exception, SystemExit) as error:
        raise NoModelError(f"`{what}` cannot be run: {words_of(error)}") from error


def _attribute(module: ModuleType, name: str, text: str) -> Any:
    found: Any = module
    for part in name.split("."):
        if not part or not hasattr(found, part):
            known = [x for x, value in vars(module).items() if callable(value) and x[0] != "_"]
            guess = suggest(name, known)
            remedy = f": did you mean `{guess}`?" if guess else ""
            raise NoModelError(f"`{text.rpartition(':')[0]}` has no `{one_line(name)}`{remedy}")
        found = getattr(found, part)
    return found


def _maker(found: Any, arguments: Mapping[str, Any], text: str, option: str) -> Callable[[], Any]:
    """A call of what was found, whose arguments are known to be there and to be all."""
    if _framework(found) is not None:
        return lambda: deepcopy(found)
    if not callable(found):
        raise NoModelError(f"`{text}` is a `{type(found).__name__}`, and makes no model")
    try:
        takes = signature(found).parameters
    except (ValueError, TypeError):
        return lambda: found(**arguments)
    missing = [*_missing(takes, arguments)]
    if missing:
        names = ", ".join(f"`{name}`" for name in missing)
        remedy = " ".join(f"{option} {name}=VALUE" for name in missing)
        raise NoModelError(f"`{text}` needs {names}: add {remedy}")
    open_ended = any(x.kind is Parameter.VAR_KEYWORD for x in takes.values())
    known = [name for name, x in takes.items() if x.kind in NAMED]
    for name in arguments:
        if name not in known and not open_ended:
            guess = suggest(name, known)
            remedy = (
                f"did you mean `{guess}`?" if guess else f"it takes {', '.join(known) or 'none'}"
            )
            raise NoModelError(f"`{text}` takes no `{name}`: {remedy}")
    return lambda: found(**arguments)


def _missing(takes: Mapping[str, Parameter], arguments: Mapping[str, Any]) -> Iterator[str]:
    for name, x in takes.items():
        if x.kind in NAMED and x.default is Parameter.empty and name not in arguments:
            yield name


def _framework(made: Any) -> Framework | None:
    """The framework of a model; one that nobody has imported has none."""
    for framework, (package, names) in ROOTS.items():
        root: Any = sys.modules.get(package)
        for name in names:
            root = getattr(root, name, None)
        if root is not None and isinstance(made, root):
            return framework
    return None
