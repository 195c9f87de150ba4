"""Files of models that others wrote: read as data, bounded, and damaged in any way."""

import json
from typing import Any

LARGEST_TEXT = 1 << 28  # bytes; the configuration of 3339 layers has 4 million
DEEPEST = 60  # brackets in brackets: a model in a model takes five


class ForeignFileError(Exception):
    """A file is no model, or a damaged one; the message is a sentence without its full stop."""


def parse_json(text: str) -> Any:
    """The value of a text in JSON, with `NaN` and `Infinity` as Python writes them."""
    if len(text) > LARGEST_TEXT:
        raise ForeignFileError(f"the configuration has more than {LARGEST_TEXT} characters")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        said = str(error) if isinstance(error, json.JSONDecodeError) else "it goes too deep or far"
        raise ForeignFileError(f"the configuration is no JSON: {said}") from None
    _check_depth(value)
    return value


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(DEEPEST):
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)  # pyright: ignore[reportUnknownVariableType]
            if isinstance(inner, dict | list)
        ]
        if not level:
            return
    raise ForeignFileError(f"the configuration has more than {DEEPEST} brackets in brackets")
