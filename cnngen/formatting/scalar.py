"""Scalars: single values as they are written, in quotes where needed, on one line or several."""

import json
import re

from cnngen.syntax.yaml_nodes import Scalar

HEADER_COUNT = re.compile(r"[|>][-+]?\d")
# What YAML, of whatever version, reads as the same text without quotes begins like a word, or is an
# expression and so no number, date or time.
WORD = re.compile(r"[^\W\d]")
EXPRESSION = re.compile(r"[\w(]")
DOCUMENT_MARK = re.compile(r"(---|\.\.\.)(\s|$)")
OPERATOR = re.compile(r"[*/%<>=]")
NO_TEXT = re.compile(r"true|false|yes|no|on|off|y|n|null", re.IGNORECASE)
NEEDS_QUOTES = re.compile(r"[\n\t\"'\\]|:(?=\s|$)|\s#|\s$")
NEEDS_QUOTES_IN_BRACKETS = re.compile(r"[,?\[\]{}]")


def one_line(scalar: Scalar, *, flow: bool) -> str | None:
    """A value on one line; None where its text has several, or its escapes would have to move."""
    source, text = scalar.span.text, scalar.text
    if scalar.plain:
        mark = text in ("-", "?") or text.endswith(":")  # what is text in brackets only
        return None if "\n" in text else _quoted(text) if mark else text
    escaped = source[0] == '"' and "\\" in source
    if escaped and "\n" not in source:
        return source
    if escaped or "\n" in text or is_literal(source):
        return None
    return _anew(text, flow=flow)


def as_key(scalar: Scalar, *, flow: bool) -> str:
    """A key, which has one line whatever it takes."""
    text = one_line(scalar, flow=flow) or _anew(scalar.text, flow=flow)
    return _quoted(text) if DOCUMENT_MARK.match(text) else text


def several_lines(scalar: Scalar) -> list[str]:
    """A value on the lines of its author, without their indentation."""
    source = scalar.span.text
    if is_literal(source):
        return _literal(scalar)
    first, *rest = source.split("\n")
    return [_trimmed(first), *(_trimmed(line.lstrip(" \t")) for line in rest)]


def _anew(text: str, *, flow: bool) -> str:
    """A text in the quotes that it needs, whatever quotes it had."""
    return text if _needs_no_quotes(text, flow) else _quoted(text)


def _quoted(text: str) -> str:
    """A text in double quotes, unless it has characters that would have to be escaped."""
    if "\n" in text:
        return json.dumps(text, ensure_ascii=False)
    if '"' in text or "\\" in text:
        return "'" + text.replace("'", "''") + "'"
    return f'"{text}"'


def _needs_no_quotes(text: str, flow: bool) -> bool:
    begins = WORD.match(text) or (EXPRESSION.match(text) and OPERATOR.search(text))
    needs = NO_TEXT.fullmatch(text) or NEEDS_QUOTES.search(text)
    return bool(begins and not needs and not (flow and NEEDS_QUOTES_IN_BRACKETS.search(text)))


def is_literal(source: str) -> bool:
    return source[:1] in ("|", ">")


def _literal(scalar: Scalar) -> list[str]:
    """A text below `|` or `>`: its header, and its lines less what they are indented by."""
    span, text = scalar.span, scalar.text
    header, _, _ = span.text.partition("\n")
    if HEADER_COUNT.match(header) or not text.strip() or text.endswith("\n\n"):
        return [_anew(text, flow=False)]
    start = span.start + len(header) + 1
    end = span.source.text.find("\n", span.end)  # spaces at the end of its last line are text
    lines = span.source.text[start : None if end < 0 else end].split("\n")
    indentation = min(len(line) - len(line.lstrip(" ")) for line in lines if line.strip(" "))
    chomping = "" if text.endswith("\n") else "-"
    return [header[0] + chomping, *(line[indentation:] for line in lines)]


def _trimmed(line: str) -> str:
    """A line without spaces at its end, but for one that a backslash escapes."""
    trimmed = line.rstrip(" \t")
    slashes = len(trimmed) - len(trimmed.rstrip("\\"))
    return line[: len(trimmed) + 1] if slashes % 2 and len(trimmed) < len(line) else trimmed
