"""The pages of `cnngen explain` do what they say.

`python tests/test_explain.py --update` writes into each page what its example prints now, and all
pages into `docs/diagnostics.md`.
"""

import sys
from pathlib import Path

import jinja2
import pytest
from support.documentation_pages import DIAGNOSTICS
from support.explanation_pages import Page

from cnngen.analysis import analyse_file
from cnngen.api import check_source
from cnngen.diagnostics import explain as explanations
from cnngen.diagnostics.codes import CODES
from cnngen.diagnostics.explain import explain
from cnngen.diagnostics.model import Report
from cnngen.diagnostics.text import render_text
from cnngen.report.diagnostics_reference import reference
from cnngen.source import Source
from cnngen.targets import generate


class TargetWithoutShuffles:
    """A target of another package, which has no template for one op."""

    @staticmethod
    def render(*arguments: object) -> str:
        raise jinja2.TemplateNotFound("mine/ops/pixel_shuffle.jinja")


def check(spec: str) -> tuple[set[str], str]:
    """The codes that a spec gives, and what is printed."""
    found = check_source(Source("example.yaml", spec))
    return {diagnostic.code for diagnostic in found}, render_text(found)


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_a_page_of_the_common_form(code: str):
    page = Page.of(code)
    assert page.failing != page.mended
    assert page.runs or page.output.startswith(f"{CODES[code].severity.value}[{code}]: ")


def test_every_page_has_a_code():
    folder = Path(explanations.__file__).parent
    assert {path.stem for path in folder.glob("*.md")} == set(CODES)


@pytest.mark.parametrize("code", ["no-such-code", "", "../explain/recursion", "/etc/passwd"])
def test_what_is_no_code_has_no_page(code: str):
    assert explain(code) is None


@pytest.mark.parametrize("code", CODES)
def test_the_examples_do_what_the_page_says(code: str):
    page = Page.of(code)
    if page.runs:
        codes, output = check(page.failing)
        assert codes == {code}
        assert page.output == output
    assert check(page.mended) == (set(), "")


@pytest.mark.parametrize("code", CODES)
def test_a_page_says_whether_the_example_is_fixed(code: str):
    page = Page.of(code)
    if page.runs:
        found = check_source(Source("example.yaml", page.failing))
        assert any(diagnostic.fix for diagnostic in found) == ("= fix:" in page.output)


def test_the_page_of_an_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    page = Page.of("unreadable")
    monkeypatch.chdir(tmp_path)
    Path("example.yaml").write_bytes(page.failing.encode("latin-1"))
    report = Report()
    analyse_file(Path("example.yaml"), report)
    assert render_text(list(report)) == page.output


def test_the_page_of_an_op_that_a_target_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    page = Page.of("unsupported-op")
    monkeypatch.chdir(tmp_path)
    Path("example.yaml").write_text(page.failing, encoding="utf-8")
    network, report = analyse_file(Path("example.yaml"), Report()), Report()
    assert network
    monkeypatch.setattr(generate, "find_target", lambda name: TargetWithoutShuffles)
    assert generate.generate(network, "mine", report) is None
    assert render_text(list(report)) == page.output


def test_the_reference_is_up_to_date():
    """If not: `python tests/test_explain.py --update`."""
    assert DIAGNOSTICS.read_text(encoding="utf-8") == reference()


def update() -> None:
    """Write into each page what its example prints now."""
    for code in CODES:
        page = Page.of(code)
        if page.runs:
            codes, output = check(page.failing)
            if codes != {code}:
                print(f"{code}: the example gives {sorted(codes)}", file=sys.stderr)
            path = Path(explanations.__file__).with_name(f"{code}.md")
            path.write_text(page.with_output(output), encoding="utf-8")
    DIAGNOSTICS.write_text(reference(), encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:] != ["--update"]:
        sys.exit(__doc__)
    update()
