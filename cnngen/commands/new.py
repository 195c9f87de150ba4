"""`cnngen new`: a spec to begin with."""

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cnngen.commands import complete
from cnngen.commands.options import (
    WrongUseError,
    check_spec,
    exit_code,
    only_spec,
    options,
    show,
    valid_network,
)
from cnngen.commands.writing import write_named
from cnngen.diagnostics.terminal import one_line
from cnngen.locate import SUFFIXES
from cnngen.shipped import SPECS, TEMPLATES

if TYPE_CHECKING:
    from cnngen.semantics.network import Network

EXTENDS = re.compile(r"^extends: (\S+)", re.MULTILINE)


@click.command()
@click.argument("file", metavar="NAME", type=click.Path(path_type=Path))
@click.option(
    "--from",
    "parent",
    metavar="SPEC",
    shell_complete=complete.spec,
    help="Begin with a variant of this spec.",
)
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@click.pass_context
def new(ctx: click.Context, file: Path, parent: str | None, force: bool) -> None:
    """Write a spec to begin with, NAME.yaml: a small network with comments that explain it.

    With --from it is a variant of another spec, which it extends, with the parameters, blocks and
    stages that it may change. A spec of the zoo is copied to the same folder, with those that it
    extends itself.
    """
    from cnngen.syntax.load import can_name_function

    if file.name and file.suffix not in SUFFIXES:
        file = file.with_name(f"{file.name}{SUFFIXES[0]}")
    if not can_name_function(file.stem):
        raise WrongUseError(
            f"`{one_line(file.stem)}` cannot name a function, as it must: try `my_net`"
        )
    if file.exists() and not force:
        raise WrongUseError(f"`{one_line(str(file))}` is there already: --force writes over it")
    name = class_name(file.stem)
    if parent is None:
        texts = {file: _rendered("network.yaml", file=file.name, name=name)}
    else:
        texts = _variant(file, name, parent)
    for path, text in texts.items():
        write_named(path, text.encode())
    diagnostics = check_spec(file, options({}, {}, None)).diagnostics
    show(diagnostics)  # of a parent outside of the project, for instance
    ctx.exit(exit_code(diagnostics))


def class_name(stem: str) -> str:
    """`my_net` as the name of a network: `MyNet`."""
    words = [word for word in stem.split("_") if word]
    return "".join(word[0].upper() + word[1:] for word in words) or "Net"


def _variant(file: Path, name: str, parent: str) -> dict[Path, str]:
    """The text of a variant, and of what has to be beside it."""
    source = only_spec(parent)
    network = valid_network(check_spec(source, options({}, {}, None)))
    texts: dict[Path, str] = {}
    extends = source
    if source.resolve().parent == SPECS.resolve():
        extends = file.parent / source.name
        texts |= _copies(source, file.parent)
    if file.resolve() == extends.resolve():
        raise WrongUseError(f"`{one_line(str(file))}` cannot extend itself: choose another name")
    relative = Path(os.path.relpath(extends.resolve(), file.resolve().parent)).as_posix()
    texts[file] = _variant_text(network, name, relative)
    return texts


def _copies(path: Path, folder: Path) -> dict[Path, str]:
    """A spec of the zoo, and those that it extends, in a folder, but for what is there already."""
    found: dict[Path, str] = {}
    while True:
        text = path.read_text(encoding="utf-8")
        if not (folder / path.name).exists():
            found[folder / path.name] = text
        parent = EXTENDS.search(text)
        if parent is None:
            return found
        path = path.parent / parent[1]


def _variant_text(network: "Network", name: str, extends: str) -> str:
    from cnngen.semantics.parameters import written_default

    spec = network.resolution.spec
    parameters = [
        f"{p.name.text}: {written_default(p)}" + (f"  # {p.about}" if p.about else "")
        for p in spec.parameters
    ]
    return _rendered(
        "variant.yaml",
        name=name,
        parent=spec.name.text,
        extends=extends,
        parameters=parameters,
        inputs=[each.name.text for each in spec.inputs] if len(spec.inputs) > 1 else [],
        blocks=list(spec.blocks),
        stages=[stage.name.text for stage in spec.stages],
    )


def _rendered(template: str, **context: object) -> str:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES / "spec"),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
    )
    return environment.get_template(template).render(context)
