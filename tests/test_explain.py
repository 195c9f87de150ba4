"""The pages of `cnngen explain` do what they say.

`python tests/test_explain.py --update` writes into each page what its example prints now.
"""

import re
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from cnngen.diagnostics import explain as explanations
from cnngen.diagnostics.codes import CODES
from cnngen.diagnostics.explain import explain
from cnngen.diagnostics.text import render_text
from cnngen.source import Source

PAGE = re.compile(
    r"# (?P<title>\S+)\n\n(?P<prose>.+?)\n\nExample:\n\n"
    r"```yaml fails(?P<no_run> no-run)?\n(?P<failing>.+?)```\n\n"
    r"```text\n(?P<output>.+?)```\n\nMended:\n\n"
    r"```yaml mended\n(?P<mended>.+?)```\n",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Page:
    """The parts of a page; one that does not run needs more than a text to show its diagnostic."""

    code: str
    text: str
    runs: bool
    failing: str
    output: str
    mended: str

    @classmethod
    def of(cls, code: str) -> "Page":
        text = explain(code)
        assert text is not None
        parts = PAGE.fullmatch(text)
        assert parts, f"the page of {code} has not the form of the others"
        assert parts["title"] == code
        return cls(
            code, text, not parts["no_run"], parts["failing"], parts["output"], parts["mended"]
        )

    def with_output(self, output: str) -> str:
        return self.text.replace(f"```text\n{self.output}```", f"```text\n{output}```")


def check(spec: str) -> tuple[set[str], str]:
    """The codes that a spec gives, and what is printed."""
    from cnngen.api import check_source

    report = list(check_source(Source("example.yaml", spec)))
    return {diagnostic.code for diagnostic in report}, render_text(report)


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


@pytest.mark.skipif(find_spec("cnngen.api") is None, reason="there is no checker yet")
@pytest.mark.parametrize("code", CODES)
def test_the_examples_do_what_the_page_says(code: str):
    page = Page.of(code)
    if page.runs:
        codes, output = check(page.failing)
        assert codes == {code}
        assert page.output == output
    assert check(page.mended) == (set(), "")


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


if __name__ == "__main__":
    if sys.argv[1:] != ["--update"]:
        sys.exit(__doc__)
    update()
