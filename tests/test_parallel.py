"""Specs that are checked side by side: the same is said, in the same order."""

import os
from concurrent.futures import Future
from pathlib import Path
from typing import Any, NoReturn

import pytest
from click.testing import CliRunner, Result

from cnngen import analysis
from cnngen.cli import cli
from cnngen.commands import checking

GOOD = """\
cnngen: 1
name: Net
about: A network.
input: {channels: 3, height: 32, width: 32}
model: {stem: {conv: {out: 16, kernel: 3}}}
"""
WRONG = GOOD.replace("kernel", "kernle")
CHILD = "cnngen: 1\nextends: wrong.yaml\nname: Child\n"
forks = pytest.mark.skipif(
    not checking.FORKS, reason="a patch reaches only a process that is forked"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in "abc":
        (tmp_path / f"{name}.yaml").write_text(GOOD)
    (tmp_path / "wrong.yaml").write_text(WRONG)
    (tmp_path / "child.yaml").write_text(CHILD)
    (tmp_path / "late.yaml").write_text(GOOD.replace("16", "0"))
    return tmp_path


def check(folder: Path, jobs: int, *options: str) -> Result:
    return CliRunner().invoke(cli, ["check", str(folder), "--jobs", str(jobs), *options])


@pytest.mark.parametrize("format", ["text", "concise", "json", "github", "sarif"])
def test_the_same_is_said(folder: Path, format: str):
    alone, together = (check(folder, jobs, "--format", format) for jobs in (1, 3))
    assert (together.exit_code, together.output) == (1, alone.output)
    assert "kernle" in alone.output


def test_processes_that_are_not_forked(folder: Path, monkeypatch: pytest.MonkeyPatch):
    alone = check(folder, 1)
    monkeypatch.setattr(checking, "FORKS", False)
    assert check(folder, 2).output == alone.output


def test_clean_specs_are_remembered(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CNNGEN_CACHE_DIR", str(folder / "cache"))
    first = check(folder, 2)
    monkeypatch.setattr("cnngen.check.analyse_file", never_for("a", "b", "c"))
    assert check(folder, 2).output == first.output


@forks
@pytest.mark.parametrize(
    ("end", "said"), [(ZeroDivisionError, "ZeroDivisionError"), (os._exit, "BrokenProcessPool")]
)
def test_a_bug_is_reported_with_its_spec(
    folder: Path, monkeypatch: pytest.MonkeyPatch, end: Any, said: str
):
    def broken(path: Path, *_: object) -> NoReturn:
        raise end(1)

    monkeypatch.setattr("cnngen.check.analyse_file", broken)
    result = check(folder, 2)
    assert result.exit_code == 70
    assert f"bug in cnngen: {said}" in result.output
    assert f"spec: {folder / 'a.yaml'}" in result.output


def test_an_interrupt_ends_all(folder: Path, monkeypatch: pytest.MonkeyPatch):
    def interrupted(self: "Future[Any]", timeout: float | None = None) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr(Future, "result", interrupted)
    result = check(folder, 2)
    assert (result.exit_code, result.output) == (130, "")


@forks
def test_few_specs_need_no_processes(folder: Path, monkeypatch: pytest.MonkeyPatch):
    seen: list[int] = []
    monkeypatch.setattr("cnngen.check.analyse_file", lambda *_: seen.append(os.getpid()))
    CliRunner().invoke(cli, ["check", str(folder / "a.yaml")])
    assert seen == [os.getpid()]


def never_for(*stems: str) -> Any:
    """The analysis, which fails for some specs."""
    analyse_file = analysis.analyse_file

    def analyse(path: Path, *rest: Any) -> Any:
        assert path.stem not in stems
        return analyse_file(path, *rest)

    return analyse
