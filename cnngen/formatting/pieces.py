"""Pieces: the nodes of a spec, each with the comments and blank lines that belong to it.

A comment on a line of its own belongs to what follows, unless its indentation shows that it ends a
list or a mapping. A comment behind something belongs to that.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import TypeAlias

from cnngen.formatting.comments import Comment, CommentedText
from cnngen.syntax.yaml_nodes import Broken, Mapping, Node, Scalar, Sequence


@dataclass(frozen=True, slots=True)
class Note:
    """A comment on a line of its own, and whether a blank line stands above it."""

    text: str
    blank: bool


@dataclass(frozen=True, slots=True)
class Item:
    """An entry of a mapping or, without a key, of a list.

    `blank`: a blank line stands above it. `below_key`: its value begins on another line than its
    key. `breaks`: it begins on another line than the item before it ends. `wide`: more than one
    space stands between the two.
    """

    key: Scalar | None
    value: "Piece"
    above: tuple[Note, ...]
    behind: str
    blank: bool
    below_key: bool
    breaks: bool = False
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Collection:
    """A mapping or a list; `flow` in brackets, unless it is `bare`: `[conv: {out: 64}]`."""

    is_mapping: bool
    flow: bool
    bare: bool
    items: tuple[Item, ...]
    below: tuple[Note, ...]
    has_comments: bool


Piece: TypeAlias = Scalar | Collection


def pieces(commented: CommentedText) -> Collection:
    """The root of a spec with its comments, but for those above the start of the document."""
    return _Attachment(commented).root()


_Comments: TypeAlias = list[Comment]


@dataclass(frozen=True, slots=True)
class _Surroundings:
    """What is around an item: where the next one begins, the column of its block, and whether it is
    in brackets.
    """

    limit: int
    column: int
    flow: bool


class _Attachment:
    """Goes through nodes and comments side by side."""

    def __init__(self, commented: CommentedText) -> None:
        self.commented = commented
        self.left = [c for c in reversed(commented.comments) if c.start >= len(commented.head)]

    def root(self) -> Collection:
        end = len(self.commented.text)
        root, opening = self.collection(self.commented.root, _Surroundings(end, -1, False))
        first = self.led(root.items[0], opening)
        below = (*root.below, *self.notes(self.take(end)))
        return replace(root, items=(first, *root.items[1:]), below=below)

    def take(self, end: int) -> list[Comment]:
        """The next comments, up to an offset."""
        found: list[Comment] = []
        while self.left and self.left[-1].start < end:
            found.append(self.left.pop())
        return found

    def take_behind(self, start: int, limit: int) -> str:
        """The comment on the line of what ends at `start`."""
        if not self.left or self.left[-1].alone or self.left[-1].start >= limit:
            return ""
        same_line = self.commented.line(self.left[-1].start) == self.commented.line(start)
        return self.left.pop().text if same_line else ""

    def take_below(self, column: int, limit: int) -> list[Comment]:
        """The comments that end a block, by their indentation."""
        found: list[Comment] = []
        while self.left and self.left[-1].start < limit and self.left[-1].alone:
            if self.commented.column(self.left[-1].start) < column:
                break
            found.append(self.left.pop())
        return found

    def notes(self, comments: Iterable[Comment]) -> tuple[Note, ...]:
        return tuple(Note(c.text, self.commented.below_blank(c.start)) for c in comments)

    def collection(
        self, node: Mapping | Sequence, around: _Surroundings
    ) -> tuple[Collection, _Comments]:
        """A collection, and the comments behind its bracket, which belong to the whole of it."""
        flow = self.commented.is_flow(node)
        column = self.commented.column(node.span.start)
        limit = node.span.end - 1 if flow else around.limit
        starts = self.starts(node, flow)
        opening = self.take(starts[0] if starts else limit) if flow else []
        items: list[Item] = []
        reached = node.span.start
        for (key, value), start, following in zip_longest(_entries(node), starts, starts[1:]):
            inner = _Surroundings(limit if following is None else following, column, flow)
            item = self.item(key, value, start, inner)
            breaks = self.commented.line(reached) < self.commented.line(start)
            wide = not breaks and self.commented.text[max(reached, start - 2) : start] == "  "
            items.append(replace(item, breaks=breaks, wide=wide))
            reached = value.span.end
        if items and isinstance(node, Mapping):  # a list has no line for them behind its bracket
            items[0] = self.led(items[0], [c for c in opening if c.alone])
            opening = [c for c in opening if not c.alone]
        rest = self.take(limit) if flow else self.take_below(max(column, around.column + 1), limit)
        below = self.notes(rest)
        has_comments = bool(below) or any(map(_has_comments, items))
        is_mapping = isinstance(node, Mapping)
        return Collection(is_mapping, flow, False, tuple(items), below, has_comments), opening

    def starts(self, node: Mapping | Sequence, flow: bool) -> list[int]:
        """Where the items begin: with their dash, if they have one."""
        match node:
            case Mapping(entries):
                return [key.span.start for key, _ in entries]
            case Sequence(items) if flow:
                return [item.span.start for item in items]
            case Sequence(items):
                ends = [item.span.end for item in items[:-1]]
                return [node.span.start, *map(self.commented.dash, ends)]

    def item(self, key: Scalar | None, value: Node, start: int, around: _Surroundings) -> Item:
        """An item, with what stands above, in and behind it."""
        if (
            around.flow
            and isinstance(value, Mapping)
            and not (key or self.commented.is_flow(value))
        ):
            return self.bare(value, around)
        above = self.notes(self.take(start))
        between = self.take(value.span.start)
        piece, opening = self.piece(value, around)
        block = piece if isinstance(piece, Collection) and not piece.flow else None
        behind = "" if block else self.take_behind(value.span.end, around.limit)
        nearest = between if isinstance(value, Sequence) else [*between, *opening]
        on_line = next((c for c in nearest if not c.alone), None)
        rest = [*between, *opening]
        if on_line and not behind and (key or not block):
            behind = on_line.text
            rest.remove(on_line)
        if block and key:
            piece = replace(block, items=(self.led(block.items[0], rest), *block.items[1:]))
        else:
            above += self.notes(rest)
        below_key = key is not None and "\n" in self.commented.text[key.span.end : value.span.start]
        return Item(key, piece, above, behind, self.commented.below_blank(start), below_key)

    def piece(self, node: Node, around: _Surroundings) -> tuple[Piece, _Comments]:
        """A value, and the comments behind the bracket or the `|` that begins it."""
        match node:
            case Scalar():
                return node, self.take(node.span.end)
            case Mapping() | Sequence():
                return self.collection(node, around)
            case Broken():
                raise ValueError("only what can be read can be formatted")

    def bare(self, node: Mapping, around: _Surroundings) -> Item:
        """An item of a list that is an entry without braces, with the comments of the entry."""
        ((key, value),) = node.entries
        entry = self.item(key, value, key.span.start, around)
        inner = replace(entry, above=(), behind="")
        piece = Collection(True, True, True, (inner,), (), _has_comments(inner))
        return replace(entry, key=None, value=piece, below_key=False)

    def led(self, item: Item, comments: _Comments) -> Item:
        """An item with further comments above it."""
        return replace(item, above=(*self.notes(comments), *item.above))


def _entries(node: Mapping | Sequence) -> list[tuple[Scalar | None, Node]]:
    """The items of a list have no keys."""
    match node:
        case Mapping(entries):
            return list(entries)
        case Sequence(items):
            return [(None, item) for item in items]


def _has_comments(item: Item) -> bool:
    inside = isinstance(item.value, Collection) and item.value.has_comments
    return bool(item.above or item.behind) or inside
