"""The reference of the diagnostics: the pages of `cnngen explain` as one page of Markdown."""

import re

from cnngen.diagnostics.codes import CODES
from cnngen.diagnostics.explain import explain

INTRODUCTION = """\
# Diagnostics

What `cnngen check` can say, with an example of each and the same example mended. `cnngen explain
CODE` prints the section of a code. A test runs all examples; `cnngen explain --format markdown`
writes this page.

An error keeps a spec from being built, a warning or a note does not. `--fix` marks those whose
example `cnngen check --fix` mends; [what else it mends](ci.md#fixes).
"""
FENCE = re.compile(r"^```yaml .*$", re.MULTILINE)


def reference() -> str:
    """A table of all codes, then their pages."""
    pages = {code: explain(code) or "" for code in CODES}
    rows = [
        f"| [`{code}`](#{code}) | {CODES[code].severity.value} |"
        f" {'`--fix`' if '= fix:' in page else ''} | {CODES[code].summary} |\n"
        for code, page in pages.items()
    ]
    table = "".join(["| code | | | |\n| --- | --- | --- | --- |\n", *rows])
    sections = [FENCE.sub("```yaml", f"#{page}") for page in pages.values()]
    return "\n".join([INTRODUCTION, table, *sections])
