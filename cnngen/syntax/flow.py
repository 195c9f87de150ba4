"""Expressions in YAML's flow style, where commas and brackets cut them: `{out: min(a, b)}`."""

from cnngen.diagnostics.model import Edit, Report
from cnngen.source import Span
from cnngen.syntax.yaml_nodes import Broken, Node, Scalar

LONGEST_EXPRESSION = 500
MOST_BRACKETS = 20
CLOSING = {"(": ")", "[": "]", "{": "}"}


def whole_expression(text: str, start: int) -> int | None:
    """The end of the expression at `start`, over commas in brackets; None where one stays open."""
    open_brackets: list[str] = []
    end = min(len(text), start + LONGEST_EXPRESSION)
    for i in range(start, end):
        character = text[i]
        if character in CLOSING:
            open_brackets.append(CLOSING[character])
            if len(open_brackets) > MOST_BRACKETS:
                return None
        elif open_brackets and character == open_brackets[-1]:
            open_brackets.pop()
        elif character in ")]}" or (character in ",\n#" and not open_brackets):
            end = i
            break
    return None if open_brackets else start + len(text[start:end].rstrip())


def quote(text: str) -> str:
    """The text as a YAML value in quotes, on one line."""
    text = " ".join(text.split())
    if '"' in text or "\\" in text:
        return "'" + text.replace("'", "''") + "'"
    return f'"{text}"'


def quoted(span: Span) -> tuple[Edit, ...]:
    """The fix that quotes what is on one line, and all of it to be read."""
    return () if set("\n#$") & set(span.text) else (Edit(span, quote(span.text)),)


def mend(children: list[Node], mapping: bool, report: Report) -> list[Node]:
    """Put expressions together that YAML cut at a comma: `{out: min(a, b)}`."""
    mended: list[Node] = []
    i = 0
    while i < len(children):
        child, is_key = children[i], mapping and i % 2 == 0
        i += 1
        end = _cut_end(child)
        if end is None:
            mended.append(child)
            continue
        while i < len(children) and children[i].span.start < end:
            i += 1
        i += mapping and i % 2  # the value that belongs to the last key
        span = Span(child.span.source, child.span.start, end)
        fix = () if is_key else quoted(span)
        whole = Scalar(" ".join(span.text.split()), False, span) if fix else Broken(span)
        mended += [] if is_key else [whole]
        report.add(
            "unbalanced-expression",
            "in flow style, a comma ends a value",
            span,
            "cut at the comma",
            help=f"quote it: {quote(span.text)}",
            fix=fix,
        )
    return mended


def _cut_end(child: Node) -> int | None:
    """The real end of the expression that begins with this value; None where the value is all of
    it.
    """
    if isinstance(child, Scalar) and child.plain and child.text.count("(") > child.text.count(")"):
        opening = child.span.start + child.span.text.index("(")  # lines may end before it
        end = whole_expression(child.span.source.text, opening)
        return end if end and end > child.span.end else None
    return None
