"""The documentation is true: its specs are valid or wrong as they say, and its outputs are real.

What the blocks of `README.md` and `docs/*.md` are, `documentation_pages.py` and `page_outputs.py`
say.
`python tests/test_docs.py --update` writes into the outputs what is found now.
"""

import re
import sys
import tempfile
from pathlib import Path

import pytest
from jinja2 import Environment
from jinja2.defaults import DEFAULT_NAMESPACE
from jinja2.meta import find_undeclared_variables
from support.documentation_pages import PAGES, ROOT, SPECS, Block, blocks, changed
from support.page_outputs import OUTPUTS, output

from cnngen.analysis import analyse_file
from cnngen.diagnostics.codes import CODES
from cnngen.diagnostics.model import Report
from cnngen.diagnostics.text import render_text
from cnngen.expressions import parser, tokens
from cnngen.expressions.expression import LARGEST_NUMBER, LONGEST_LIST
from cnngen.semantics import uses
from cnngen.semantics.elaborate import MAX_LAYERS
from cnngen.shipped import TEMPLATES
from cnngen.syntax import parse_value
from cnngen.syntax.builder import MAX_DEPTH, MAX_NODES
from cnngen.syntax.load import LONGEST_CHAIN
from cnngen.syntax.naming import LONGEST_NAME
from cnngen.syntax.parse_input import LARGEST_SIDE, MOST_INPUTS
from cnngen.syntax.parse_parameters import MOST_PARAMETERS
from cnngen.syntax.read import MAX_SIZE
from cnngen.targets.registry import BUILT_IN
from cnngen.targets.spelling import Speller

BLOCKS = [block for path in PAGES for block in blocks(path)]
MARKS = {
    "console torch": pytest.mark.torch,
    "pycon torch": pytest.mark.torch,
    "pycon keras": pytest.mark.keras,
}


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.kind in SPECS], ids=str)
def test_spec(block: Block):
    assert block.codes <= set(CODES)
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        block.write_files(Path(folder))
        analyse_file(Path(folder) / block.file, report)
    assert {diagnostic.code for diagnostic in report} == block.codes, render_text(list(report))


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(block, marks=MARKS.get(block.kind, ()), id=str(block))
        for block in BLOCKS
        if block.kind in OUTPUTS
    ],
)
def test_output(block: Block):
    if block.kind in MARKS:
        pytest.importorskip(block.words[1])
    assert output(block) == block.text


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_link_leads_somewhere(path: Path):
    text = path.read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:)([^)]*)\)", text):
        file, _, heading = target.partition("#")
        page = path.parent / file if file else path
        assert page.exists(), target
        if heading:
            titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
            assert heading in {anchor(title) for title in titles}, target


def anchor(title: str) -> str:
    """The anchor that GitHub gives to a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def test_what_templates_are_given_is_written_down():
    page = (ROOT / "docs/commands.md").read_text(encoding="utf-8")
    section = page.split("\n## Templates\n")[1].split("\n## ")[0]
    for target in BUILT_IN:
        environment = Speller(target).environment
        functions = {*environment.globals} - {*DEFAULT_NAMESPACE}
        assert functions == set(re.findall(r"`(\w+)\(", section))
        text = (TEMPLATES / target / "model.jinja").read_text(encoding="utf-8")
        given = find_undeclared_variables(Environment().parse(text))
        assert len(given) > 4 and given <= set(re.findall(r"`(\w+)`", section))


def test_every_block_of_yaml_is_checked():
    known = {*SPECS, *OUTPUTS}
    assert [str(b) for b in BLOCKS if b.words[:1] == ("yaml",) and b.kind not in known] == []


def test_the_limits_of_the_language_are_those_of_the_code():
    text = (ROOT / "docs/language.md").read_text(encoding="utf-8")
    table = text.partition("## Limits")[2].partition("## ")[0]
    rows = dict(re.findall(r"^\| (\w.*?) \| ([\d,]+)\b", table, re.MULTILINE))
    assert {what: int(most.replace(",", "")) for what, most in rows.items()} == {
        "characters of a file": MAX_SIZE,
        "values in a file": MAX_NODES,
        "lists and mappings in each other": MAX_DEPTH,
        "files that extend each other": LONGEST_CHAIN,
        "characters of a name": LONGEST_NAME,
        "characters of a text": parse_value.LONGEST_TEXT,
        "characters of an expression": tokens.LONGEST_TEXT,
        "levels of an expression": parser.DEEPEST,
        "numbers": 10,  # 10**12
        "elements of a list": LONGEST_LIST,
        "parameters of a block or the model": MOST_PARAMETERS,
        "inputs": MOST_INPUTS,
        "steps and blocks in each other": uses.DEEPEST,
        "a height, a width, a number of channels or features": 2,  # 2**31 - 1
        "layers": MAX_LAYERS,
    }
    assert LARGEST_NUMBER == 10**12 and LARGEST_SIDE == 2**31 - 1


def test_a_change_replaces_by_name_and_adds_in_the_order_of_its_listing():
    text = "cnngen: 1\nname: A\n\nmodel:\n  b: 1\n\n  c:\n    1\n  d: 1\n\noutputs: {x: d}\n"
    change = "params:\n  p: 2\n\nmodel:\n  c: 2\n  new: 2\n  d: 1\n  last: 2\n\noutputs: {y: d}\n"
    assert changed(text, change) == (
        "cnngen: 1\nname: A\n\nparams:\n  p: 2\n\n"
        "model:\n  b: 1\n  c: 2\n  new: 2\n  d: 1\n  last: 2\n\noutputs: {y: d}\n"
    )


def update() -> None:
    """Write into each output what it is now."""
    for path in PAGES:
        new = text = path.read_text(encoding="utf-8")
        for block in reversed(list(blocks(path))):
            if block.kind in OUTPUTS:
                start, end = block.span
                new = new[:start] + output(block) + new[end:]
        if new != text:
            path.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:] != ["--update"]:
        sys.exit(__doc__)
    update()
