"""Literate cases: `cases/*.md` have specs with mistakes, and exactly what is printed about each.

`python tests/test_cases.py --update` writes into each case what is printed now.
"""

import re
import sys
import tempfile
from pathlib import Path

import pytest
from support.mistake_cases import CASE, FOLDER, Case, cases, printed

from cnngen.diagnostics.codes import CODES

# What no single file called spec.yaml can show; other tests do.
ELSEWHERE = {"bad-extends", "unreadable", "unsupported-op"}


@pytest.mark.parametrize("case", list(cases()), ids=str)
def test_case(case: Case, tmp_path: Path):
    assert printed(case.spec, tmp_path) == case.output


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.md")), ids=lambda path: path.stem)
def test_every_heading_is_a_case(path: Path):
    text = path.read_text(encoding="utf-8")
    titles = re.findall("^## (.+)$", CASE.sub("", text), re.MULTILINE)
    assert not titles, "these are not of the form: heading, sentence, yaml, text"


def test_titles_are_unique():
    titles = [str(case) for case in cases()]
    assert len(titles) == len(set(titles))


def test_every_code_has_a_case():
    shown = {code for case in cases() for code in re.findall(r"^\w+\[(.+?)\]:", case.output, re.M)}
    assert shown == set(CODES) - ELSEWHERE


def update() -> None:
    """Write into each case what is printed now."""
    with tempfile.TemporaryDirectory() as folder:
        for path in sorted(FOLDER.glob("*.md")):
            text = path.read_text(encoding="utf-8")
            for case in reversed(list(CASE.finditer(text))):
                output = printed(case["spec"], Path(folder))
                text = text[: case.start("output")] + output + text[case.end("output") :]
            path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:] != ["--update"]:
        sys.exit(__doc__)
    update()
