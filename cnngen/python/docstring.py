"""Docstrings: text of a spec as the text of a docstring, wrapped and escaped."""

import textwrap

from cnngen.python.document import WIDTH


def escape(text: str) -> str:
    """Text that can stand between triple quotes: it ends no string and hides nothing."""
    shown = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(shown.split()).replace("\\", "\\\\").replace('"""', '\\"\\"\\"')


def wrap(text: str, indent: int, hanging: int = 0) -> list[str]:
    """Lines of at most 100 columns, without the indentation of the first."""
    return textwrap.wrap(
        text,
        WIDTH - indent,
        subsequent_indent=" " * hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )


def docstring(paragraphs: list[list[str]], indent: int) -> str:
    """A docstring of paragraphs, each a list of lines that are wrapped and escaped already."""
    pad = " " * indent
    lines = [line for paragraph in paragraphs if paragraph for line in ("", *paragraph)][1:]
    if len(lines) == 1 and WIDTH - 6 < len(lines[0]) + indent <= WIDTH - 3 and " " in lines[0]:
        lines = lines[0].rsplit(" ", 1)  # a line alone has its quotes on it, however long it is
    if (
        len(lines) == 1
        and len(lines[0]) + indent + 6 <= WIDTH
        and not lines[0].endswith(("\\", '"'))
    ):
        return f'{pad}"""{lines[0]}"""'
    lines[0] = f'"""{lines[0]}'
    return "\n".join([pad + line if line else "" for line in lines] + [f'{pad}"""'])


def sentence(text: str, indent: int) -> list[str]:
    """A paragraph of one text; the opening quotes take part of its first line."""
    return wrap("   " + escape(text), indent) if not text else _shorter_first(escape(text), indent)


def _shorter_first(text: str, indent: int) -> list[str]:
    lines = wrap("xxx" + text, indent)
    return [lines[0][3:], *lines[1:]] if lines else []
