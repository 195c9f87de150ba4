"""The Python API: a spec, loaded once, that can be checked, summed up and built."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from os import PathLike, fspath
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, overload

from cnngen.analysis import Options
from cnngen.check import Checked, check
from cnngen.diagnostics.model import Diagnostic, Report
from cnngen.diagnostics.text import render_text
from cnngen.formatting.format import format_source
from cnngen.locate import UnknownSpecError, find_specs
from cnngen.ops.base import shape_of
from cnngen.report.memory import Activations, activations
from cnngen.report.summary import Summary, summarize
from cnngen.semantics.network import INPUT, Network
from cnngen.sizes.answer import Answer, answer
from cnngen.source import Source
from cnngen.syntax.load import read_file

__all__ = [
    "Diagnostic",
    "LoadedSpec",
    "SpecError",
    "Summary",
    "UnknownSpecError",
    "check_source",
    "format_text",
    "load",
]

Setting = bool | int | float | str | Sequence["Setting"] | Mapping[str, "Setting"]


class SpecError(ValueError):
    """A spec has errors; as text, it is what `cnngen check` prints."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        super().__init__(render_text(diagnostics).rstrip("\n"))
        self.diagnostics = tuple(diagnostics)


@dataclass(frozen=True)
class LoadedSpec:
    """A spec with the settings that it was loaded with; it is analysed on first use."""

    path: Path
    options: Options

    @cached_property
    def _checked(self) -> Checked:
        return check(self.path, self.options)

    def check(self) -> list[Diagnostic]:
        """All diagnostics of the spec, in the order of the file."""
        return list(self._checked.diagnostics)

    def summary(self, *, training: bool = False) -> Summary:
        """Shapes, parameters and costs; those of heads for training only count with `training`."""
        return summarize(self._network(), training)

    def activations(self) -> Activations:
        """The memory that activations take, in bytes for one image in float32."""
        return activations(self._network())

    def sizes(self) -> Answer:
        """Which heights and widths the network takes, and what it makes of them."""
        return answer(self._network())

    def build(
        self,
        target: str,
        *,
        templates: Sequence[str | PathLike[str]] = (),
        in_place: bool = True,
    ) -> str:
        """The source for `torch`, `keras` or another target; `templates` come before its own.

        Without `in_place`, no layer of PyTorch overwrites what it reads: for hooks that keep it.
        """
        from cnngen.targets.generate import generate, header_settings

        report = Report()
        network = self._network()
        settings = header_settings(network, self.options.settings, in_place=in_place)
        folders = [Path(folder) for folder in templates]
        text = generate(network, target, report, settings, folders, in_place=in_place)
        if text is None:
            raise SpecError(list(report))
        return text

    @overload
    def draw(
        self,
        format: Literal["svg", "html", "dot", "mmd"] = "svg",
        *,
        depth: int = 0,
        expand: Collection[str] = (),
    ) -> str: ...

    @overload
    def draw(
        self, format: Literal["png", "pdf"], *, depth: int = 0, expand: Collection[str] = ()
    ) -> bytes: ...

    def draw(
        self, format: str = "svg", *, depth: int = 0, expand: Collection[str] = ()
    ) -> str | bytes:
        """The picture that `cnngen draw` makes: bytes as `png` or `pdf`, and else text.

        `depth` levels of blocks are opened in place, and `expand` has the names of blocks, or paths
        of their uses, that are opened too.
        """
        from cnngen.draw.figures import check_names
        from cnngen.draw.picture import picture

        network = self._network()
        opened = frozenset([expand] if isinstance(expand, str) else expand)
        check_names(network, opened)
        content = picture(network, format, depth, opened)
        return content if format in ("png", "pdf") else content.decode()

    def _repr_svg_(self) -> str | None:
        """The picture in a notebook; None where the spec has errors, or nothing draws it."""
        from cnngen.notebook import as_svg

        return as_svg(self._checked.network)

    def _repr_html_(self) -> str:
        """The picture in a notebook, and the table of `cnngen summary`; or what is wrong."""
        from cnngen.notebook import as_html

        return as_html(*self._checked)

    def _network(self) -> Network:
        network, diagnostics = self._checked
        if network is None:
            raise SpecError(diagnostics)
        return network


def load(
    path_or_name: str | PathLike[str],
    *,
    input: Sequence[int] | Mapping[str, Sequence[int]] | None = None,
    settings: Mapping[str, Setting] | None = None,
) -> LoadedSpec:
    """The spec of a file, or of the zoo; raises `UnknownSpecError` where there is none.

    `input` (channels, height, width; of a vector: its features) and `settings` (parameters by name)
    replace what it says. Of several inputs, `input` has such sizes by name.
    """
    found = find_specs(fspath(path_or_name))
    if len(found) > 1 or Path(path_or_name).is_dir():
        raise UnknownSpecError(f"`{path_or_name}` is a folder, not a spec")
    given = {name: _expression(value) for name, value in (settings or {}).items()}
    sizes = input if isinstance(input, Mapping) else {INPUT: input} if input else {}
    shapes = {name: shape_of(each) for name, each in sizes.items()}
    return LoadedSpec(found[0], Options(given, shapes))


def format_text(text: str, path: str = "spec.yaml") -> str:
    """The text of a spec as `cnngen fmt` lays it out; raises `SpecError` where it is not YAML.

    `path` is what the error calls it.
    """
    report = Report()
    formatted = format_source(Source(path, text), report)
    if formatted is None:
        raise SpecError(list(report))
    return formatted


def check_source(source: Source) -> list[Diagnostic]:
    """The diagnostics of a text, as if it were a file in a project without other files; fixes are
    those that `cnngen check --fix` would keep there.
    """
    with TemporaryDirectory() as folder:
        Path(folder, "pyproject.toml").touch()  # `extends` leads nowhere else
        path = Path(folder, Path(source.path).name)
        path.write_bytes(source.text.encode())

        def reader(file: Path, shown: str | None) -> Source:
            if file.resolve() == path.resolve():
                return source
            return read_file(file, str(file.resolve().relative_to(path.parent.resolve())))

        found = check(path, Options({}, reader=reader)).diagnostics
    return [replace(d, message=d.message.replace(f"{folder}/", "")) for d in found]


def _expression(value: Setting) -> str:
    """A value as a spec writes it; text is an expression already."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            return value
        case int() | float():
            return repr(value)
        case Mapping():
            fields = (f"{name}: {_expression(part)}" for name, part in value.items())
            return f"{{{', '.join(fields)}}}"
        case _:
            return f"[{', '.join(map(_expression, value))}]"
