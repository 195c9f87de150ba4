"""Edits of a spec's text, in terms of its tree.

New text follows the style of the text around it. Whether the result means what was intended, the
caller has to try: a quotation mark may be in the way.
"""

from collections.abc import Sequence
from typing import Literal

from cnngen.diagnostics.model import Edit
from cnngen.source import Span
from cnngen.syntax.tree import Call, Identifier


def with_argument(call: Call, name: str, value: str) -> Edit:
    """A call with an attribute changed or added."""
    argument = f"{name}: {value}"
    for given in call.arguments:
        if given.name.text == name:
            return Edit(given.value.span or given.name.span, value)
    if not call.arguments:
        filled = f"{call.callee.text}: {{{argument}}}"
        return with_steps(call.span, [filled if call.span == call.callee.span else call.span.text])
    last = call.arguments[-1]
    text = call.span.source.text
    end = (last.value.span or last.name.span).end
    end += len(text[end:]) - len(text[end:].lstrip("\"'"))
    if text[end:].lstrip()[:1] in (",", "}"):
        return Edit(Span(call.span.source, end, end), f", {argument}")
    line_end = text.find("\n", end)
    at = Span(call.span.source, *(2 * [line_end if line_end >= 0 else len(text)]))
    return Edit(at, f"\n{' ' * (last.name.span.column - 1)}{argument}")


def with_steps(step: Span, steps: Sequence[str]) -> Edit:
    """Other steps in the place of one, which may be one of them."""
    match surroundings(step):
        case "list":
            line = step.source.line(step.line)
            return Edit(step, f"\n{line[: line.index('-')]}- ".join(steps))
        case "flow list":
            return Edit(step, ", ".join(steps))
        case "value":
            return Edit(step, in_flow(steps))


def with_branch(name: Identifier, steps: Sequence[str]) -> Edit:
    """Steps for a branch that has none."""
    text = name.span.source.text
    colon = text.find(":", name.span.end) + 1
    return Edit(Span(name.span.source, colon, colon), f" {in_flow(steps)}")


def in_flow(steps: Sequence[str]) -> str:
    """Steps as the value of a key, on one line."""
    if len(steps) > 1:
        return f"[{', '.join(steps)}]"
    return f"{{{steps[0]}}}" if ":" in steps[0] and steps[0][0] not in "{[" else steps[0]


def surroundings(step: Span) -> Literal["list", "flow list", "value"]:
    """Whether a step is an item behind a dash, one in brackets, or all that its key has."""
    before = step.source.line(step.line)[: step.column - 1].strip()
    if before == "-":
        return "list"
    return "flow list" if before.endswith(("[", ",")) else "value"
