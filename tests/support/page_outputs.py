"""What a reader of the documentation sees: the outputs that should stand on a page.

* `text layers` lists the layers of the spec before it.
* `yaml whole FILE` is a spec with all changes.
* `console` has lines `$ cnngen ...`, each with what the command prints below it; that of `console
  torch` needs PyTorch.
* `python excerpt FILE NAME` is a definition in a generated file, such as `Net.forward`.
* `pycon torch` and `pycon keras` are a session of Python beside the generated sources.
* `pycon cnngen` is a session beside the specs, which goes on through the blocks of a page.
"""

import ast
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path
from textwrap import dedent

from click.testing import CliRunner

from cnngen.analysis import analyse_file
from cnngen.api import format_text
from cnngen.cli import cli
from cnngen.diagnostics.model import Report
from cnngen.semantics.network import Network
from cnngen.targets.generate import generate
from support.documentation_pages import Block

PROMPT = "$ cnngen "
WAITING = re.compile(r"^.+ \(\d+:\d\d\)\n", re.MULTILINE)
SESSION = r"""
import contextlib, doctest, io, sys
names = {}
before, _, text = sys.stdin.read().rpartition("\f")
for example in doctest.DocTestParser().get_examples(before):
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(example.source, "<session>", "single"), names)
for example in doctest.DocTestParser().get_examples(text):
    first, *rest = example.source.splitlines(keepends=True)
    print(end=">>> " + first + "".join("... " + line for line in rest))
    exec(compile(example.source, "<session>", "single"), names)
"""


def listed(network: Network) -> str:
    """The layers as the documentation shows them."""
    rows = [(path, layer.op.name, str(layer.output)) for path, layer in network.layers.items()]
    paths, ops = (max(len(row[i]) for row in rows) for i in (0, 1))
    return "".join(f"{path:<{paths}}  {op:<{ops}}  {shape}\n" for path, op, shape in rows)


def _network(path: Path) -> Network:
    network = analyse_file(path, Report())
    assert network, path
    return network


def _layers(block: Block, folder: Path) -> str:
    return listed(_network(folder / block.file))


def _whole(block: Block, folder: Path) -> str:
    return format_text(block.files[block.words[2]])


def _console(block: Block, folder: Path) -> str:
    return "".join(
        line + _run(line.removeprefix(PROMPT), folder)
        for line in block.text.splitlines(keepends=True)
        if line.startswith(PROMPT)
    )


def _run(command: str, folder: Path) -> str:
    """What cnngen prints in this folder, but for how long it has taken."""
    with chdir(folder):
        return WAITING.sub("", CliRunner().invoke(cli, shlex.split(command)).output)


def _excerpt(block: Block, folder: Path) -> str:
    """The source of a function, class or method."""
    file, path = block.words[2:]
    stem, _, target = Path(file).stem.rpartition("_")
    source = generate(_network(folder / f"{stem}.yaml"), target, Report())
    assert source
    node: ast.AST = ast.parse(source)
    for name in path.split("."):
        inside = ast.iter_child_nodes(node)
        node = next(each for each in inside if getattr(each, "name", "") == name)
    assert isinstance(node, ast.FunctionDef | ast.ClassDef)
    lines = source.splitlines(keepends=True)[node.lineno - 1 : node.end_lineno]
    return dedent("".join(lines))


def _session(block: Block, folder: Path) -> str:
    _run(f"build {' '.join(block.files)}", folder)
    return _python(block.text, folder)


def _long_session(block: Block, folder: Path) -> str:
    return _python("".join(block.before) + "\f" + block.text, folder)


def _python(session: str, folder: Path) -> str:
    """A session with what it prints now; of what stands before a form feed, nothing is shown."""
    command = [sys.executable, "-c", SESSION]
    done = subprocess.run(command, input=session, capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


OUTPUTS: dict[str, Callable[[Block, Path], str]] = {
    "text layers": _layers,
    "yaml whole": _whole,
    "console": _console,
    "console torch": _console,
    "python excerpt": _excerpt,
    "pycon torch": _session,
    "pycon keras": _session,
    "pycon cnngen": _long_session,
}


def output(block: Block) -> str:
    """What a block should say."""
    with tempfile.TemporaryDirectory() as folder:
        block.write_files(Path(folder))
        return OUTPUTS[block.kind](block, Path(folder))
