"""Loading: files, what they extend, and how the two are merged."""

import os
import random
import string
from collections.abc import Callable
from pathlib import Path

import pytest

from cnngen.diagnostics.codes import CODES
from cnngen.diagnostics.model import Diagnostic, Report
from cnngen.expressions.expression import Constant, ListOf
from cnngen.syntax.load import LONGEST_CHAIN, load
from cnngen.syntax.read import MAX_SIZE
from cnngen.syntax.tree import Spec

BASE = """\
cnngen: 1
name: Base
about: The base.
paper: {title: Base}
results: [{dataset: ImageNet, top1: 70, source: Table 1}]
params:
  classes: 10    # number of classes
  depths: [1, 2]
input: {channels: 3, height: 32, width: 32}
defaults:
  conv: {bias: false, padding: half, init: he_normal}
  linear: {bias: false}
blocks:
  Old: {about: Old., body: relu}
  Kept: {about: Kept., body: relu}
model:
  stem: Old
  body: Kept
  head: {linear: {out: classes}}
outputs: {logits: head}
"""

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file below a project's folder."""
    (tmp_path / "pyproject.toml").touch()

    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    write("base.yaml", BASE)
    return write


def found(path: Path) -> tuple[Spec | None, list[Diagnostic]]:
    report = Report()
    return load(path, report), list(report)


def spec(path: Path) -> Spec:
    result, diagnostics = found(path)
    assert result and not diagnostics, [d.message for d in diagnostics]
    return result


def only(path: Path) -> Diagnostic:
    _, diagnostics = found(path)
    assert len(diagnostics) == 1, [d.message for d in diagnostics]
    return diagnostics[0]


def test_a_file_alone(write: Write) -> None:
    path = write("net.yaml", BASE)
    loaded = spec(path)
    assert loaded.stem == "net" and loaded.name.text == "Base"
    assert loaded.name.span.source.path == str(path)


def test_a_byte_order_mark_and_windows_lines(write: Write) -> None:
    path = write("net.yaml", "")
    path.write_bytes(b"\xef\xbb\xbf" + BASE.replace("\n", "\r\n").encode())
    loaded = spec(path)
    assert (loaded.name.span.line, loaded.name.span.column) == (2, 7)
    assert loaded.parameters[0].about == "number of classes"


def test_an_extended_spec(write: Write) -> None:
    loaded = spec(
        write(
            "net.yaml",
            """\
cnngen: 1
extends: base.yaml
name: Net
params: {depths: [3, 4], width: 8}
defaults: {conv: {init: null, padding: 1}, linear: null, relu: {}}
blocks: {Old: null, New: {about: New., body: relu}}
model: {stem: New, body: null, pool: relu}
outputs: {logits: pool}
""",
        )
    )
    assert (loaded.name.text, loaded.about, loaded.stem) == ("Net", "The base.", "net")
    assert loaded.paper and loaded.paper.title == "Base"
    assert loaded.results == ()  # those of the base are not those of this network
    assert [(p.name.text, p.about) for p in loaded.parameters] == [
        *(("classes", "number of classes"), ("depths", ""), ("width", ""))
    ]
    assert loaded.parameters[1].default == ListOf((Constant(3), Constant(4)))
    conv = {a.name.text: a.value for a in loaded.defaults["conv"].arguments}
    assert conv == {"bias": Constant(False), "padding": Constant(1)}
    assert list(loaded.defaults) == ["conv", "relu"]
    assert list(loaded.blocks) == ["Kept", "New"]
    assert [stage.name.text for stage in loaded.stages] == ["stem", "head", "pool"]
    assert [(a.text, b.text) for a, b in loaded.outputs] == [("logits", "pool")]
    paths = [Path(stage.name.span.source.path).name for stage in loaded.stages]
    assert paths == ["net.yaml", "base.yaml", "net.yaml"]


def test_a_chain_of_specs(write: Write) -> None:
    write("a.yaml", "cnngen: 1\nextends: base.yaml\nmodel: {stem: null}\n")
    write("sub/b.yaml", "cnngen: 1\nextends: ../a.yaml\nmodel: {tail: relu}\nparams:\n")
    loaded = spec(
        write("sub/c.yaml", "cnngen: 1\nextends: b.yaml\npaper: null\noutputs: {o: tail}\n")
    )
    assert [stage.name.text for stage in loaded.stages] == ["body", "head", "tail"]
    assert loaded.paper is None and len(loaded.parameters) == 2


def test_paths_are_shown_as_the_user_gives_them(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("specs/net.yaml", "cnngen: 1\nextends: ../parents/p.yaml\n")
    write("parents/p.yaml", "cnngen: 1\nextends: ../base.yaml\nname: bad_name\n")
    monkeypatch.chdir(tmp_path)
    diagnostic = only(Path("specs/net.yaml"))
    assert diagnostic.primary.span.source.path == os.path.join("parents", "p.yaml")
    assert diagnostic.primary.span.line == 3


@pytest.mark.parametrize(
    ("child", "code", "span", "help"),
    [
        ("model: {stme: null}", "unknown-key", "stme", "did you mean `stem`?"),
        ("params: {foo: null}", "unknown-key", "foo", "give it a value"),
        ("defaults: {relu: null}", "unknown-key", "relu", "give it a value"),
        ("model: [relu]", "wrong-kind", "[relu]", "each stage a name"),
        ("blocks: relu", "wrong-kind", "relu", None),
        ("defaults: {conv: 3 +}", "wrong-kind", "3 +", None),
        ("modle: {}", "unknown-key", "modle", "did you mean `model`?"),
        ("params: {a: 1, a: 2}", "duplicate-key", "a", None),
    ],
)
def test_mistakes_of_a_child(write: Write, child: str, code: str, span: str, help: str) -> None:
    diagnostic = only(write("net.yaml", f"cnngen: 1\nextends: base.yaml\n{child}\n"))
    assert (diagnostic.code, diagnostic.primary.span.text) == (code, span)
    assert help is None or (diagnostic.help and help in diagnostic.help)


@pytest.mark.parametrize(
    ("extends", "message"),
    [
        ("other.yaml", "does not exist"),
        ("sub", "is not a file"),
        ("net.yaml", "extends itself"),
        ("loop.yaml", "extends itself"),
        ("../outside.yaml", "outside of the project"),
        ("sub/../../outside.yaml", "outside of the project"),
        ("link.yaml", "outside of the project"),
        ("link/passwd", "outside of the project"),
        ("/etc/passwd", "a relative path"),
        ("'C:\\base.yaml'", "a relative path"),
        ("\\\\host\\share\\base.yaml", "a relative path"),
        ("circle.yaml", "is not a path"),
        ("x" * 5000, "cannot be read"),
    ],
)
def test_bad_extends(write: Write, tmp_path: Path, extends: str, message: str) -> None:
    write("sub/x.yaml", "")
    write("loop.yaml", "cnngen: 1\nextends: net.yaml\n")
    outside = tmp_path.parent / "outside.yaml"
    outside.write_text(BASE, encoding="utf-8")
    (tmp_path / "link.yaml").symlink_to(outside)
    (tmp_path / "link").symlink_to("/etc")
    (tmp_path / "circle.yaml").symlink_to(tmp_path / "circle.yaml")
    diagnostic = only(write("net.yaml", f"cnngen: 1\nextends: {extends}\n"))
    assert diagnostic.code == "bad-extends"
    assert message in diagnostic.message or (
        extends == "circle.yaml" and "read" in diagnostic.message
    )


@pytest.mark.parametrize(
    ("extends", "help"),
    [
        ("bass.yaml", "did you mean `base.yaml`?"),
        ("base", "did you mean `base.yaml`?"),
        ("base.yml", "did you mean `base.yaml`?"),
        ("../base.yaml", "a path begins in the folder of the file in which it stands"),
        ("../inner/bas.yaml", "did you mean `../inner/base.yaml`?"),
        ("nowhere/base.yaml", "a path begins in the folder of the file in which it stands"),
    ],
)
def test_a_parent_that_is_missing(tmp_path: Path, extends: str, help: str) -> None:
    (tmp_path / "pyproject.toml").touch()
    folder = tmp_path / "inner"
    folder.mkdir()
    (folder / "base.yaml").write_text(BASE, encoding="utf-8")
    path = folder / "net.yaml"
    path.write_text(f"cnngen: 1\nextends: {extends}\n", encoding="utf-8")
    assert only(path).help == help


@pytest.mark.parametrize("extends", ["", "[base.yaml]", "{a: b}"])
def test_extends_takes_one_path(write: Write, extends: str) -> None:
    assert only(write("net.yaml", f"cnngen: 1\nextends: {extends}\n")).code == "wrong-kind"


def test_without_a_project_the_own_folder_is_the_root(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "base.yaml").write_text(BASE, encoding="utf-8")
    (inner / "net.yaml").write_text("cnngen: 1\nextends: ../base.yaml\n", encoding="utf-8")
    assert "outside of the project" in only(inner / "net.yaml").message


def test_the_length_of_a_chain_is_bounded(write: Write) -> None:
    for i in range(1, LONGEST_CHAIN + 1):
        parent = f"n{i - 1}.yaml" if i > 1 else "base.yaml"
        path = write(f"n{i}.yaml", f"cnngen: 1\nextends: {parent}\n")
    assert only(path).code == "bad-extends"
    spec(path.with_name(f"n{LONGEST_CHAIN - 1}.yaml"))


def test_each_file_of_a_chain_has_its_version(write: Write) -> None:
    write("old.yaml", BASE.replace("cnngen: 1", "cnngen: 0"))
    diagnostic = only(write("net.yaml", "cnngen: 1\nextends: old.yaml\n"))
    assert diagnostic.code == "unsupported-version"
    assert only(write("net.yaml", "extends: base.yaml\n")).code == "missing-key"


def test_unreadable_files(tmp_path: Path) -> None:
    cases = {
        "missing.yaml": ("unreadable", "does not exist"),
        "folder.yaml": ("unreadable", "is not a file"),
        "pipe.yaml": ("unreadable", "is not a file"),
        "latin.yaml": ("unreadable", "is not UTF-8 text (line 2)"),
        "large.yaml": ("too-large", "is larger than"),
        "nul\0.yaml": ("unreadable", "cannot be read"),
        "x" * 300 + ".yaml": ("unreadable", "cannot be read"),
    }
    (tmp_path / "folder.yaml").mkdir()
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"a: 1\nb: \xe9\n")
    (tmp_path / "large.yaml").write_bytes(b"#" * (MAX_SIZE + 1))
    for name, (code, message) in cases.items():
        diagnostic = only(tmp_path / name)
        assert diagnostic.code == code and message in diagnostic.message, name
        assert diagnostic.primary.span.source.path == str(tmp_path / name)


@pytest.mark.parametrize("name", ["2net.yaml", "my-net.yaml", "with.yaml", "class.yaml", ".yaml"])
def test_file_names_that_cannot_name_a_function(write: Write, name: str) -> None:
    assert only(write(name, BASE)).code == "bad-name"


def test_one_report_may_serve_several_files(write: Write) -> None:
    write("base.yaml", BASE.replace("Base", "base", 1))
    report = Report()
    for name in ("a.yaml", "b.yaml"):
        child = write(name, "cnngen: 1\nextends: base.yaml\n")
        load(child, report)
    assert len(list(report)) == 1


def test_mutated_specs_give_diagnostics(write: Write) -> None:
    """Bytes cut, doubled and replaced; the seed makes a failure repeatable."""
    chance = random.Random(0)
    for _ in range(300):
        text = BASE
        for _ in range(chance.randint(1, 4)):
            i, j = sorted(chance.choices(range(len(text)), k=2))
            j = min(j, i + 30)
            piece = chance.choice(
                ["", text[i:j] * 2, *string.punctuation, "\n", "  ", "\t", "é", "null"]
            )
            text = text[:i] + piece + text[j:]
        result, diagnostics = found(write("net.yaml", text))
        assert result or diagnostics
        assert {d.code for d in diagnostics} <= CODES.keys()
        assert all("Error" not in d.message for d in diagnostics)
