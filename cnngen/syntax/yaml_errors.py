"""What is wrong with text that is not YAML, in our words: those of PyYAML are about YAML's grammar.

The two loaders of PyYAML word their problems differently, so problems are told apart by their place
and the few words that both loaders share.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import yaml

from cnngen.diagnostics.model import Edit, Label, Report
from cnngen.source import Span
from cnngen.syntax.fixes import expand_tabs
from cnngen.syntax.flow import CLOSING, quote, quoted, whole_expression
from cnngen.syntax.indentation_errors import TEXT, outdented, report_line, report_line_in_value
from cnngen.syntax.yaml_nodes import Broken, Node, Scalar

CALL = re.compile(r"\w+:[ ]+\{.*\}")
GLUED = re.compile(r"[ -]*(\w+:)\{.*\}")


@dataclass(frozen=True, slots=True)
class Mishap:
    """Where and why a YAML parser stopped; `last` is the last node before that, and `span` makes a
    span of offsets.
    """

    error: yaml.MarkedYAMLError
    text: str
    reached: int
    last: Node | None
    span: Callable[[int, int], Span]

    @property
    def at(self) -> int:
        mark = self.error.problem_mark
        return min(mark.index if mark else self.reached, len(self.text))

    @property
    def opening(self) -> int | None:
        """Where the construct began that the parser was reading."""
        mark = self.error.context_mark
        return mark.index if mark else None

    @property
    def character(self) -> str:
        """What stands at the mishap; empty at the end of the file."""
        return self.text[self.at : self.at + 1]

    @property
    def line_end(self) -> int:
        """The end of the line, less a comment."""
        end = self.text.find("\n", self.at)
        line = self.text[self.at : end if end >= 0 else None]
        return self.at + len(re.split(r"\s#", line, maxsplit=1)[0].rstrip())

    @property
    def neighbour(self) -> Span | None:
        """The value that ends on the same line just before the mishap."""
        if self.last is None:
            return None
        span, shift = self.last.span, self.span(0, 0).start
        between = self.text[span.end - shift : self.at]
        begun = between.strip(" ")
        return span if span.start < span.end and begun in ("", "*", "&") else None


def report_mishap(mishap: Mishap, report: Report) -> None:
    """Say what is wrong, unless it follows from the mistake that was reported just before."""
    neighbour = mishap.neighbour
    if neighbour and isinstance(mishap.last, Broken):
        return
    context, problem = mishap.error.context or "", mishap.error.problem or ""
    here = mishap.span(mishap.at, mishap.at + len(mishap.character))
    if mishap.character == "\t":
        fix = expand_tabs(here.source)
        report.add("yaml-syntax", "a tab cannot indent", here, help="indent with spaces", fix=fix)
    elif "mapping values" in problem:
        _report_colon(mishap, here, report)
    elif "quoted scalar" in context:
        _report_quoted(mishap, here, problem, report)
    elif "block scalar" in context:
        at = mishap.at if mishap.opening is None else mishap.opening
        report.add(
            "yaml-syntax",
            f"`{mishap.text[at]}` begins a text of several lines, not an expression",
            mishap.span(at, at + 1),
            help="begin the expression with what is compared, as in `stride > 1`",
        )
    elif neighbour and mishap.character and mishap.character not in ",:]})-":
        _report_continued(mishap, neighbour, "flow" in context, report)
    elif "alias" in context or "anchor" in context:
        mark = mishap.text[mishap.at - 1] if mishap.at else ""
        report.add(
            "yaml-syntax",
            f"a value cannot begin with `{mark}`",
            mishap.span(mishap.at - 1, mishap.at) if mishap.at else here,
            help="write a product as `n * growth`" if mark == "*" else "quote it if it is text",
        )
    elif "cannot start any token" in problem:
        shown = "a backtick" if mishap.character == "`" else f"`{mishap.character}`"
        report.add(
            "yaml-syntax",
            f"a value cannot begin with {shown}",
            here,
            help=f"quote it if it is text: {quote(mishap.text[mishap.at : mishap.line_end][:80])}",
        )
    elif "tag" in problem or "tag" in context:
        report.add(
            "unsupported-yaml",
            "`!` begins a tag of YAML, and a spec has none",
            here,
            help="write `not` for `!`",
        )
    elif "flow" in context:
        _report_flow(mishap, here, report)
    else:
        _report_block(mishap, here, problem, report)


def _report_colon(mishap: Mishap, here: Span, report: Report) -> None:
    """A `:` where no key can stand."""
    last = mishap.neighbour
    if last and "\n" in last.text:
        report_line_in_value(here, last, report)
        return
    shift = mishap.span(0, 0).start
    start = last.start - shift if last and isinstance(mishap.last, Scalar) else mishap.at
    line, end = mishap.text.rfind("\n", 0, start) + 1, mishap.line_end
    text, whole = mishap.text[start:end], mishap.span(start, end)
    if glued := GLUED.match(mishap.text, line, end):
        at, shown = glued.end(1), f"{glued[1]} {mishap.text[glued.end(1) : end]}"
        message = f"`{glued[1]}` has no blank behind its colon"
        here, fix = mishap.span(glued.start(1), at), [Edit(mishap.span(at, at), " ")]
    elif CALL.fullmatch(text):
        shown, message = f"{{{text}}}", "a mapping on the line of its key stands in braces"
        fix = [Edit(mishap.span(start, start), "{"), Edit(mishap.span(end, end), "}")]
    else:
        shown, message = quote(text), "a text with `: ` in it must be quoted"
        fix = [Edit(whole, shown)] if TEXT.fullmatch(mishap.text, line, start) else []
    shown = shown if shown.startswith('"') else f"`{shown}`"
    is_short = start < mishap.at and len(text) < 120
    help = f"write {shown}" if is_short else "quote it"
    report.add("yaml-syntax", message, here, help=help, fix=fix)


def _report_quoted(mishap: Mishap, here: Span, problem: str, report: Report) -> None:
    opening = mishap.at if mishap.opening is None else mishap.opening
    if "end of stream" in problem or "document" in problem:  # a line of `...` or `---` ends it
        report.add(
            "yaml-syntax",
            "a quoted text is never closed",
            mishap.span(opening, opening + 1),
            "it begins here",
            help=f"put `{mishap.text[opening]}` behind it",
        )
    else:
        slash = mishap.text.rfind("\\", 0, mishap.at + 1)
        report.add(
            "yaml-syntax",
            "a `\\` in double quotes begins an escape, and there is none like this",
            mishap.span(slash, slash + 1),
            help="write `\\\\`, or use single quotes",
        )


def _report_continued(mishap: Mishap, start: Span, flow: bool, report: Report) -> None:
    """Report text behind a value that YAML takes for complete: `widths[0]` in flow style, `[6] *
    2`.
    """
    source, shift = start.source, mishap.span(0, 0).start
    end = whole_expression(source.text, start.start) or mishap.line_end + shift
    whole = Span(source, start.start, max(end, start.end))
    if flow and isinstance(mishap.last, Scalar) and mishap.last.plain:
        message = "in flow style, a bracket cannot stand inside a value"
    else:
        message = "a value ends here, and more follows it on the line"
    fits = len(whole.text) < 120 and not whole.text.startswith(("'", '"', "{"))
    report.add(
        "unbalanced-expression",
        message,
        whole if len(whole.text) < 120 else start,
        help=f"quote it: {quote(whole.text)}"
        if fits
        else "quote the whole value, or remove the rest",
        fix=quoted(whole) if fits else (),
    )


def _report_flow(mishap: Mishap, here: Span, report: Report) -> None:
    """A mapping in braces or a list in brackets does not go on as it should."""
    opening = mishap.opening
    bracket = mishap.text[opening : opening + 1] if opening is not None else ""
    begins = (
        [Label(mishap.span(opening, opening + 1), f"`{bracket}` opens here")]
        if opening is not None and bracket in ("{", "[")
        else []
    )
    folded = isinstance(mishap.last, Scalar) and "\n" in mishap.last.span.text
    if begins and (folded or not mishap.text[mishap.at :].strip()):
        report.add(
            "yaml-syntax",
            f"`{bracket}` is never closed",
            begins[0].span,
            help=f"add a `{CLOSING[bracket]}`",
        )
    elif begins and outdented(begins[0].span, here):
        report.add(
            "yaml-syntax",
            f"`{bracket}` is not closed where its value ends",
            begins[0].span,
            secondary=[Label(here, "this line does not belong to it")],
            help=f"add a `{CLOSING[bracket]}` above this line",
        )
    elif mishap.character == ":":
        report.add(
            "yaml-syntax",
            "a `:` cannot stand here",
            here,
            secondary=begins,
            help="put a comma before each key, and close each bracket",
        )
    else:
        report.add(
            "yaml-syntax",
            f"`{mishap.character}` cannot stand here",
            here,
            secondary=begins,
            help="put one comma between two values, and close each bracket",
        )


def _report_block(mishap: Mishap, here: Span, problem: str, report: Report) -> None:
    """A line does not belong where its indentation puts it."""
    character = mishap.character
    if "sequence entries" in problem:
        message, help = (
            "a list cannot begin on this line",
            "begin it on the next line, or write `[a, b]`",
        )
    elif character and character in "]}":
        message, help = (
            f"`{character}` closes nothing",
            "remove it, or add the bracket that it closes",
        )
    elif character == ":":
        message, help = "a key is missing before `:`", "write `key: value`"
    elif character == "%" or "directive" in (mishap.error.context or ""):
        message, help = (
            "a line cannot begin with `%`",
            "remove it: a spec needs no directives of YAML",
        )
    elif "document" in problem:
        message, help = "the document has ended before this line", "remove the `...` above"
    elif "expected ':'" in problem:
        message, help = "this line has no `:`", "write `key: value`"
        if mishap.opening is not None:
            start, end = mishap.opening, mishap.text.find("\n", mishap.opening)
            here = mishap.span(start, len(mishap.text) if end < 0 else end)
    elif not character:
        message, help = "the file ends too early", "complete its last line"
    else:
        report_line(here, report)
        return
    report.add("yaml-syntax", message, here, help=help)
