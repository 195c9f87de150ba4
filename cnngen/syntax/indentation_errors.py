"""Indentation errors: a line that does not belong where its indentation puts it."""

import re
from collections.abc import Iterator

from cnngen.diagnostics.model import Edit, Label, Report
from cnngen.source import Source, Span
from cnngen.syntax.forms import AROUND, FORM_PARTS, FORMS, TEXTS
from cnngen.syntax.missing_op import is_op

TEXT = re.compile(rf"[ -]*({'|'.join(TEXTS)})[ ]*:[ ]*")
LONGEST_KEY = 40
FARTHEST = 100  # lines that are gone back


def report_line(here: Span, report: Report) -> None:
    """Report a line that YAML cannot read where it stands."""
    item = here.text == "-"
    if item and (key := _without_dash(here)):
        _report_dash(key, Label(here, "the next step has one"), report)
        return
    if word := _bare_step_above(here):
        _report_no_colon(word, _first_word(here.source, here.line), report)
        return
    above = _line_above(here)
    spaces = here.column - 1
    label = f"indented by {spaces}" if above else ""
    if item:
        message = "a list item stands where a key is needed"
        help = "indent the items of a list alike, below their key"
    else:
        message = "this does not fit in with the lines before it"
        help = "indent what belongs together alike"
    labels = [Label(above, f"indented by {above.column - 1}")] if above else []
    if not item and (owner := _form_deeper(here) or _line_shallower(here)):
        labels.append(Label(owner, f"by {owner.column - 1}: should it be {spaces}?"))
    report.add("yaml-syntax", message, here, label, secondary=labels, help=help)


def report_deeper_items(step: Span, report: Report) -> bool:
    """Report steps that are indented further than a single word above them, so that YAML reads all
    of it as one text; whether there are any.
    """
    deeper = re.search(r"\n([ ]*)- ", step.text)
    if not deeper:
        return False
    source, depth = step.source, len(deeper[1])
    number = source.position(step.start + deeper.end())[0]
    start = source.line_starts[number - 1]
    word = Span(source, step.start, step.start + len(step.text.split("\n")[0].rstrip()))
    report.add(
        "yaml-syntax",
        "a list item is indented further than the one above it",
        Span(source, start + depth, start + depth + 1),
        secondary=[Label(word, "it follows this one")],
        help="indent the items of a list alike",
        fix=_aligned(word, number, depth),
    )
    return True


def _aligned(word: Span, number: int, depth: int) -> list[Edit]:
    """The edits that give a step and the items below it one indentation: that of the step if others
    have it, too, or else that of the items.
    """
    source = word.source
    row = re.match(r"[ ]*(?=- )", source.line(word.line))
    if row is None or row.end() + 2 != word.column - 1:
        return []
    edits: list[Edit] = []
    behind = ""
    for n in range(number, len(source.line_starts) + 1):
        text, start = source.line(n), source.line_starts[n - 1]
        if text.strip() and not text.startswith(" " * depth):
            behind = text
            break
        if text.strip():
            edits.append(Edit(Span(source, start, start + depth), row[0]))
    before = next(
        (text for n in range(word.line - 1, 0, -1) if (text := source.line(n)).strip()), ""
    )
    begins = len(before) - len(before.lstrip()) <= row.end()
    if begins and not before.startswith(f"{row[0]}- ") and not behind.startswith(f"{row[0]}- "):
        start = source.line_starts[word.line - 1]
        return [Edit(Span(source, start, start + row.end()), " " * depth)]
    return edits


def report_line_in_value(here: Span, value: Span, report: Report) -> None:
    """Report a line with a `:` that, by its indentation, continues the value above it."""
    if report_deeper_items(value, report):
        return
    key = _first_word(here.source, here.line)
    before = value.source.line(value.line)[: value.column - 1].strip()
    first = Span(value.source, value.start, value.start + len(value.text.split("\n")[0].rstrip()))
    is_item = before == "-"
    in_model = value.source.line(value.line)[:1] == " "  # not a key of the whole spec
    text = TEXT.fullmatch(before)
    if text:
        _report_line_in_text(text[1], first, key, here, report)
        return
    is_word = is_op(first.text) or is_item and first.text.isidentifier()
    if is_word and (_belongs_to_step(key) if is_item else in_model):
        _report_no_colon(first, key, report, own_line=not is_item)
        return
    if is_item and key.column == value.column and key.text[:1].isalpha():
        _report_dash(key, Label(first, "the step above has one"), report)
        return
    report.add(
        "yaml-syntax",
        "this line goes on with the value above it, so it cannot have a `:`",
        here,
        secondary=[Label(value, "this value has several lines")],
        help="indent the keys of a mapping alike, and put a `:` behind each",
    )


def _report_line_in_text(owner: str, text: Span, key: Span, here: Span, report: Report) -> None:
    """Report a line with a `:` below a text: it is a key beside that of the text, or more text."""
    source, start = here.source, here.source.line_starts[here.line - 1]
    if key.text in TEXTS[owner]:
        message = f"`{key.text}` is indented further than `{owner}`, whose value is a text"
        help, at = "indent the keys of a mapping alike", key
        fix = [*_aligned_keys(source, text.line, owner, key)]
    else:
        message, help, at = "a text with `: ` in it must be quoted", 'put it between `"`', here
        whole = Span(source, text.start, start + len(source.line(here.line).rstrip()))
        fix = [] if set('"\\#') & set(whole.text) else [Edit(whole, f'"{whole.text}"')]
    report.add("yaml-syntax", message, at, secondary=[Label(text, "this text")], help=help, fix=fix)


def _aligned_keys(source: Source, number: int, owner: str, key: Span) -> Iterator[Edit]:
    """The key of a text and those below it, indented alike: as the ones below, if the key begins an
    item of a list whose next item agrees with them, or else as the key itself.
    """
    depth, column = key.column - 1, source.line(number).index(owner)
    lines = {n: source.line(n) for n in range(key.line, len(source.line_starts) + 1)}
    depths = {n: len(line) - len(line.lstrip()) for n, line in lines.items() if line.strip()}
    behind = next((n for n in depths if depths[n] != depth), None)
    is_item = source.line(number)[:column].strip() == "-"
    if is_item and behind and lines[behind].startswith(f"{' ' * (depth - 2)}- "):
        start = source.line_starts[number - 1]
        yield Edit(Span(source, start, start), " " * (depth - column))
        return
    for n in depths:
        if n == behind:
            return
        start = source.line_starts[n - 1]
        yield Edit(Span(source, start, start + depth), " " * column)


def _belongs_to_step(key: Span) -> bool:
    """Whether a key belongs to the step above it and is no step itself: it is a key that any step
    may have, or it has a single value, as attributes do.
    """
    line = key.source.line(key.line)[key.column - 1 + len(key.text) :]
    value = line.partition(":")[2].strip()
    single = re.match(r"[^\s{\[#]", value) is not None
    return key.text in AROUND or (single and key.text not in FORMS and not key.text[0].isupper())


def _report_no_colon(word: Span, key: Span, report: Report, *, own_line: bool = False) -> None:
    """A step without attributes is a word; one with something below it is a key."""
    start = f"\n{' ' * (key.column - 1)}" if own_line else ""
    report.add(
        "yaml-syntax",
        f"`{word.text}` has no `:` behind it, so nothing can belong to it",
        word,
        secondary=[Label(key, "this does")],
        help=f"write `{word.text}:`" + (" on a line of its own" if own_line else ""),
        fix=[Edit(Span(word.source, word.start - own_line, word.end), f"{start}{word.text}:")],
    )


def _report_dash(key: Span, other: Label, report: Report) -> None:
    report.add(
        "yaml-syntax",
        f"`{key.text}` has no `- ` before it",
        key,
        secondary=[other],
        help=f"write `- {key.text}: ...`, two columns to the left",
        fix=[Edit(Span(key.source, key.start - 2, key.start), "- ")],
    )


def outdented(opening: Span, here: Span) -> bool:
    """Whether a line is indented no further than the one above it that opens a bracket."""
    line = opening.source.line(opening.line)
    return here.line > opening.line and here.column <= len(line) - len(line.lstrip()) + 1


def _without_dash(here: Span) -> Span | None:
    """The key above a list item that would be a step, had it a dash."""
    found = None
    for number in range(here.line - 1, max(0, here.line - 1 - FARTHEST), -1):
        line = here.source.line(number).rstrip()
        text = line.lstrip()
        depth = len(line) - len(text) - (here.column - 1)
        if not text or text.startswith("#") or depth > 2:
            continue
        if depth < 2 or text.startswith("-"):
            break
        found = _first_word(here.source, number)
    return found if found and found.text[0].isalpha() else None


def _bare_step_above(here: Span) -> Span | None:
    """The word of the step on the line above, if this line belongs to it."""
    number = here.line - 1
    line = here.source.line(number) if number else ""
    found = re.fullmatch(r" *- (\w+)\s+#.*", line)
    if not found or found.start(1) != here.column - 1:
        return None
    start = here.source.line_starts[number - 1]
    word = Span(here.source, start + found.start(1), start + found.end(1))
    goes_with = _belongs_to_step(_first_word(here.source, here.line))
    return word if goes_with and is_op(word.text) else None


def _form_deeper(here: Span) -> Span | None:
    """The word of a form above that is indented further than this line, which is a part of it:
    `branches`, if this line is its `join`.
    """
    found = None
    part = _first_word(here.source, here.line).text
    for number in range(here.line - 1, max(0, here.line - 1 - FARTHEST), -1):
        line = here.source.line(number)
        word = _first_word(here.source, number)
        if line.strip() and not line.lstrip().startswith("#"):
            if word.column <= here.column:
                break
            if part in FORMS.get(word.text, ()):
                found = word
    return found if part in FORM_PARTS else None


def _line_shallower(here: Span) -> Span | None:
    """The key above that is indented less than the line before this one, although that line belongs
    to it.

    Either of the two may be indented wrongly.
    """
    for number in range(here.line - 1, max(0, here.line - 1 - FARTHEST), -1):
        line = here.source.line(number).rstrip()
        text = line.lstrip()
        if text and not text.startswith("#") and (depth := len(line) - len(text)) < here.column:
            is_owner = text.endswith(":") and depth < here.column - 1
            return _first_word(here.source, number) if is_owner else None
    return None


def _line_above(here: Span) -> Span | None:
    """Where the text of the nearest line above begins, if its indentation differs; in a list item,
    the text behind its dash.
    """
    for number in range(here.line - 1, max(0, here.line - 1 - FARTHEST), -1):
        line = here.source.line(number).strip()
        if line and not line.startswith("#"):
            word = _first_word(here.source, number)
            if word.column == here.column and here.text != "-":
                word = _first_word(here.source, number, skip=r"- +")
            return word if word.column != here.column else None
    return None


def _first_word(source: Source, number: int, skip: str = "") -> Span:
    line = source.line(number)
    before = re.match(rf"\s*(?:{skip})?", line)
    start = source.line_starts[number - 1] + (before.end() if before else 0)
    found = re.compile(rf"[\w.]{{1,{LONGEST_KEY}}}|.").match(source.text, start)
    return Span(source, start, found.end() if found else start)
