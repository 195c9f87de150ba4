"""`cnngen check --watch`: which changes it sees. Its pauses are the edits of a test."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cnngen.analysis import analyse_file
from cnngen.cli import cli
from cnngen.semantics.network import Network
from cnngen.syntax.load import load

FINE = """\
cnngen: 1
name: Small
about: A small network.
params: {classes: 10}
input: {channels: 3, height: 8, width: 8}
model:
  head: [relu, global_avg_pool, flatten, {linear: {out: classes}}]
"""
WRONG = FINE.replace("relu", "rel")
CHILD = "cnngen: 1\nextends: ../lib/base.yaml\nname: Child\nabout: A child.\n"

Edit = Callable[[], object]
Watch = Callable[..., list[str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """`cnngen check --watch`, with an edit in each pause, and Ctrl-C in the one after the last."""
    monkeypatch.chdir(tmp_path)
    Path("pyproject.toml").touch()
    put("lib/base.yaml", FINE)
    put("specs/a.yaml", FINE)
    put("specs/child.yaml", CHILD)

    def run(*arguments: str, edits: tuple[Edit, ...] = ()) -> Result:
        left = list(edits)

        def sleep(_: float) -> None:
            if not left:
                raise KeyboardInterrupt
            left.pop(0)()

        with monkeypatch.context() as patched:
            patched.setattr("cnngen.commands.check.sleep", sleep)
            return CliRunner().invoke(cli, ["check", "--watch", *arguments])

    return run


@pytest.fixture
def watch(run: Callable[..., Result]) -> Watch:
    """The verdicts of each round: an edit is made, and then there is a pause for it to settle."""

    def watch(*arguments: str, edits: tuple[Edit, ...] = ()) -> list[str]:
        done = run(*arguments, edits=tuple(step for edit in edits for step in (edit, nothing)))
        assert done.exit_code == 130, done.output
        rounds = done.output.split("Ctrl-C ends\n")
        assert rounds.pop() == ""
        return rounds

    return watch


def put(path: str, text: str) -> None:
    """Save as an editor does: the new file takes the place of the old one."""
    file = Path(path)
    file.parent.mkdir(exist_ok=True)
    other = file.with_suffix(".new")
    other.write_text(text)
    other.replace(file)


def gone(path: str) -> None:
    Path(path).unlink()


def nothing() -> None:
    pass


def test_what_is_watched_is_said(watch: Watch):
    assert watch() == [
        "specs/a.yaml: ok\nspecs/child.yaml: ok\n2 specs: 2 ok\nwatching specs (3 files); "
    ]
    assert watch("specs/a.yaml") == ["specs/a.yaml: ok\nwatching specs/a.yaml (1 file); "]


def test_without_a_change_nothing_is_checked_again(run: Callable[..., Result]):
    done = run(edits=(nothing,) * 9)
    assert done.output.count("watching") == 1


def test_a_change_is_checked(watch: Watch):
    first, second, third = watch(
        "specs/a.yaml",
        edits=(lambda: put("specs/a.yaml", WRONG), lambda: put("specs/a.yaml", FINE)),
    )
    assert "specs/a.yaml: 1 error\n" in second
    assert third == first


def test_only_what_changed_is_read_again_for_its_files(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
):
    loaded: list[str] = []

    def counted(path: Path, *arguments: Any, **named: Any) -> Any:
        loaded.append(path.name)
        return load(path, *arguments, **named)

    monkeypatch.setattr("cnngen.commands.watch.load", counted)
    watch(edits=(lambda: put("specs/a.yaml", WRONG), lambda: put("lib/base.yaml", WRONG)))
    assert loaded == ["a.yaml", "child.yaml", "a.yaml", "child.yaml"]


def test_a_text_that_is_written_in_place_is_checked(watch: Watch):
    _, second = watch("specs/a.yaml", edits=(lambda: Path("specs/a.yaml").write_text(WRONG),))
    assert "specs/a.yaml: 1 error\n" in second


def test_what_a_spec_extends_is_watched(watch: Watch):
    _, second = watch("specs/child.yaml", edits=(lambda: put("lib/base.yaml", WRONG),))
    assert "specs/child.yaml: 1 error\n" in second


def test_a_missing_parent_is_waited_for(watch: Watch):
    gone("lib/base.yaml")
    first, second = watch("specs/child.yaml", edits=(lambda: put("lib/base.yaml", FINE),))
    assert "`lib/base.yaml` does not exist" in first
    assert second.startswith("specs/child.yaml: ok\n")


def test_a_folder_is_watched_for_specs(watch: Watch):
    _, second, third = watch(
        edits=(lambda: put("specs/b.yaml", WRONG), lambda: gone("specs/b.yaml"))
    )
    assert "3 specs: 2 ok, 1 with errors\n" in second
    assert "2 specs: 2 ok\n" in third


def test_a_spec_that_is_gone_may_come_back(watch: Watch):
    first, second, third = watch(
        "specs/a.yaml", edits=(lambda: gone("specs/a.yaml"), lambda: put("specs/a.yaml", FINE))
    )
    assert "Error: there is no file, folder or spec of the zoo `specs/a.yaml`" in second
    assert third == first


def test_a_file_that_is_missing_for_a_moment_was_changed(run: Callable[..., Result]):
    edits = (lambda: gone("specs/a.yaml"), lambda: put("specs/a.yaml", WRONG))
    done = run("specs/a.yaml", edits=edits)
    assert done.stdout == "specs/a.yaml: ok\nspecs/a.yaml: 1 error\n"
    assert done.stderr.count("watching") == 2


def test_a_change_during_a_check_is_seen(
    run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
):
    def analyse_and_edit(*arguments: Any) -> Network | None:
        network = analyse_file(*arguments)
        put("specs/a.yaml", WRONG)
        return network

    monkeypatch.setattr("cnngen.check.analyse_file", analyse_and_edit)
    done = run("specs/a.yaml", edits=(nothing,))
    assert done.stdout == "specs/a.yaml: ok\nspecs/a.yaml: 1 error\n"


def test_an_unreadable_spec_is_watched(watch: Watch):
    Path("specs/a.yaml").write_bytes(b"\xff")
    first, second = watch("specs/a.yaml", edits=(lambda: put("specs/a.yaml", FINE),))
    assert "is not UTF-8 text" in first
    assert second.startswith("specs/a.yaml: ok\n")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--set", "width=3"), "`width`"),
        (("--max-layers", "2"), "more than 2 layers"),
        (("--format", "concise"), ""),
    ],
)
def test_each_round_has_the_same_options(watch: Watch, options: tuple[str, str], said: str):
    first, second = watch("specs/a.yaml", *options, edits=(lambda: put("specs/a.yaml", FINE),))
    assert said in first
    assert second == first


@pytest.mark.parametrize(
    "options", [["--fix"], ["--diff"], ["--format", "json"], ["--format", "sarif"], ["missing"]]
)
def test_what_cannot_be_watched_is_wrong_use(run: Callable[..., Result], options: list[str]):
    assert run(*options).exit_code == 2


def test_a_bug_ends_it(run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch):
    def broken(*_: object) -> None:
        raise AssertionError("the sky is falling")

    monkeypatch.setattr("cnngen.check.analyse_file", broken)
    done = run("specs/a.yaml")
    assert done.exit_code == 70
    assert "spec: specs/a.yaml" in done.stderr
