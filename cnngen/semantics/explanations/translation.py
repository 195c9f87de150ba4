"""Translation: a call of a layer of PyTorch or Keras, written as the op that computes the same.

There is a translation only where nothing is left to choose: every framework with a layer of this
name means the same by it, and the `defaults` of the file change nothing that the call leaves open.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from cnngen.diagnostics.model import Edit, Report
from cnngen.expressions.parser import parse_expression
from cnngen.source import Span
from cnngen.syntax.fixes import remove_entry
from cnngen.syntax.tree import Argument, Call, Identifier
from cnngen.vocabulary.meaning import Meaning, Reading, layers_named, read_call, without_op
from cnngen.vocabulary.value import Written

LIST_ITEM = re.compile(r" *(?:- +)+")  # what stands before a step on a line of its own
NO_VALUE = re.compile(r"[ \t]*:(?:[ \t]*\{[ \t]*\})?(?=[ \t]*(?:[,}\]]|\r?\n|\Z))")
OPENED = re.compile(r"[ \t]*:\s*\{\s*[\"']?")
CLOSED = re.compile(r"\s*,?\s*\}")
COLON = re.compile(r"[\"']?\s*:\s*[\"']?")
COMMA = re.compile(r"[\"']?\s*,\s*[\"']?")
BELOW = re.compile(r"[ \t]*:[ \t]*(?:#[^\n]*)?\r?\n(?:[ \t]*(?:#[^\n]*)?\r?\n)*( +)[\"']?")
NEXT_LINE = re.compile(r"[\"']?[ \t]*(?:#[^\n]*)?\r?\n(?:[ \t]*(?:#[^\n]*)?\r?\n)*( +)[\"']?")
AFTER = re.compile(r"[\"']?[ \t]*(?:#[^\n]*)?(?:\r?\n(?:[ \t]*(?:#[^\n]*)?\r?\n)*( *)|\Z)")


@dataclass(frozen=True, slots=True)
class Translation:
    """What a call of a foreign layer means here, if that is one thing; `edits` write it, where no
    comment would go with what they replace. `settled` are attributes that the file's `defaults` say
    and the call does not.
    """

    reading: Reading
    meaning: Meaning | None
    edits: tuple[Edit, ...]
    settled: tuple[str, ...]


def translate_call(call: Call, defaults: Mapping[str, Call]) -> Translation:
    """What a call of an unknown word means, if it is that of a framework's layer."""
    given = {argument.name.text: written(argument) for argument in call.arguments}
    word = call.callee.text
    reading = without_op(word) if "" in given else read_call(word, given)
    meaning = reading.meaning
    if meaning is None:
        return Translation(reading, None, (), ())
    settled = _settled(call, meaning, defaults)
    exact = call.callee.text[:1].isupper() or not (meaning.added or meaning.notes)
    edits = () if settled or not exact else _edits(call, meaning)
    return Translation(reading, meaning, edits, settled)


def meant_call(call: Call, meaning: Meaning) -> Call:
    """The call that a meaning writes, whose values are where the author's stand."""
    said = {meaning.names.get(argument.name.text): argument for argument in call.arguments}
    arguments: list[Argument] = []
    for name, text in meaning.attributes.items():
        argument = said.get(name)
        at = argument.name.span if argument else call.callee.span
        value = argument.value if argument and written(argument).text == text else None
        if value := value or parse_expression(text, at, Report()):
            arguments.append(Argument(Identifier(name, at), value))
    return replace(call, callee=replace(call.callee, text=meaning.op), arguments=tuple(arguments))


def written(argument: Argument) -> Written:
    return Written(argument.value, _whole_value(argument).text)


def _whole(at: Span) -> Span:
    """A value with its quotes."""
    text = at.source.text
    quote = text[at.start - 1 : at.start]
    quoted = quote and quote in "\"'" and text[at.end : at.end + 1] == quote
    return Span(at.source, at.start - 1, at.end + 1) if quoted else at


def _settled(call: Call, meaning: Meaning, defaults: Mapping[str, Call]) -> tuple[str, ...]:
    said = meaning.attributes.keys() - set(meaning.added)
    return tuple(
        argument.name.text
        for word, default in defaults.items()
        if word == meaning.op or meaning.op in (layer.op for layer in layers_named(word))
        for argument in default.arguments
        if argument.name.text not in said
    )


def _edits(call: Call, meaning: Meaning) -> tuple[Edit, ...]:
    """The edits that write a meaning; none where they would change more than the call."""
    at, text = call.callee.span, call.callee.span.source.text
    is_item = LIST_ITEM.fullmatch(text[text.rfind("\n", 0, at.start) + 1 : at.start]) is not None
    if at.text.strip("'\"") != call.callee.text:
        return ()
    if not call.arguments:
        return _bare(call, meaning, is_item)
    first, last = call.arguments[0], call.arguments[-1]
    end = _whole_value(last).end
    if OPENED.fullmatch(text[at.end : first.name.span.start]):
        closed = CLOSED.match(text, end)
        if closed is None or not _are_apart(call, COMMA):
            return ()
        is_alone = is_item and closed.end() == call.span.end and not meaning.attributes
        written = meaning.text if meaning.attributes or is_alone else f"{meaning.op}: {{}}"
        return (Edit(Span(at.source, at.start, closed.end()), written),)
    below = BELOW.fullmatch(text[at.end : first.name.span.start])
    after = AFTER.match(text, end)
    if below is None or after is None or not _are_apart(call, NEXT_LINE):
        return ()
    if len(after[1] or "") >= len(below[1]):
        return ()  # a line follows that could not be read
    return _lines(call, meaning, below[1])


def _bare(call: Call, meaning: Meaning, is_item: bool) -> tuple[Edit, ...]:
    """Edits of a word without arguments."""
    at, text = call.callee.span, call.callee.span.source.text
    if not meaning.attributes:
        return (Edit(at, meaning.op),)
    if call.span == at:
        return (Edit(at, meaning.text if is_item else f"{{{meaning.text}}}"),)
    empty = NO_VALUE.match(text, at.end)
    return (Edit(Span(at.source, at.start, empty.end()), meaning.text),) if empty else ()


def _lines(call: Call, meaning: Meaning, indent: str) -> tuple[Edit, ...]:
    """Edits of arguments that have a line each."""
    edits = [Edit(call.callee.span, meaning.op)]
    for argument in call.arguments:
        given, value = argument.name, _whole_value(argument)
        name = meaning.names.get(given.text)
        if name is None:
            removal = remove_entry(given.span, value.end)
            if not removal:
                return ()
            edits += removal
            continue
        if given.text != name:
            edits.append(Edit(given.span, name))
        if value.text != meaning.attributes[name]:
            edits.append(Edit(value, meaning.attributes[name]))
    source, first = call.callee.span.source, call.arguments[0].name.span.start
    start = source.text.rfind("\n", 0, first) + 1
    end = "\r\n" if "\r\n" in source.text else "\n"
    added = [f"{indent}{name}: {meaning.attributes[name]}{end}" for name in meaning.added]
    if added:
        edits.append(Edit(Span(source, start, start), "".join(added)))
    return tuple(edits)


def _are_apart(call: Call, between: re.Pattern[str]) -> bool:
    """Whether nothing stands between the arguments but what has to, so that none was left out."""
    text = call.callee.span.source.text
    values = [_whole_value(argument) for argument in call.arguments]
    names = [argument.name.span for argument in call.arguments]
    colons = all(
        COLON.fullmatch(text[name.end : value.start])
        for name, value in zip(names, values, strict=True)
    )
    return colons and all(
        between.fullmatch(text[value.end : name.start])
        for value, name in zip(values, names[1:], strict=False)
    )


def _whole_value(argument: Argument) -> Span:
    return _whole(argument.value.span or argument.name.span)
