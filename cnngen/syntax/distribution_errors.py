"""A distribution that is written as a call, `he_normal(fan_out)`, as frameworks have it."""

import re

from cnngen.diagnostics.model import Edit, Report
from cnngen.source import Span

ARGUMENT = re.compile(r"(?:(\w+)\s*=\s*)?([\w.+-]+)")


def report_distribution(word: str, arguments: str, at: Span, report: Report) -> bool:
    """Whether a call is one of a distribution, which is reported."""
    from cnngen.ops.initializer import INITIALIZERS

    known = INITIALIZERS.get(word)
    if known is None:
        return False
    given: dict[str, str] = {}
    texts = [text.strip() for text in arguments.split(",") if text.strip()]
    for text, attribute in zip(texts, known.arguments, strict=False):
        if found := ARGUMENT.fullmatch(text):
            given[found[1] or attribute.name] = found[2]
    inner = ", ".join(f"{name}: {value}" for name, value in given.items())
    written = f"{{{word}: {{{inner}}}}}" if inner else word
    is_whole = len(given) == len(texts) and given.keys() <= {a.name for a in known.arguments}
    report.add(
        "wrong-kind",
        f"`{word}` is a distribution, not a function",
        at,
        help=f"write `{written}`" if is_whole else f"write `{{{word}: {{...}}}}`",
        fix=[Edit(at, written)] if is_whole and "\n" not in at.text else (),
    )
    return True
