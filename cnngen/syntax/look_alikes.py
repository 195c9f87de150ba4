"""Look-alikes: characters that look like those of the language, or like nothing, and are others.

They come from other keyboards, from word processors and from web pages. In a text such as `about`
they are welcome. Where one of them made a mistake of a line, it is reported, as no other message
would make sense to the author.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from cnngen.diagnostics.codes import Severity
from cnngen.diagnostics.model import Diagnostic, Edit, Label, Report
from cnngen.source import Source, Span
from cnngen.syntax.forms import TEXTS
from cnngen.syntax.yaml_nodes import brief

_LETTERS = {
    **dict(zip("аеорсухіјѕԁһԛԝѵ", "aeopcyxijsdhqwv", strict=True)),
    **dict(zip("АВЕКМНОРСТУХЅІЈԌ", "ABEKMHOPCTYXSIJG", strict=True)),
    **dict(zip("кмтпгь", "kmtnrb", strict=True)),
    **dict(zip("αβγενικμορτυχωη", "abyevikuoptuxwn", strict=True)),
    **dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX", strict=True)),
    **dict(zip("ıɑɡſℓ", "iagsl", strict=True)),
}
_SIGNS = {
    **dict.fromkeys("‐‑‒–—―−﹣⁃", "-"),
    **dict.fromkeys("“”„‟«»″", '"'),
    **dict.fromkeys("‘’‚‛′´", "'"),
    **{"×": "*", "·": "*", "∗": "*", "÷": "/", "⁄": "/", "∕": "/", "∶": ":", "꞉": ":", "՝": ","},
    **{"≥": ">=", "≤": "<=", "≠": "!=", "、": ",", "。": ".", "‚": ",", "＿": "_", "‿": "_"},
}
ALIKE = _LETTERS | _SIGNS

OTHER = re.compile(r"[^\x00-\x7f]")
TEXT = re.compile(rf".*\b({'|'.join(TEXTS)}):")
LAYOUT = ("yaml-syntax", "unsupported-yaml", "unbalanced-expression")
MOST_MENDED = 1000  # of a line; one with more was written by no hand
ELSEWHERE = ("bad-extends", "unreadable", "too-large")  # about names of files, and texts

Lines = dict[tuple[str, int], Span | None]  # the first such character of lines, by path and number


def explain_look_alikes(report: Report) -> None:
    """Replace the errors that such a character caused by one that names it, once for each
    character.
    """
    told: set[tuple[str, int]] = set()
    lines: Lines = {}
    for diagnostic in list(report):
        if diagnostic.severity is not Severity.ERROR or diagnostic.code in ELSEWHERE:
            continue
        first = _first(diagnostic, lines)
        if first is None:
            if told and any(ascii_for(c) is not None for c in OTHER.findall(diagnostic.message)):
                report.drop(diagnostic)  # what else was said about the same word
            elif diagnostic.code == "bad-name":
                _name_letter(diagnostic, report)
            continue
        place = first.source.path, first.start
        if place in told:
            report.drop(diagnostic)
        else:
            report.replace(_explained(diagnostic, first), [diagnostic])
        told.add(place)


def ascii_for(character: str) -> str | None:
    """The character of the language that one looks like; empty if it is invisible, None if it is of
    the language.
    """
    if (seen := ALIKE.get(character)) is not None:
        return seen
    category = unicodedata.category(character)
    if category in ("Cf", "Cc", "Mn"):
        return ""
    if category == "Zs":
        return " "
    folded = unicodedata.normalize("NFKC", character)
    return folded if folded.isascii() and folded.isprintable() and category != "No" else None


def named(character: str) -> str:
    """`U+043E, CYRILLIC SMALL LETTER O`."""
    name = unicodedata.name(character, "")
    return f"U+{ord(character):04X}" + (f", {name}" if name else "")


def _first(diagnostic: Diagnostic, lines: Lines) -> Span | None:
    """The first such character of what is wrong; where YAML could not read on, also of the text
    around it.
    """
    span = diagnostic.primary.span
    wrong = Span(span.source, span.start, span.start + len(span.text.split("\n")[0]))
    if first := next(_others(wrong), None):
        return first
    if diagnostic.code in LAYOUT:
        for number in (span.line, span.line - 1, span.line - 2, span.line + 1):
            if first := _first_of_line(span.source, number, lines):
                return first
    return None


def _first_of_line(source: Source, number: int, lines: Lines) -> Span | None:
    """The same of a line, which is looked at once: thousands of mistakes may stand in it."""
    key = source.path, number
    if key not in lines:
        known = 1 <= number <= len(source.line_starts)
        lines[key] = next(_others(_code(source, number)), None) if known else None
    return lines[key]


def _code(source: Source, number: int) -> Span:
    """A line without its comment; nothing of a line that is text."""
    line, start = source.line(number), source.line_starts[number - 1]
    length = 0 if TEXT.match(line) else len(re.split(r"(?:^|\s)#", line)[0])
    return Span(source, start, start + length)


def _others(region: Span) -> Iterator[Span]:
    """The characters of a place that look like others."""
    for found in OTHER.finditer(region.text):
        if ascii_for(found[0]) is not None:
            start = region.start + found.start()
            yield Span(region.source, start, start + 1)


def _explained(diagnostic: Diagnostic, first: Span) -> Diagnostic:
    seen, word = ascii_for(first.text), _word(first)
    characters = [Span(word.source, i, i + 1) for i in range(word.start, word.end)]
    mended = brief("".join(map(_mended, characters))).strip()
    name = brief("".join(c for c in word.text if c.isprintable()).strip())
    what = f"`{name}` has a character" if name else "there is a character"
    like = "a space" if seen == " " else f"`{seen}`"
    looks = f"only looks like {like}" if seen else "is not seen"
    help = "write a plain space" if seen == " " else f"write `{mended}`" if mended else "remove it"
    beside = _on_lines(first) if diagnostic.code in LAYOUT else _others(diagnostic.primary.span)
    some = list(islice(beside, MOST_MENDED + 1))
    edits = [Edit(each, _mended(each)) for each in some] if len(some) <= MOST_MENDED else []
    return Diagnostic(
        diagnostic.code,
        f"{what} that {looks}: {named(first.text)}",
        Label(first),
        help=help,
        fix=tuple(edits),
    )


def _name_letter(diagnostic: Diagnostic, report: Report) -> None:
    """Whether a letter is of an alphabet that names do not use."""
    if letter := OTHER.search(diagnostic.primary.span.text):
        own = f"`{letter[0]}` is {named(letter[0])}"
        help = f"a name has the letters a to z, digits and `_`, and {own}"
        report.replace(replace(diagnostic, help=help), [diagnostic])


def _word(character: Span) -> Span:
    """The word that a character stands in."""
    text = character.source.text
    before = re.search(
        r"[^\s,:{}\[\]()\"]*\Z", text[max(0, character.start - 40) : character.start]
    )
    after = re.compile(r"[^\s,:{}\[\]()\"]{0,40}").match(text, character.end)
    start = character.start - len(before[0] if before else "")
    return Span(character.source, start, after.end() if after else character.end)


def _mended(character: Span) -> str:
    """What to write for a character; a blank follows a `:` and a `,`."""
    seen = ascii_for(character.text) if OTHER.match(character.text) else character.text
    if seen in (":", ",") and character.text != seen:
        following = character.source.text[character.end : character.end + 1]
        return seen if following.isspace() else f"{seen} "
    return character.text if seen is None else seen


def _on_lines(first: Span) -> Iterator[Span]:
    """The characters of this kind on the same line, and on lines around it without one between."""
    source, number = first.source, first.line
    yield from _others(_code(source, number))
    for step in (-1, 1):
        at = number + step
        while 1 <= at <= len(source.line_starts) and (found := list(_others(_code(source, at)))):
            yield from found
            at += step
