"""The literate cases of `tests/cases/*.md`: specs with mistakes, and what is printed about each."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cnngen.check import check
from cnngen.diagnostics.text import render_text

FOLDER = Path(__file__).parents[1] / "cases"
CASE = re.compile(
    r"^## (?P<title>.+)\n\n(?P<prose>(?:(?!```|#).+\n)+)\n"
    r"```yaml\n(?P<spec>(?:.*\n)*?)```\n\n```text\n(?P<output>(?:.*\n)*?)```\n",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Case:
    """A spec and what is printed about it."""

    file: str
    title: str
    spec: str
    output: str

    def __str__(self) -> str:
        return f"{self.file}: {self.title}"


def cases() -> Iterator[Case]:
    for path in sorted(FOLDER.glob("*.md")):
        for found in CASE.finditer(path.read_text(encoding="utf-8")):
            yield Case(path.stem, found["title"], found["spec"], found["output"])


def printed(spec: str, folder: Path) -> str:
    """What is said about a spec that stands in a file `spec.yaml`."""
    path = folder / "spec.yaml"
    path.write_text(spec, encoding="utf-8", newline="")
    return render_text(check(path).diagnostics).replace(str(path), "spec.yaml")
