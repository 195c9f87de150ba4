"""What a help says to write mends its error: it is pasted, and the error is gone, with no new one.

Whatever cannot be pasted is listed with a reason.
"""

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from os.path import commonprefix
from pathlib import Path

import pytest
from support.mistake_cases import Case, cases
from support.mistakes_of_people import SPECS, Mistake, corpus
from support.pasted_help import pasted, says_what

from cnngen.analysis import DEFAULTS
from cnngen.check import Checked, check
from cnngen.diagnostics.codes import FOLLOWED, Severity
from cnngen.diagnostics.model import Diagnostic, Edit
from cnngen.fix import Copies, Findings
from cnngen.source import Span

# Helps without a text that could be pasted, and why.
OTHERWISE = {
    r"\.\.\.|\battribute\b|`key: value`|`n \*|`\[h, w\]`|`a if condition|^write one behind": "has a gap for what only the author knows",
    r"^(indent|move|add a `\}`|put one comma|put a comma|put `\"`)": "is about layout, or a place",
    r"^(the keys are|besides|it belongs to|it takes|here one can read|there are|say for what)": (
        "lists what there is, for the author to choose"
    ),
    r"which (it )?fits$|does without it$|` instead$|^a name has|^`(from|use)` names|which takes `\w+`$|has no op here": (
        "tells what there is"
    ),
    r"^(give it \d+, or|write (the steps again|`- use)|use (a (part|stage)|it in the model)|let (the first|`use`))"
    r"|^make a stage|^(here one can use|there is nothing before)": "asks for another structure, of which there are several",
    r"^`cnngen ops` lists|^the functions are|^heights and widths|^the first element|^a key is a single": (
        "tells what there is"
    ),
    r"^(rename|give (one|the branch\b)|choose a(nother| shorter)|call the file)": (
        "asks for a name that is used elsewhere, too"
    ),
    r"takes maps apart|no op for the other|have no op|has no (dilation|`padding: same`)|has neither$"
    r"|always keeps|nothing but its output|^Keras' sizes are these only": "explains what a framework has, and no op computes",
    r"a step of its own behind it$": "asks for a layer elsewhere",
    r"\b(smaller|larger|crop less|fewer|within|divisors)\b|a number for a default|^leave it out, or write the padding": (
        "asks for another number, of many"
    ),
    r"^`upsample` (has the modes|enlarges by)": "tells what there is",
    r"^let (the branch compute|one of them be there|something read it)": (
        "asks for another structure, of several"
    ),
    r"^(give them equal lengths|write as many|list one|channels are counted|use parameters)": (
        "asks for another list"
    ),
    r"^(let the `when`|write the iterations|make (a block|two (blocks|parameters))|choose between blocks|begin another stage|leave `name)"
    r"|^a block (cannot|sees)|^(use|read) it\b|^give it a `name`": (
        "asks for another structure, in several places"
    ),
    r"^write `\w+` as several stages|^there are `input`": "asks for stages, in several places",
    r"^(let `from`|read a stage|a step (reads|applies) it|add a stage|remove `when|write it beside)": (
        "asks for another reference"
    ),
    r"^(put|use) `(flatten|global_avg_pool)`|^give it \d+ features": "asks for a layer elsewhere",
    r"^(cut first|a `:` stands|list the elements)|^write `//`|^write `int\(|^put it in brackets|^compare it|^a (power|product) is": (
        "says how to write an expression, which the author has to do"
    ),
    r"^(give all records|a field has one type|fields are those|a record has|compare what they)": (
        "asks for other records, which only the author knows"
    ),
    r"^(add `do|add a branch|write several steps|write a step)": "asks for steps",
    r"^(walk through|these are|read one of them|join them|a list of maps is|write `\[|let it have one map|it has a length)"
    r"|^let (the loop be|a stage be|the output name|both sides|it make|the block say)|^(keep the maps|join the maps|give it what|make a list)|^give the variable|an expression of parameters$": (
        "asks for other maps, or for another structure"
    ),
    r"^one file holds|^name what is shared|^say it in|^put a|^quote it|^put it into `inputs`|^let it begin with": (
        "asks for more than one place of the file to be changed"
    ),
}


def errors(found: Findings | Checked) -> list[Diagnostic]:
    return [d for d in found.diagnostics if d.severity is Severity.ERROR]


def mends(text: str, path: Path, error: Diagnostic, before: Findings) -> bool:
    """Whether a spec with this text lacks the error, and has no new one of its making."""
    after = Copies({path.resolve(): text}, DEFAULTS).examine(path)
    first, (old, new) = changed(before.own.text, text)
    edit = Edit(Span(before.own, first, old), text[first:new])
    what = error.code, error.message
    # `check` points into the file of the spec even where the error is in what that extends.
    own = next((d for d in before.diagnostics if (d.code, d.message) == what), error)
    if not after.lacks(replace(own, fix=(edit,)), before):
        return False
    if after.no_worse_than(before):
        return True
    if after.stuck is not None and before.stuck is None:
        return False
    known = {d.message for d in errors(before)}
    come = [d for d in errors(after) if d.message not in known]
    return all(hidden(d, error, edit) for d in come)


def hidden(found: Diagnostic, error: Diagnostic, edit: Edit) -> bool:
    """Whether an error that came to light was there before: neither in what was written, nor about
    it. Behind a name that was unknown, or a shape, no shapes were known.
    """
    if found.code in FOLLOWED:
        is_behind = found.primary.span.start > error.primary.span.start
        return error.code not in FOLLOWED or (found.code in HIDING and is_behind)
    if found.code == "yaml-syntax" != error.code:
        return False
    start, end = edit.span.start, edit.span.start + len(edit.text)
    touches = found.primary.span.start <= end and start <= found.primary.span.end
    words = set(re.findall(r"[^\W\d]\w*", f"{edit.span.text} {edit.text}"))
    return not touches and not words & set(re.findall(r"`(\w+)`", found.message))


def changed(old: str, new: str) -> tuple[int, tuple[int, int]]:
    """Where two texts begin to differ, and where that ends in each, in whole words."""
    first = len(re.sub(r"\w+\Z", "", commonprefix([old, new])))
    same = len(re.sub(r"\w+\Z", "", commonprefix([old[first:][::-1], new[first:][::-1]])))
    return first, (len(old) - same, len(new) - same)


def not_mended(spec: str, path: Path) -> Iterator[str]:
    """The helps of a spec that say what to write, and do not mend their errors."""
    path.write_text(spec, encoding="utf-8", newline="")
    before = Copies({}, DEFAULTS).examine(path)
    for error in errors(check(path)):
        if error.help is None or error.primary.span.source.path != str(path):
            continue
        reasons = [pattern for pattern in OTHERWISE if re.search(pattern, error.help)]
        # A fix of layout may be one of several that a file needs: test_promises.py makes them all.
        if (not reasons or (error.fix and error.code != "yaml-syntax")) and not (
            says_what(error)
            and any(mends(t, path, error, before) for t in dict.fromkeys(pasted(spec, error)))
        ):
            yield f"{error.message}: {error.help}"


HELP = re.compile(r"= help: (.+)(\n +=+ fix: )?")
# Pasting mends the error, and brings one that was hidden: a file that there is not, a second `conv`.
HIDING = ("shape-mismatch", "empty-output", "indivisible-channels")
ELSEWHERE = {
    "structure: A misspelt `extends`",
    "structure: A join among the steps",  # it reads the stage in which it stands
    "names: An attribute that `defaults` give",
}


@pytest.mark.parametrize("case", [c for c in cases() if str(c) not in ELSEWHERE], ids=str)
def test_the_help_of_a_case_mends_it(case: Case, tmp_path: Path):
    assert not list(not_mended(case.spec, tmp_path / "spec.yaml"))


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("specs")
    shutil.copytree(SPECS, folder, dirs_exist_ok=True)
    return folder


@pytest.mark.parametrize("mistake", list(corpus(most=4)), ids=lambda m: f"{m.kind}: {m.file}")
def test_the_help_of_a_mistake_mends_it(mistake: Mistake, zoo: Path):
    path = zoo / mistake.file
    was = path.read_text(encoding="utf-8")
    try:
        assert not list(not_mended(mistake.text, path))
    finally:
        path.write_text(was, encoding="utf-8")


def test_what_cannot_be_pasted_is_a_short_list():
    said = [each for case in cases() for each in re.findall(HELP, case.output)]
    helps = [help for help, _ in said]
    used = {pattern for pattern in OTHERWISE if any(re.search(pattern, help) for help in helps)}
    assert used == OTHERWISE.keys(), "these reasons are needed no more"
    listed = sum(not fix and any(re.search(p, help) for p in OTHERWISE) for help, fix in said)
    assert listed < len(helps) / 2
