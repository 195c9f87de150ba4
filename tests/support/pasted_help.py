"""The text that a help tells to write, written where it says, or where it can only mean."""

import re
from collections.abc import Iterator

from cnngen.diagnostics.model import Diagnostic
from cnngen.fix import apply

QUOTED = re.compile(r"`([^`]+)`")
WHOLE = re.compile(r'(?:write|quote it:) (".*"|\'.*\')$')
AT_LINE = re.compile(r"`([^`]+)` at line (\d+)(?: \(indented by (\d+)\))?")
BELOW = re.compile(r"((?:`[^`]+`(?: and )?)+) below line (\d+)")
BLOCK = re.compile(r"this in place of lines? (\d+)(?: to (\d+))?:\n((?:.*\n?)*)")
GAP = re.compile(r"\.\.\.|\battribute\b|\bvalue\b")


def pasted(text: str, found: Diagnostic) -> Iterator[str]:
    """The spec after somebody followed the help, in each way in which it can be understood."""
    help = found.help or ""
    if re.search(r"at line|in place of line|below line", help):
        for alternative in re.split(r",\nor ", help.removeprefix("write ")):
            yield _edited(text, alternative)
        return
    if found.fix:
        yield apply(text, found.fix)
    span = found.primary.span
    start, end = span.start, span.end
    for word in tokens(help):
        yield from _placed(text, start, end, word)
    if re.search(r"remove|leave", help):
        yield from _removed(text, start, end)
    for name in re.findall(r"leave `(\w+)` out", help):
        line = text.rfind("\n", 0, start) + 1
        if found_at := re.search(rf",? *\b{name}: [^,}}\n]*", text[line:]):
            at = line + found_at.start()
            yield text[:at] + text[line + found_at.end() :]


def says_what(found: Diagnostic) -> bool:
    """Whether a help, or the fix beside it, says what to do."""
    help = found.help or ""
    return bool(tokens(help) or found.fix or re.search(r"remove|leave", help))


def tokens(help: str) -> list[str]:
    """The texts in a help that can be written as they are."""
    whole = WHOLE.search(help)
    if "\n" in help and not QUOTED.search(help):
        return [help.split("\n", 1)[1]]
    words = [whole[1]] if whole else QUOTED.findall(help)
    return [word for word in words if not GAP.search(word)]


def _edited(text: str, alternative: str) -> str:
    """`X` at line 3 and `Y` below line 4; the numbers are those of the text as it was."""
    lines = text.split("\n")
    changes: list[tuple[int, int, list[str]]] = []
    rest = alternative
    while block := re.search(
        r"this (?:in place of lines? (\d+)(?: to (\d+))?|below line (\d+)):\n((?:(?!and ).*(?:\n|$))+)",
        rest,
    ):
        first = int(block[1] or block[3])
        last = int(block[2] or block[1] or block[3])
        new = block[4].rstrip("\n").rstrip(",").split("\n")
        row = _indentation(lines[first - 1])
        row = row[len(_indentation(new[0])) :]  # the first line goes where the old one began
        changes.append((first - 1 if block[1] else first, last, [row + line for line in new]))
        rest = rest[: block.start()] + rest[block.end() :]
    for word, number, indent in AT_LINE.findall(rest):
        row = " " * int(indent) if indent else _indentation(lines[int(number) - 1])
        changes.append((int(number) - 1, int(number), [row + word]))
    for words, number in BELOW.findall(rest):
        above, below = lines[int(number) - 1 : int(number) + 1]
        row = _indentation(below if above.rstrip().endswith(":") else above)
        changes.append((int(number), int(number), [row + w for w in QUOTED.findall(words)]))
    for first, last, new in sorted(changes, key=lambda c: (-c[0], -c[1])):
        lines[first:last] = new
    return "\n".join(lines)


def _indentation(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _placed(text: str, start: int, end: int, word: str) -> Iterator[str]:
    """In place of what is marked, of the entry or step around it, or of its line; or beside it."""
    first = text.rfind("\n", 0, start) + 1
    last = text.find("\n", start)
    last = len(text) if last < 0 else last
    line = text[first:last]
    yield text[:start] + word + text[end:]
    prefix = re.match(r" *(?:- )?", line)
    assert prefix
    row = _indentation(line)
    yield text[:first] + (row if word.startswith("- ") else prefix[0]) + word + text[last:]
    yield text[:start] + word + text[last:]
    for key in re.finditer(r"[\w.]+ *:", text[first:start] + text[start:end] + ":"):
        at = first + key.start()
        for until in _ends(text, at, last):
            yield text[:at] + word + text[until:]
    for opened, closed in _braces(text, start):
        yield text[:opened] + word + text[closed:]
        yield text[: opened + 1] + word + text[closed - 1 :]
        yield text[: closed - 1] + f", {word}" + text[closed - 1 :]
    for indent in dict.fromkeys([row, prefix[0].replace("-", " "), row + "  ", row[2:], ""]):
        block = "".join(f"\n{indent}{each}" for each in word.split("\n"))
        yield text[:last] + block + text[last:]
        yield text[:first] + block[1:] + "\n" + text[first:]
    yield text[:end] + word + text[end:]
    yield text[:start] + f"{{{word}}}" + text[end:]
    yield text.rstrip("\n") + "\n" + word + "\n"


def _ends(text: str, start: int, last: int) -> Iterator[int]:
    depth = 0
    for i in range(start, last):
        depth += (text[i] in "{[") - (text[i] in "}]")
        if depth < 0 or (depth == 0 and text[i] == ","):
            yield i
            break
    yield last


def _braces(text: str, at: int) -> Iterator[tuple[int, int]]:
    stack: list[int] = []
    pairs: list[tuple[int, int]] = []
    for i, character in enumerate(text):
        if character in "{[":
            stack.append(i)
        elif character in "}]" and stack:
            pairs.append((stack.pop(), i + 1))
    yield from sorted((o, c) for o, c in pairs if o <= at < c)[::-1][:3]


def _removed(text: str, start: int, end: int) -> Iterator[str]:
    first = text.rfind("\n", 0, start) + 1
    last = text.find("\n", start)
    last = len(text) if last < 0 else last
    yield text[:start] + text[end:]
    yield text[:first] + text[last + 1 :]
    for until in _ends(text, start, last):
        before = re.sub(r",? *$", "", text[:start])
        yield before + text[until:]
        yield text[:start] + text[until:].lstrip(", ")
