"""Remedies: what a help tells to write at a line mends the error that it stands below."""

import re
from collections import Counter
from pathlib import Path

import pytest
from support.mistake_cases import Case, cases
from support.pasted_help import pasted

from cnngen import remedy
from cnngen.check import check
from cnngen.diagnostics.model import Diagnostic
from cnngen.fix import Copies, Findings

PROPOSING = [case for case in cases() if re.search("help: write .+ (at|of) line", case.output)]


def said(spec: str, folder: Path) -> list[Diagnostic]:
    path = folder / "spec.yaml"
    path.write_text(spec, encoding="utf-8")
    return check(path).diagnostics


def messages(diagnostics: list[Diagnostic]) -> Counter[str]:
    return Counter(diagnostic.message for diagnostic in diagnostics)


def test_there_are_cases_with_remedies():
    assert len(PROPOSING) >= 8


@pytest.mark.parametrize("case", PROPOSING, ids=str)
def test_what_a_help_says_mends_the_error(case: Case, tmp_path: Path):
    found = said(case.spec, tmp_path)
    for diagnostic in found:
        if not re.search(" at line | in place of line", diagnostic.help or ""):
            continue
        for mended in pasted(case.spec, diagnostic):
            after = messages(said(mended, tmp_path))
            assert after < messages(found), "fewer errors, and no other ones"


MANY = """\
cnngen: 1
name: Net
about: Errors that come from each other's neighbourhood.
input: {channels: 3, height: 32, width: 32}
model:
"""
STAGE = """\
  stage{i}:
    - from: input
    - branches:
        main: [conv: {{out: {i}, kernel: 3}}, conv: {{out: 8{i}, kernel: 3, stride: 2}}]
        other: [conv: {{out: 9{i}, kernel: 5}}, max_pool: {{kernel: 2}}]
        shortcut: identity
      join: add
"""


def test_few_remedies_are_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    examined: list[Path] = []
    examine = Copies.examine

    def counting(self: Copies, path: Path) -> Findings:
        examined.append(path)
        return examine(self, path)

    monkeypatch.setattr(Copies, "examine", counting)
    found = said(MANY + "".join(STAGE.format(i=i) for i in range(4, 12)), tmp_path)
    assert sum(bool(diagnostic.remedies) for diagnostic in found) == 8
    assert len(examined) <= 1 + 2 * remedy.MOST_TRIALS


def test_a_long_spec_is_not_tried_again_and_again(tmp_path: Path):
    spec = next(case for case in PROPOSING if case.title == "An addition of different sizes").spec
    comment = "# " + "x" * remedy.MOST_CHARACTERS + "\n"
    (short,), (long,) = said(spec, tmp_path), said(comment + spec, tmp_path)
    assert "at line" in (short.help or "") and "at line" not in (long.help or "")
