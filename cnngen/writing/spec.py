"""The text of a spec: mappings and lists one item below the other, calls in brackets."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from cnngen.diagnostics.model import Report
from cnngen.formatting.format import format_source
from cnngen.ops.attribute import Distribution
from cnngen.source import Source

# What YAML reads as that text, in brackets, too; whatever else is put in quotes.
PLAIN = re.compile(
    r"[A-Za-z_][\w.]*(?: ?(?:[-+*/%]|//) ?[\w.()]+)*|\d[\w.]*(?: ?(?:[-+*/%]|//) ?[\w.]+)+"
)
STRUCTURE = {"branches", "repeat", "each", "when", "do", "else", "between"}


def spec_text(data: Mapping[str, Any]) -> str:
    """The formatted text of a spec that is given as mappings, lists, texts and numbers."""
    text = "\n".join(_block(data, 0)) + "\n"
    report = Report()
    formatted = format_source(Source("imported.yaml", text), report)
    assert formatted is not None, report.found
    return formatted


def _block(data: Mapping[str, Any], column: int) -> Iterator[str]:
    indent = " " * column
    for key, value in data.items():
        if _is_flow(value):
            yield f"{indent}{key}: {_flow(value)}"
        elif isinstance(value, Mapping):
            yield f"{indent}{key}:"
            yield from _block(cast("Mapping[str, Any]", value), column + 2)
        else:
            yield f"{indent}{key}:"
            for item in value:
                yield from _item(item, column + 2)


def _item(item: Any, column: int) -> Iterator[str]:
    indent = " " * column
    if _is_flow(item):
        yield f"{indent}- {_flow(item)}"
        return
    first, *rest = _block(item, column + 2)
    yield f"{indent}- {first[column + 2 :]}"
    yield from rest


def _is_flow(value: Any) -> bool:
    """Whether a value stands behind its key: all but what holds steps."""
    if isinstance(value, Mapping):
        held = cast("Mapping[str, Any]", value)
        return not held.keys() & STRUCTURE and all(map(_is_flow, held.values())) and len(held) < 8
    if isinstance(value, list):
        return all(not isinstance(x, Mapping | list) for x in cast("list[Any]", value))
    return True


def _flow(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case Distribution(word, arguments):
            inside = ", ".join(f"{name}: {_flow(x)}" for name, x in arguments)
            return f"{{{word}: {{{inside}}}}}" if inside else word
        case Mapping():
            held = cast("Mapping[str, Any]", value)
            return "{" + ", ".join(f"{key}: {_flow(x)}" for key, x in held.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(_flow, cast("Sequence[Any]", value))) + "]"
        case str():
            return (
                value
                if PLAIN.fullmatch(value)
                else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
            )
        case float():
            return _number(value)
        case _:
            return str(value)


def _number(value: float) -> str:
    text = repr(value)
    return text
