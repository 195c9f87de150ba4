"""Format: the text of a spec to the same spec in the style of the zoo, with all of its comments.

Only its YAML has to be correct: a spec with other mistakes can be formatted as well.
"""

from collections import Counter
from collections.abc import Iterator

from cnngen.diagnostics.model import Report
from cnngen.formatting.comments import CommentedText
from cnngen.formatting.lines import lay_out
from cnngen.formatting.pieces import pieces
from cnngen.source import Source, Span
from cnngen.syntax.parse_parameters import parse_parameters
from cnngen.syntax.read import MAX_SIZE, read
from cnngen.syntax.yaml_nodes import Broken, Mapping, Node, Scalar, Sequence

LONGEST_KEY = 1000  # YAML reads no more than 1024 characters as a key
MARK = "\ufeff"


def format_source(source: Source, report: Report) -> str | None:
    """The formatted text; None where its YAML cannot be read, which is reported.

    A byte order mark and the kind of line ends stay. Raises `RuntimeError` where the result would
    be another spec: that is a bug.
    """
    mark = MARK if source.text.startswith(MARK) else ""
    text = source.text.removeprefix(MARK)
    end = "\r\n" if text.partition("\n")[0].endswith("\r") else "\n"
    before = _commented(Source(source.path, text.replace("\r\n", "\n")), report)
    if before is None:
        return None
    if not before.root.entries:
        return source.text
    head = [line.rstrip() for line in before.head.splitlines() if line.strip()]
    formatted = "".join(f"{line}\n" for line in head) + lay_out(pieces(before))
    if len(formatted) > MAX_SIZE:
        message = f"laid out, the file would have more than {MAX_SIZE:,} characters"
        report.add("too-large", message, Span(source, 0, 0))
        return None
    after = _commented(Source(source.path, formatted), Report())
    if after is None or _content(before) != _content(after):
        raise RuntimeError("formatting would change the spec")
    return mark + formatted.replace("\n", end)


def _commented(source: Source, report: Report) -> CommentedText | None:
    """What a text holds, if there is no mistake in its YAML."""
    own = Report()
    root = read(source, own)
    for key in _long_keys(root) if root else ():
        message = f"a key has more than {LONGEST_KEY:,} characters"
        own.add("too-large", message, Span(source, key.span.start, key.span.start + 1))
    report.found |= own.found
    return None if root is None or own.failed else CommentedText(source, root)


def _long_keys(node: Node) -> Iterator[Scalar]:
    match node:
        case Mapping(entries):
            for key, value in entries:
                if len(key.text) > LONGEST_KEY:
                    yield key
                yield from _long_keys(value)
        case Sequence(items):
            for item in items:
                yield from _long_keys(item)
        case Scalar() | Broken():
            pass


def _content(commented: CommentedText) -> object:
    """Everything that must stay: the nodes without their places, the comments, and which of them
    document parameters.
    """
    comments = Counter(comment.text for comment in commented.comments)
    return _tree(commented.root), list(_documented(commented.root)), comments


def _tree(node: Node) -> object:
    match node:
        case Scalar(text, plain):
            is_null = plain and text in ("", "null", "~")
            return text, is_null
        case Sequence(items):
            return [_tree(item) for item in items]
        case Mapping(entries):
            return [(key.text, _tree(value)) for key, value in entries]
        case Broken():
            return None


def _documented(root: Mapping) -> Iterator[tuple[str, str]]:
    """The parameters of a spec, and the comments behind them that become their documentation."""
    blocks = root.get("blocks")
    owners = [value for _, value in blocks.entries] if isinstance(blocks, Mapping) else []
    for owner in (root, *owners):
        given = owner.get("params") if isinstance(owner, Mapping) else None
        for parameter in parse_parameters(given, Report(), in_block=owner is not root):
            yield parameter.name.text, parameter.about
