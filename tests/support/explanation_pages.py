"""The pages of `cnngen explain`, in parts: prose, a spec that fails, what is printed, it mended."""

import re
from dataclasses import dataclass

from cnngen.diagnostics.explain import explain

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
