"""`cnngen check` with a cache: what it may leave out, and what it must look at again."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.mistake_cases import Case, cases

from cnngen import cache
from cnngen.analysis import analyse_file
from cnngen.cli import cli
from cnngen.diagnostics.machine import render_json
from cnngen.diagnostics.model import Report
from cnngen.diagnostics.stored import restored, stored
from cnngen.syntax.load import read_file

FINE = """\
cnngen: 1
name: Small
about: A small network.
params: {classes: 10}
input: {channels: 3, height: 8, width: 8}
model:
  head: [relu, global_avg_pool, flatten, {linear: {out: classes}}]
"""
CHILD = "cnngen: 1\nextends: lib/base.yaml\nname: Child\nabout: A child.\n"
WRONG = FINE.replace("relu", "rel")
WARNED = FINE.replace("{classes: 10}", "{classes: 10, unused: 1}")

Run = Callable[..., Result]


class LookedError(Exception):
    """The compiler was asked."""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`cnngen check` in a project with `a.yaml`, and `child.yaml` that extends `lib/base.yaml`."""
    monkeypatch.setenv("CNNGEN_CACHE_DIR", str(tmp_path / "cache"))
    project = tmp_path / "project"
    (project / "lib").mkdir(parents=True)
    monkeypatch.chdir(project)
    Path("pyproject.toml").touch()
    Path("a.yaml").write_text(FINE)
    Path("lib/base.yaml").write_text(FINE)
    Path("child.yaml").write_text(CHILD)
    return lambda *arguments: CliRunner().invoke(cli, ["check", *arguments])


@pytest.fixture
def looks(run: Run, monkeypatch: pytest.MonkeyPatch) -> Callable[..., bool]:
    """Whether a check, which changes no entry, asks the compiler."""

    def looked(*_: object) -> None:
        raise LookedError

    def looks(*arguments: str) -> bool:
        with monkeypatch.context() as patched:
            patched.setattr("cnngen.check.analyse_file", looked)
            done = run(*arguments)
        assert done.exit_code in (0, 1, 70), done.output
        return done.exit_code == 70

    return looks


Looks = Callable[..., bool]


def entries(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "cache/check").iterdir())


@pytest.mark.parametrize("spec", ["a.yaml", "child.yaml"])
def test_an_unchanged_spec_is_not_looked_at_again(run: Run, looks: Looks, spec: str):
    assert looks(spec)
    first = run(spec)
    assert first.output == f"{spec}: ok\n"
    assert not looks(spec)
    assert run(spec).output == first.output
    assert not looks("--format", "json", spec)


@pytest.mark.parametrize(
    "options",
    [
        ["--no-cache"],
        ["--fix"],
        ["--set", "classes=3"],
        ["--input", "3x9x9"],
        ["--max-layers", "9"],
    ],
)
def test_other_options_are_another_question(run: Run, looks: Looks, options: list[str]):
    run("a.yaml")
    assert looks(*options, "a.yaml")


@pytest.mark.parametrize("format", ["text", "concise", "json", "github", "sarif"])
@pytest.mark.parametrize("text", [WRONG, WARNED, "cnngen: 1\n  name: [\n"])
def test_what_was_found_is_said_again(run: Run, looks: Looks, text: str, format: str):
    Path("a.yaml").write_text(text)
    asked = ("a.yaml", "--format", format)
    first = run(*asked)
    assert "a.yaml" in first.output
    assert not looks(*asked)
    assert (run(*asked).output, run(*asked).exit_code) == (first.output, first.exit_code)


def test_what_was_found_in_a_file_that_is_extended_is_said_again(run: Run, looks: Looks):
    Path("lib/base.yaml").write_text(WRONG)
    first = run("child.yaml")
    assert "--> lib/base.yaml:7:10" in first.stderr
    assert not looks("child.yaml")
    assert run("child.yaml").output == first.output


def test_files_are_called_as_they_are_written(run: Run, monkeypatch: pytest.MonkeyPatch):
    Path("a.yaml").write_text(WRONG)
    assert "--> a.yaml:7" in run("a.yaml").stderr
    assert "--> ../project/a.yaml:7" in run("../project/a.yaml").stderr
    monkeypatch.chdir("lib")
    assert "--> ../a.yaml:7" in run("../a.yaml").stderr


def test_a_file_that_was_missing_may_be_there_now(run: Run):
    base = Path("lib/base.yaml")
    base.unlink()
    assert run("child.yaml").exit_code == 1
    base.write_bytes(b"\xff")
    assert run("child.yaml").exit_code == 1
    base.write_text(FINE)
    assert run("child.yaml").exit_code == 0


@pytest.mark.parametrize("case", list(cases()), ids=str)
def test_diagnostics_survive(case: Case, tmp_path: Path):
    path = tmp_path / "spec.yaml"
    path.write_text(case.spec, encoding="utf-8", newline="")
    report = Report()
    analyse_file(path, report)
    found = [replace(diagnostic, remedies=()) for diagnostic in report]
    content = path.read_bytes()
    again = restored(stored(found, [read_file(path)]) or "", [content])
    assert render_json(again or []) == render_json(found)


LABEL = '[[0, 0, 3, ""]]'
GOOD = f'"code": "yaml-syntax", "message": "", "labels": {LABEL}, "notes": [], "help": null'
ODD = {
    "no text": "",
    "no list": "3",
    "too few": "[[]]",
    "another kind": '[["a.yaml"], 3]',
    "a path that is no text": "[[3], []]",
    "more files": '[["a.yaml", "b.yaml"], []]',
    "no label": f'[["a.yaml"], [{{{GOOD.replace(LABEL, "[]")}, "fix": []}}]]',
    "no fix": f'[["a.yaml"], [{{{GOOD}}}]]',
    "an unknown code": f'[["a.yaml"], [{{{GOOD.replace("yaml-syntax", "odd")}, "fix": []}}]]',
    "a code that is a list": f"""[["a.yaml"], [{{{GOOD.replace('"yaml-syntax"', "[]")}, "fix": []}}]]""",
    "an end behind the text": f'[["a.yaml"], [{{{GOOD.replace("3", "9")}, "fix": []}}]]',
    "a start behind the end": f'[["a.yaml"], [{{{GOOD.replace("0, 3", "4, 3")}, "fix": []}}]]',
    "a negative start": f'[["a.yaml"], [{{{GOOD.replace("0, 0", "0, -1")}, "fix": []}}]]',
    "another file": f'[["a.yaml"], [{{{GOOD.replace("0, 0", "1, 0")}, "fix": []}}]]',
    "much nested": "[" * 100_000,
}


@pytest.mark.parametrize("name", ODD)
def test_what_was_not_stored_is_nothing(name: str):
    assert restored(f'[["a.yaml"], [{{{GOOD}, "fix": []}}]]', [b"text"])
    assert restored(ODD[name], [b"text"]) is None


def test_a_change_is_seen_and_undone(run: Run, looks: Looks):
    run("a.yaml")
    Path("a.yaml").write_text(WRONG)
    assert run("a.yaml").exit_code == 1
    Path("a.yaml").write_text(FINE)
    assert not looks("a.yaml")
    Path("a.yaml").unlink()
    assert run("a.yaml").exit_code == 2


def test_the_name_of_a_file_counts(run: Run):
    run("a.yaml")
    Path("class.yaml").write_text(FINE)
    assert run("class.yaml").exit_code == 1


def _edited():
    Path("lib/base.yaml").write_text(WRONG)


def _gone():
    Path("lib/base.yaml").unlink()


def _linked():
    Path("lib").rename("other")
    Path("lib").symlink_to("other")


@pytest.mark.parametrize("change", [_edited, _gone, _linked])
def test_what_a_spec_extends_is_looked_at(run: Run, looks: Looks, change: Callable[[], None]):
    assert run("child.yaml").exit_code == 0
    assert not looks("child.yaml")
    change()
    assert looks("child.yaml")


def test_a_file_that_may_no_longer_be_extended_is_an_error(run: Run):
    Path("deep").mkdir()
    Path("deep/child.yaml").write_text(CHILD.replace("lib/", "../lib/"))
    assert run("deep/child.yaml").exit_code == 0
    Path("deep/pyproject.toml").touch()
    assert "outside of the project" in run("deep/child.yaml").stderr


def test_a_path_through_a_link_is_not_remembered(run: Run, looks: Looks):
    Path("link").symlink_to("lib")
    Path("child.yaml").write_text(CHILD.replace("lib/", "link/"))
    assert run("child.yaml").exit_code == 0
    assert looks("child.yaml")


def _truncate(entry: Path):
    entry.write_bytes(entry.read_bytes()[:-1])


def _forge(entry: Path):
    entry.write_bytes(b"0" * 64 + b"\n")


def _grow(entry: Path):
    entry.write_bytes(entry.read_bytes() + b"0" * cache.LARGEST_ENTRY)


def _make_folder(entry: Path):
    entry.unlink()
    entry.mkdir()


def _plant_link(entry: Path):
    entry.rename(entry.with_name("elsewhere"))
    entry.symlink_to("elsewhere")


def _make_pipe(entry: Path):
    entry.unlink()
    os.mkfifo(entry)


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes are those of POSIX")
@pytest.mark.parametrize(
    "damage",
    [_truncate, _forge, _grow, _make_folder, _plant_link, _make_pipe, Path.unlink],
)
def test_a_damaged_entry_is_a_miss(
    run: Run, looks: Looks, tmp_path: Path, damage: Callable[[Path], None]
):
    run("child.yaml")
    (entry,) = entries(tmp_path)
    damage(entry)
    assert looks("child.yaml")
    assert run("child.yaml").output == "child.yaml: ok\n"


def test_an_entry_of_another_spec_is_a_miss(run: Run, looks: Looks, tmp_path: Path):
    run("a.yaml")
    (entry,) = entries(tmp_path)
    content = entry.read_bytes()
    run("child.yaml")
    (other,) = set(entries(tmp_path)) - {entry}
    other.write_bytes(content)
    assert looks("child.yaml")


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="gives a file away")
def test_an_entry_of_somebody_else_is_a_miss(run: Run, looks: Looks, tmp_path: Path):
    run("a.yaml")
    assert not looks("a.yaml")
    (entry,) = entries(tmp_path)
    os.chown(entry, 4321, -1)
    assert looks("a.yaml")


@pytest.mark.parametrize("folder", ["a.yaml", "a\udc80", os.devnull])
def test_without_a_place_for_a_cache_there_is_none(
    run: Run, monkeypatch: pytest.MonkeyPatch, folder: str
):
    monkeypatch.setenv("CNNGEN_CACHE_DIR", folder)
    assert run("a.yaml").output == "a.yaml: ok\n"


def test_old_entries_go_and_other_files_stay(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(cache, "MOST_ENTRIES", 4)
    run("a.yaml")
    note = tmp_path / "cache/check/note.txt"
    note.touch()
    for classes in range(20):
        run("a.yaml", "--set", f"classes={classes + 1}")
    assert note in entries(tmp_path)
    assert len(entries(tmp_path)) <= 5


def test_a_hit_imports_neither_yaml_nor_the_compiler(run: Run, tmp_path: Path):
    code = (
        "import sys; from cnngen.cli import cli;"
        "cli.main(['check', 'child.yaml'], standalone_mode=False);"
        "print({'yaml', 'networkx', 'jinja2', 'cnngen.analysis', 'cnngen.ops'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code]  # twice, for a process keeps what it saw of the compiler
    first, second = (
        subprocess.run(command, capture_output=True, text=True, check=True) for _ in range(2)
    )
    assert "cnngen.analysis" in first.stdout
    assert second.stdout == "child.yaml: ok\nset()\n"
