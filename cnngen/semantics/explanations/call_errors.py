"""Call errors: what to say about a call of an unknown op or block, and about wrong or missing
arguments.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from itertools import chain

from cnngen.diagnostics.model import Edit, Label, Report
from cnngen.diagnostics.suggest import is_slip, respell
from cnngen.diagnostics.synonyms import ATTRIBUTES, is_inferred, translate
from cnngen.diagnostics.synonyms import OPS as OTHER_OPS
from cnngen.diagnostics.terminal import one_line
from cnngen.expressions.expression import ListOf
from cnngen.ops import OPS
from cnngen.ops.base import Op
from cnngen.semantics.definitions import guess, is_misspelt, listed
from cnngen.semantics.explanations.translation import (
    Translation,
    meant_call,
    translate_call,
    written,
)
from cnngen.syntax.fixes import remove_entry
from cnngen.syntax.forms import JOINS
from cnngen.syntax.tree import Argument, Block, Call, Identifier, Spec
from cnngen.vocabulary.meaning import (
    changes_nothing,
    framework_of,
    instead_of,
    is_foreign,
    layers_named,
    plain,
    renamed,
)

BESIDE = ("name", "from")  # what a step says beside its op
SHORTEST_PART = 3  # of a word that another begins or ends with
PLAIN = re.compile(r"[\w.]+")  # a value that can stand between braces


def report_callee(call: Call, spec: Spec, report: Report) -> Call:
    """Report a step that names neither an op nor a block. Gives the call that was certainly meant,
    so that checking can go on; where none is certain, a call without a name.
    """
    name, blocks = call.callee.text, spec.blocks
    translation = translate_call(call, spec.defaults)
    close = likely_callee(call.callee, blocks, report)
    if name[:1].isupper():
        code, message = "unknown-block", f"the spec defines no block `{name}`"
        rivals: Collection[str] = blocks
    else:
        code, message = "unknown-op", f"there is no op `{name}`"
        rivals = (*OPS, *blocks)
    is_own_word = close is not None and close in rivals and is_slip(name, close)
    fix = respell(call.callee.span, close, rivals) if is_own_word else translation.edits
    if not is_own_word and any(is_slip(name, block) for block in blocks):
        fix = ()  # it may be that block as well
    notes = translation.meaning.notes if fix and translation.meaning else ()
    help = None if is_own_word else _foreign_help(call, translation)
    if help is None and not is_own_word and name in _parts_of(spec):
        help, fix = f"use it again with `use: {name}`, or read it with `from: {name}`", ()
    elif help is None and close in JOINS:
        help, fix = f"write `branches: {{left: ..., right: ...}}` with `join: {close}`", ()
    elif help is None and close:
        help = f"did you mean `{close}`?"
    elif help is None and (parts := _parts(name)):
        help = f"did you mean {listed([_with_gaps(op, call) for op in parts])}?"
    elif help is None and name[:1].isupper():
        use = f", or use {listed(blocks)}" if blocks else ""
        help = f"define it: `blocks: {{{name}: {{about: ..., body: ...}}}}`{use}"
    report.add(
        *(code, message, call.callee.span),
        notes=notes,
        help=help or "`cnngen ops` lists all ops",
        fix=fix,
    )
    if translation.meaning and not is_own_word:
        return meant_call(call, translation.meaning)
    # What a layer gives for which there is no op, nobody knows.
    is_certain = is_own_word and fix or not is_foreign(name) and translate(name, OTHER_OPS, OPS)
    return replace(call, callee=replace(call.callee, text=close if close and is_certain else ""))


def _parts_of(spec: Spec) -> set[str]:
    """The names of stages and of steps of blocks, which are no ops."""
    named = {step.name.text for b in spec.blocks.values() for step in b.body if step.name}
    return named | {stage.name.text for stage in spec.stages}


def report_default_callee(callee: Identifier, report: Report) -> str:
    """Report a word under `defaults` that is no op; gives the op that was most likely meant."""
    close = likely_callee(callee, (), report)
    report.add(
        "unknown-op",
        f"there is no op `{callee.text}`",
        callee.span,
        help=f"did you mean `{close}`?" if close else "`cnngen ops` lists all ops",
        fix=() if callee.text[:1].isupper() else respell(callee.span, close, OPS),
    )
    return close or ""


def likely_callee(callee: Identifier, blocks: Collection[str], report: Report) -> str | None:
    """The op or the block that an unknown word most likely means.

    A word in CapWords is a block that is missing, unless a framework has a layer of that name; a
    layer that has no op is never the op with a similar name.
    """
    name = callee.text
    if layers := layers_named(name):
        ops = {layer.op for layer in layers}
        own = next((op for op in OPS if plain(op) == plain(name)), None)
        return own or (ops.pop() if len(ops) == 1 else None)
    if is_foreign(name):
        return None
    if name[:1].isupper():
        same = [op for op in OPS if plain(op) == plain(name)]
        return guess(name, blocks, report) or (same[0] if same else None)
    meant = translate(name, OTHER_OPS, OPS)
    if _parts(name) and (meant is None or meant in JOINS):
        return None
    return meant or guess(name, chain(OPS, blocks), report)


def _parts(name: str) -> list[str]:
    """The ops whose names begin or end with a word, joins left out."""
    parts = (op for op in OPS if op not in JOINS and (op.startswith(name) or op.endswith(name)))
    return [*parts] if len(name) >= SHORTEST_PART else []


def _with_gaps(op: str, call: Call) -> str:
    """An op as a call with `...` for each required attribute."""
    needed = [name for name, attribute in OPS[op].attributes.items() if attribute.required]
    gaps = ", ".join(f"{name}: ..." for name in needed)
    return f"{op}: {{{gaps}}}" if needed and not call.arguments else op


def _foreign_help(call: Call, translation: Translation) -> str | None:
    """What to write for a layer of another framework, if the word is the name of one."""
    reading, meaning = translation.reading, translation.meaning
    if meaning and translation.settled:
        settled = listed([f"{name}" for name in translation.settled], "and")
        return f"did you mean `{meaning.op}`? Then {settled} of this file's `defaults` hold"
    if meaning:
        is_only_a_word = meaning.text == meaning.op or not (meaning.added or meaning.notes)
        return None if is_only_a_word else f"write `{meaning.text}`"
    if len(reading.meanings) + len(reading.unsayable) > 1:
        words = [f"{m.framework} means `{m.text}`" for m in reading.meanings]
        words += [reason for _, reason in reading.unsayable]
        return "; ".join(words)
    if reading.unsayable:
        return reading.unsayable[0][1]
    framework = framework_of(call.callee.text)
    return (
        f"{framework}'s `{call.callee.text}` has no op here; a block may have that name"
        if framework
        else None
    )


def report_missing(
    call: Call,
    callee: str,
    code: str,
    missing: list[str],
    report: Report,
    labels: Iterable[Label] = (),
    *,
    is_value: bool = False,
) -> None:
    """Report what a call does not give to its op or block; an op may be named as a value."""
    if missing:
        added = ", ".join(f"{name}: ..." for name in missing)
        whole = f"{callee}: {{{added}}}"
        report.add(
            code,
            f"`{callee}` needs {listed(missing, 'and')}",
            call.callee.span,
            secondary=labels,
            help=f"add `{added}`"
            if call.arguments
            else f"write `{{{whole}}}`"
            if is_value
            else f"write `{whole}`",
        )


def report_unknown_parameter(
    argument: Argument, block: Block, missing: Sequence[str], report: Report
) -> str:
    """Report an argument that a block does not take; gives the parameter that was meant."""
    name, parameters = argument.name.text, [p.name.text for p in block.parameters]
    close = translate(name, ATTRIBUTES, parameters) or guess(name, parameters, report)
    if not close and len(missing) == 1:
        close = missing[0]
    defined = next((p.name.span for p in block.parameters if p.name.text == close), None)
    message = f"`{block.name.text}` has no parameter `{name}`"
    if defined and is_misspelt(defined, argument.name.span):
        report.add(
            "unknown-parameter",
            message,
            argument.name.span,
            secondary=[Label(defined, f"`{close}` is defined here, and nothing uses it")],
            help=f"call it `{name}` where it is defined",
            fix=[Edit(defined, name)],
        )
        return close or ""
    report.add(
        "unknown-parameter",
        message,
        argument.name.span,
        secondary=[Label(block.name.span, f"it takes {listed(parameters, 'and') or 'none'}")],
        help=f"did you mean `{close}`?"
        if close
        else f"add it to the block's `params`: `{name}: ...`, and use it there",
        fix=respell(argument.name.span, close, parameters),
    )
    return close or ""


def report_input_as_argument(argument: Argument, call: Call, report: Report) -> None:
    """Report what a block takes without being told, as an argument."""
    value, callee = argument.value, call.callee.text
    given = one_line(value.span.text) if value.span else ""
    if given == "input":
        help = "leave it out: a step is given what the one before it gives"
    elif isinstance(value, ListOf):
        help = f'make a list of them by `branches: "{given}"` with `join: list`, and read that by'
        help += f" `from`: `{{{callee}: {{}}, from: ...}}`"
    else:
        name = given if PLAIN.fullmatch(given) else f'"{given}"' if given else "..."
        help = f"let the step read it by `from`: `{{{callee}: {{}}, from: {name}}}`"
    report.add(
        "unknown-parameter",
        "`input` is what a block is given, and no argument",
        argument.name.span,
        help=help,
    )


def report_nameless(
    argument: Argument, call: Call, takes: Sequence[str], missing: Sequence[str], report: Report
) -> None:
    """Report values without a name: most likely they are for what is missing."""
    callee, at = call.callee.text, argument.name.span
    likely = missing or (list(takes) if len(takes) == 1 else [])
    value = one_line(at.text)
    values = _values(argument, at.text)
    if likely and 1 < len(values) <= len(likely):
        given = dict(zip(likely, values, strict=False))
    else:
        given = {likely[0]: value} if likely else {}
    written = [f"{name}: {given.get(name, '...')}" for name in likely]
    if likely:
        help = f"write `{callee}: {{{', '.join(written)}}}`"
    elif takes:
        help = f"say for what: `{callee}: {{...: {value}}}` with {listed(takes)}"
    else:
        help = f"write `{callee}` alone: it takes nothing"
    is_safe = len(given) == len(likely) == 1 and PLAIN.fullmatch(at.text)
    kind = "a list" if len(values) > 1 else "a single value"
    report.add(
        "wrong-kind",
        f"what `{callee}` is given must be a mapping, not {kind}",
        at,
        help=help,
        fix=(Edit(at, f"{{{likely[0]}: {at.text}}}"),) if is_safe else (),
    )


def _values(argument: Argument, text: str) -> list[str]:
    """The values of a list as they are written; else the one that there is."""
    if not isinstance(argument.value, ListOf):
        return [text]
    inner = text.strip("[]")
    return [part.strip() for part in inner.split(",")] if not set("[]()") & set(inner) else [text]


def report_unknown_attribute(
    argument: Argument, call: Call, op: type[Op], missing: Sequence[str], report: Report
) -> str | None:
    """Report an attribute that an op does not have. Gives the one that was meant: an empty name
    where nobody knows, None where none was.
    """
    name, at = argument.name, argument.value.span
    close, fix = None, tuple[Edit, ...]()
    if needless := _needless(argument, op, missing):
        help, fix = needless, remove_entry(name.span, at.end) if at else ()
    elif known := renamed(op.name, name.text, written(argument)):
        close, fix = known, respell(name.span, known)
        help = f"did you mean `{close}`?"
    elif name.text not in BESIDE and (instead := instead_of(op.name, name.text)):
        help = instead
    else:
        close = translate(name.text, ATTRIBUTES, op.attributes)
        close = close or guess(name.text, op.attributes, report)
        help = f"did you mean `{close}`?" if close else _instead(argument, call, missing)
        fix = respell(name.span, close, op.attributes, closed=True)
    source = name.span.source  # other files of the chain do not count
    if any(o.name.text == close and o.name.span.source is source for o in call.arguments):
        help, fix = f"`{close}` says that already", ()
    takes = Label(call.callee.span, f"it takes {', '.join(op.attributes) or 'no attributes'}")
    message = f"`{op.name}` has no attribute `{name.text}`"
    report.add("unknown-attribute", message, name.span, secondary=[takes], help=help, fix=fix)
    return None if needless else close or ""


def _needless(argument: Argument, op: type[Op], missing: Sequence[str]) -> str | None:
    """Why an attribute can go: other frameworks need it, or it is what the op computes anyway."""
    name = argument.name.text
    changes = not changes_nothing(op.name, name, written(argument))
    if is_inferred(name) and not (changes and missing):
        return "remove it: cnngen infers it"
    return None if changes else f"remove it: `{op.name}` computes just that"


def _instead(argument: Argument, call: Call, missing: Collection[str]) -> str:
    """What to do about an attribute that resembles none."""
    name, callee = argument.name.text, call.callee.text
    if name in BESIDE:
        value = argument.value.span.text if argument.value.span else "..."
        return f"write it beside `{callee}`: `{{{callee}: {{...}}, {name}: {one_line(value)}}}`"
    if missing:
        return f"it needs {listed(missing, 'and')}: write that instead"
    group = OPS[callee].group if callee in OPS else None
    like = [op for op, each in OPS.items() if each.group == group]
    if takers := [op for op in like if name in OPS[op].attributes]:
        return f"there is {listed(takers)}, which takes `{name}`"
    return f"`cnngen ops {callee}` says what it computes, and with which attributes"
