"""From spec to source: each of `printed/*.md` has specs, the program that they are lowered to, and what both targets
print of it.

`python tests/test_printed.py --update` writes what is made of them now.
"""

import re
import sys
import tempfile
from pathlib import Path

import pytest

from cnngen.analysis import analyse_file
from cnngen.diagnostics.model import Report
from cnngen.plan import show
from cnngen.plan.lower import lower
from cnngen.plan.verify import verify
from cnngen.semantics.network import Network
from cnngen.targets.generate import generate

PAGES = sorted((Path(__file__).parent / "printed").glob("*.md"))
CASE = re.compile(
    r"^## (?P<title>.+)\n\n(?P<prose>(?:(?!```|#).+\n)+)\n```yaml\n(?P<spec>(?:.*\n)*?)```\n"
    r"(?P<printed>(?:\n```(?:plan|torch|keras)\n(?:(?!```).*\n)*?```\n)*)",
    re.MULTILINE,
)
CASES = [
    pytest.param(case, id=f"{page.stem}: {case['title']}")
    for page in PAGES
    for case in CASE.finditer(page.read_text(encoding="utf-8"))
]


def network_of(text: str) -> Network:
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.yaml"
        path.write_text("cnngen: 1\n" + text, encoding="utf-8")
        network = analyse_file(path, report)
    assert network and not report.failed, [diagnostic.message for diagnostic in report]
    return network


def printed(text: str) -> str:
    """The program of a spec and both sources, without what stands above the first class."""
    network = network_of(text)
    program = lower(network)
    verify(program)
    parts = {"plan": show.text(program)}
    for target in ("torch", "keras"):
        source = generate(network, target, Report()) or ""
        parts[target] = re.split(r"\n\n\n(?=class |def )", source, maxsplit=1)[1]
    return "".join(f"\n```{kind}\n{part}```\n" for kind, part in parts.items())


@pytest.mark.parametrize("case", CASES)
def test_what_is_printed(case: re.Match[str]) -> None:
    assert printed(case["spec"]) == case["printed"]


def test_every_heading_has_a_case() -> None:
    assert len(CASES) > 15
    for page in PAGES:
        rest = CASE.sub("", page.read_text(encoding="utf-8"))
        assert not re.findall("^## (.+)$", rest, re.MULTILINE), page


def update() -> None:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        page.write_text(
            CASE.sub(
                lambda case: case[0].removesuffix(case["printed"]) + printed(case["spec"]), text
            ),
            encoding="utf-8",
        )


if __name__ == "__main__" and "--update" in sys.argv:
    update()
