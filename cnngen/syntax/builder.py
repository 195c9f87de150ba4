"""Builder: the events of PyYAML's parser to nodes with spans; refuses what a spec may not use of
YAML.

The nodes are built on a stack of our own: values get no types, aliases are not expanded, and size
and depth are bounded.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from cnngen.diagnostics.model import Diagnostic, Edit, Report
from cnngen.source import Source, Span
from cnngen.syntax.duplicates import report_duplicates
from cnngen.syntax.flow import mend
from cnngen.syntax.yaml_errors import Mishap, report_mishap
from cnngen.syntax.yaml_nodes import Broken, Mapping, Node, Scalar, Sequence, brief

MAX_NODES = 40_000
MAX_WORDS = 100_000
MAX_DEPTH = 256
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
LOST = "\ue000"  # in a repaired copy, stands for a value that is left out

# Control characters, and those that reorder text or break lines unseen. A lone carriage return is a
# line break to YAML and to nobody else.
HIDDEN = re.compile(
    "[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
    "\ud800-\udfff\ufeff\ufffe\uffff]|\r(?!\n)"
)
SHARE = "name what is shared: a parameter, a block, an entry of `defaults`, or a spec to extend"
WORD = re.compile(r"[^\s,\[\]{}]*")
PART = re.compile(r"\w+|[^\w\s]")
PROPERTIES = re.compile(r"(?:[!&][^\s,\[\]{}]*\s+)*")


@dataclass(slots=True)
class _Open:
    """A collection whose end has not come; of a mapping, `children` are keys and values in turn."""

    start: int
    flow: bool
    children: list[Node] = field(default_factory=list[Node])


class Builder:
    """Builds the nodes of one file from its events."""

    def __init__(self, source: Source, report: Report) -> None:
        self.source, self.report = source, report
        # The two loaders disagree on whether a byte order mark counts, so neither gets to see it.
        self.text = source.text.removeprefix("\ufeff")
        self.shift = len(source.text) - len(self.text)
        self.anchors: set[str] = set()
        self.last: Node | None = None
        self.mishap: Mishap | None = None  # what stopped YAML, and what was said of it
        self.stopped: Diagnostic | None = None

    @property
    def reached(self) -> int:
        """How far the author's text was read."""
        if self.mishap is None:
            return len(self.source.original.text if self.source.original else self.source.text)
        return self.source.back(self.mishap.at + self.shift)

    def span(self, start: int, end: int) -> Span:
        return Span(self.source, start + self.shift, end + self.shift)

    def events(self) -> Iterator[yaml.Event]:
        return yaml.parse(self.text, Loader=LOADER)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]

    def build(self) -> Node | None:
        """The root node; None where the file is empty or not YAML, which is reported."""
        root: Node | None = None
        stack: list[_Open] = []
        count = words = reached = 0
        try:
            for event in self.events():
                reached = event.end_mark.index
                match event:
                    case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                        self.refuse_properties(event)
                        stack.append(_Open(event.start_mark.index, bool(event.flow_style)))
                        count += 1
                        if self.exceeds(len(stack), count, words, event):
                            return None
                        continue
                    case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                        node = self.collection(stack.pop(), event)
                    case yaml.ScalarEvent():
                        node = self.scalar(event)
                        count += 1
                        words += len(PART.findall(event.value))
                    case yaml.AliasEvent():
                        node = self.alias(event)
                        count += 1
                    case yaml.DocumentStartEvent() if root:
                        self.refuse_document(event)
                        return root
                    case _:
                        continue
                if self.exceeds(len(stack), count, words, event):
                    return None
                self.last = node
                if stack:
                    stack[-1].children.append(node)
                else:
                    root = node
        except (yaml.YAMLError, ValueError, OverflowError) as error:
            self.report_stop(error, reached)
            return None
        if root is None:
            self.report.add(
                "wrong-kind",
                "the file is empty",
                Span(self.source, 0, 0),
                help="begin with `cnngen: 1`, then `name: ...`",
            )
        return root

    def report_stop(self, error: Exception, reached: int) -> None:
        """Say why YAML cannot read on from here, and keep what was said."""
        if not isinstance(error, yaml.MarkedYAMLError):
            # The Python loader lets some through from `int` and `chr`: absurd versions and escapes.
            at = self.span(reached, reached + 1)
            self.report.add("yaml-syntax", "YAML cannot read on from here", at)
            return
        self.mishap = Mishap(error, self.text, reached, self.last, self.span)
        said = Report()
        report_mishap(self.mishap, said)
        self.stopped = next(iter(said), None)
        self.report.found |= said.found

    def exceeds(self, depth: int, count: int, words: int, event: yaml.Event) -> bool:
        if depth > MAX_DEPTH:
            message = f"lists and mappings stand more than {MAX_DEPTH} deep in each other"
        elif count > MAX_NODES:
            message = f"the file has more than {MAX_NODES:,} values"
        elif words > MAX_WORDS:
            message = f"the values of the file have more than {MAX_WORDS:,} words and signs"
        else:
            return False
        start = event.start_mark.index
        self.report.add(
            "too-large", message, self.span(start, start + 1), help="put a part into a block"
        )
        return True

    def scalar(self, event: yaml.ScalarEvent) -> Node:
        start, end = event.start_mark.index, event.end_mark.index
        # The mark behind a block scalar stands on the next line.
        end = start + len(self.text[start:end].rstrip())
        if self.refuse_properties(event):
            return Broken(self.span(start, end))
        if self.source.original and event.value == LOST:
            return Broken(self.span(start, end))
        if event.anchor and (properties := PROPERTIES.match(self.text, start, end)):
            start = properties.end()
        if event.style and (hidden := HIDDEN.search(event.value)):
            self.report.add(
                "yaml-syntax",
                f"an escape gives the invisible character U+{ord(hidden.group()):04X}",
                self.span(start, end),
                help="remove it",
            )
            return Broken(self.span(start, end))
        return Scalar(event.value, not event.style, self.span(start, end))

    def refuse_properties(self, event: yaml.NodeEvent) -> bool:
        """Report the anchor and the tag of a node; whether there is a tag."""
        tag: str | None = getattr(event, "tag", None)
        if event.anchor:
            self.anchors.add(event.anchor)
            self.refuse("an anchor", self.word("&", event), SHARE)
        if tag:
            word = self.word("!", event)
            negation = re.fullmatch(r"!([A-Za-z_]\w*)", word.text)
            advice = (
                f"write `not {negation[1]}`" if negation else "remove it: values tell their types"
            )
            alone = isinstance(event, yaml.ScalarEvent) and not event.value
            fix = [Edit(word, f"not {negation[1]}")] if negation and alone else ()
            self.refuse("a tag", word, advice, fix)
        return bool(tag)

    def word(self, mark: str, event: yaml.Event) -> Span:
        """The property of a node that begins with a mark."""
        start = self.text.find(mark, event.start_mark.index)
        found = WORD.match(self.text, start)
        return self.span(start, found.end() if found else start + 1)

    def refuse(self, what: str, at: Span, help: str, fix: Iterable[Edit] = ()) -> None:
        self.report.add(
            "unsupported-yaml",
            f"`{brief(at.text)}` is {what} of YAML, and a spec has none",
            at,
            help=help,
            fix=fix,
        )

    def alias(self, event: yaml.AliasEvent) -> Broken:
        span = self.span(event.start_mark.index, event.end_mark.index)
        known = event.anchor in self.anchors
        self.refuse(
            "an alias", span, SHARE if known else f"write a product as `n * {span.text[1:41]}`"
        )
        return Broken(span)

    def refuse_document(self, event: yaml.Event) -> None:
        self.report.add(
            "unsupported-yaml",
            "a second YAML document begins here",
            self.span(event.start_mark.index, event.end_mark.index),
            help="one file holds one spec: move this one to a file of its own",
        )

    def collection(self, opened: _Open, event: yaml.Event) -> Node:
        """A complete list or mapping; it ends with its bracket or last child."""
        start, end = event.start_mark.index, event.end_mark.index
        children = opened.children
        if not (opened.flow and start < end):
            end = children[-1].span.end - self.shift if children else opened.start
        span = self.span(opened.start, max(opened.start, end))
        mapping = isinstance(event, yaml.MappingEndEvent)
        if opened.flow:
            children = mend(children, mapping, self.report)
        if mapping:
            entries = self.entries(children, opened.flow)
            return Mapping(tuple(entries), span) if entries or not children else Broken(span)
        return Sequence(tuple(children), span)

    def entries(self, children: list[Node], flow: bool) -> list[tuple[Scalar, Node]]:
        """The pairs of a mapping, less those whose key is refused."""
        known: set[str] = set()
        entries: list[tuple[Scalar, Node]] = []
        duplicates: list[tuple[Scalar, Node]] = []
        for key, value in zip(children[::2], children[1::2], strict=True):
            match key:
                case Broken():
                    pass
                case Scalar(text="<<", plain=True):
                    self.refuse("a merge key", key.span, SHARE)
                case Scalar(text="", plain=True):
                    self.report.add(
                        "yaml-syntax",
                        "a key is missing before `:`",
                        key.span.to(value.span),
                        help="write `key: value`",
                    )
                case Scalar() if key.text in known:
                    duplicates.append((key, value))
                case Scalar():
                    known.add(key.text)
                    entries.append((key, value))
                case Mapping() | Sequence():
                    self.report.add(
                        "unsupported-yaml",
                        f"{'a mapping' if isinstance(key, Mapping) else 'a list'} cannot be a key",
                        key.span,
                        help="a key is a single word; an expression has no braces around it",
                    )
        if duplicates:
            return report_duplicates(entries, duplicates, flow, self.report)
        return entries
