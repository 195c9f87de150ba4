"""Mistakes of a spec that extends another are said where they are made: `extended.md`.

python tests/test_extended.py --update writes what is printed now.
"""

import re
import sys
import tempfile
from pathlib import Path

import pytest
from support.pasted_help import pasted, says_what

from cnngen.check import check
from cnngen.diagnostics.model import Diagnostic
from cnngen.diagnostics.text import render_text

CASES = Path(__file__).parent / "extended.md"
FILE = re.compile(r"^```yaml (?P<name>\S+)\n(?P<text>(?:.*\n)*?)```\n", re.MULTILINE)
CASE = re.compile(
    r"^## (?P<title>.+)\n\n.+\n\n"
    r"```yaml\n(?P<spec>(?:.*\n)*?)```\n\n```text\n(?P<output>(?:.*\n)*?)```\n",
    re.MULTILINE,
)
TEXT = CASES.read_text(encoding="utf-8")
# What an author must think about: which block or stage it is to be.
TO_THINK = ("with which it fits", "its `params` in", "it has `", "takes any number")


def write_files(folder: Path) -> None:
    (folder / "pyproject.toml").touch()
    for file in FILE.finditer(TEXT):
        (folder / file["name"]).write_text(file["text"], encoding="utf-8")


def said(path: Path) -> list[Diagnostic]:
    return check(path).diagnostics


def printed(spec: str, folder: Path) -> str:
    """What is said about a spec beside the files."""
    (folder / "child.yaml").write_text(spec, encoding="utf-8")
    return render_text(said(folder / "child.yaml")).replace(f"{folder}/", "")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_files(tmp_path)
    return tmp_path


@pytest.fixture(params=list(CASE.finditer(TEXT)), ids=lambda case: case["title"])
def case(request: pytest.FixtureRequest) -> re.Match[str]:
    return request.param


def test_case(case: re.Match[str], folder: Path) -> None:
    assert printed(case["spec"], folder) == case["output"]


@pytest.mark.parametrize("file", [file["name"] for file in FILE.finditer(TEXT)])
def test_what_is_extended_is_valid(file: str, folder: Path) -> None:
    assert said(folder / file) == []


def test_the_child_is_blamed(case: re.Match[str], folder: Path) -> None:
    """Each error stands in the child, whoever prints it, and none in what it extends."""
    child = folder / "child.yaml"
    child.write_text(case["spec"], encoding="utf-8")
    assert {d.primary.span.source.path for d in said(child)} <= {str(child)}


def test_the_help_mends_the_child(case: re.Match[str], folder: Path) -> None:
    child = folder / "child.yaml"
    child.write_text(case["spec"], encoding="utf-8")
    found = said(child)
    for error in found:
        if error.help is None or any(words in error.help for words in TO_THINK):
            continue
        before = {(d.code, d.message) for d in found}
        assert says_what(error)
        assert any(
            (error.code, error.message) not in after and after < before
            for text in pasted(case["spec"], error)
            for after in [_messages(text, child)]
        ), error.help


def _messages(text: str, path: Path) -> set[tuple[str, str]]:
    path.write_text(text, encoding="utf-8")
    return {(d.code, d.message) for d in said(path)}


def update() -> None:
    """Write into each case what is printed now."""
    text = TEXT
    with tempfile.TemporaryDirectory() as name:
        write_files(Path(name))
        for case in reversed(list(CASE.finditer(TEXT))):
            output = printed(case["spec"], Path(name))
            text = text[: case.start("output")] + output + text[case.end("output") :]
    CASES.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:] != ["--update"]:
        sys.exit(__doc__)
    update()
