"""What is printed as a fix is done by `--fix`, in one call; and all mistakes of a spec are said at
once. `scripts/mistakes.py --several 150` has a table.
"""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.answers_to_mistakes import Answers, answers
from support.mistakes_of_people import SPECS, corpus, several

from cnngen.analysis import DEFAULTS
from cnngen.check import check
from cnngen.cli import cli
from cnngen.diagnostics.model import Diagnostic
from cnngen.fix import copies_of, examine_all, fix

HEAD = """\
cnngen: 1
name: Net
about: A small network.
input: {channels: 3, height: 32, width: 32}
"""


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the zoo, in which files may be changed."""
    folder = tmp_path_factory.mktemp("specs")
    shutil.copytree(SPECS, folder, dirs_exist_ok=True)
    (folder / "pyproject.toml").touch()
    return folder


# --- Promises


def texts() -> list[tuple[str, str, str]]:
    """Specs with one mistake of each kind and with several: their ids, files and texts."""
    single = [(f"{m.kind}-{m.file}", m.file, m.text) for m in corpus(most=3, seed=1)]
    many = [(f"several-{i}", m[0].file, text) for i, (text, m) in enumerate(several(30, seed=1))]
    return [*single, *many]


def test_promises_are_kept_in_one_call(zoo: Path) -> None:
    """Each fix that is printed is made, and none is printed of what is left."""
    kept = 0
    for name, file, text in texts():
        path = zoo / file
        before = path.read_text(encoding="utf-8")
        try:
            path.write_text(text, encoding="utf-8")
            promised = sum(bool(diagnostic.fix) for diagnostic in said(path))
            copies = copies_of([path], DEFAULTS)
            made = list(fix([path], copies, examine_all([path], copies)))
            path.write_text(copies.texts[path.resolve()], encoding="utf-8")
            assert len(made) >= promised, name
            assert [d.message for d in said(path) if d.fix] == [], name
        finally:
            path.write_text(before, encoding="utf-8")
        kept += promised
    assert kept > 40


def said(path: Path) -> list[Diagnostic]:
    return check(path).diagnostics


@pytest.mark.parametrize(
    ("model", "left"),
    [
        ("  stem: {cnov: {out: 4, kernel: 3}}\n  deep: {conv: {out: 4, kernel: 99}}\n", 1),
        ("  stem: [batchnorm, flatten]\n  deep: {conv: {out: 4, kernel: 3}}\n", 1),
        ("  stem: {repeat: 2, doo: {cnov: {out: 4, kernal: 99}}}\n", 1),
        ("  stem: {relu: , form: inptu}\n  head: [flatten, {linear: {out: widht}}]\n", 1),
        ("  stem: avgpool\n", 1),
    ],
)
def test_hidden_errors_are_no_reason_against_a_fix(tmp_path: Path, model: str, left: int) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(f"{HEAD}model:\n{model}", encoding="utf-8")
    first = CliRunner().invoke(cli, ["check", "--no-cache", str(path)])
    promises = first.output.count("= fix:")
    done = CliRunner().invoke(cli, ["check", "--fix", str(path)])
    assert promises and done.output.count(": fixed[") >= promises
    assert done.output.count("error[") == left and "= fix:" not in done.output


def test_nothing_is_promised_of_a_file_that_may_not_be_changed(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(f"{HEAD}model: {{stem: rleu}}\n", encoding="utf-8")
    link = tmp_path / "link.yaml"
    link.symlink_to(path)
    child = tmp_path / "child.yaml"
    child.write_text("cnngen: 1\nextends: net.yaml\n", encoding="utf-8")
    for name, promises in ((path, 1), (link, 0), (child, 0)):
        output = CliRunner().invoke(cli, ["check", str(name)]).output
        assert (output.count("did you mean `relu`?"), output.count("= fix:")) == (1, promises)


# --- Several mistakes at once


@pytest.fixture(scope="module")
def several_answers(zoo: Path) -> list[Answers]:
    return [answers(text, mistakes, zoo) for text, mistakes in several(60)]


def test_most_mistakes_are_said_in_the_first_run(several_answers: list[Answers]) -> None:
    said = sum(len(each.said) for each in several_answers)
    unsaid = sum(len(each.unsaid) for each in several_answers)
    assert said + unsaid > 150
    assert said >= 0.9 * (said + unsaid)


def test_no_consequence_is_said_as_a_mistake(several_answers: list[Answers]) -> None:
    errors = sum(len(each.errors) for each in several_answers)
    consequences = [error for each in several_answers for error in each.consequences]
    assert len(consequences) <= 0.01 * errors, [error.message for error in consequences]
