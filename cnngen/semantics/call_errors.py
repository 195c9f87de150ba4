"""Call errors: what to say about a call of nothing that there is, or that is given wrong things."""

import re
from collections.abc import Collection, Iterable, Sequence
from itertools import chain

from cnngen.diagnostics.model import Edit, Label, Report
from cnngen.diagnostics.suggest import respell
from cnngen.diagnostics.synonyms import ATTRIBUTES, is_inferred, translate
from cnngen.diagnostics.synonyms import OPS as OTHER_OPS
from cnngen.diagnostics.terminal import one_line
from cnngen.ops import OPS
from cnngen.ops.base import Op
from cnngen.semantics.names import guess, listed
from cnngen.syntax.fixes import remove_entry
from cnngen.syntax.tree import Argument, Block, Call, Identifier

BESIDE = ("name", "from")  # what a step says beside its op
PLAIN = re.compile(r"[\w.]+")  # a value that can stand between braces


def report_callee(callee: Identifier, blocks: Collection[str], report: Report) -> str:
    """A step names neither an op nor a block; what it certainly means, for checking on with."""
    name = callee.text
    meant = translate(name, OTHER_OPS, OPS)
    close = meant or guess(name, chain(OPS, blocks), report)
    fix = respell(callee.span, close, () if meant or close is None else (*OPS, *blocks))
    if name[:1].isupper():
        code, message = "unknown-block", f"the spec defines no block `{name}`"
        use = f", or use {listed(blocks)}" if blocks else ""
        help = f"define it: `blocks: {{{name}: {{about: ..., body: ...}}}}`{use}"
    else:
        code, message = "unknown-op", f"there is no op `{name}`"
        help = "`cnngen ops` lists all ops"
    help = f"did you mean `{close}`?" if close else help
    report.add(code, message, callee.span, help=help, fix=fix)
    return meant or (close if close and fix else None) or ""


def report_missing(
    call: Call,
    callee: str,
    code: str,
    missing: list[str],
    report: Report,
    labels: Iterable[Label] = (),
) -> None:
    """What a call does not give to the op or the block that it means."""
    if missing:
        added = ", ".join(f"{name}: ..." for name in missing)
        report.add(
            code,
            f"`{callee}` needs {listed(missing, 'and')}",
            call.callee.span,
            secondary=labels,
            help=f"add `{added}`" if call.arguments else f"write `{callee}: {{{added}}}`",
        )


def report_unknown_parameter(
    argument: Argument, block: Block, missing: Sequence[str], report: Report
) -> str:
    """A call gives a block what it does not take; the parameter that may have been meant."""
    name, parameters = argument.name.text, [p.name.text for p in block.parameters]
    close = translate(name, ATTRIBUTES, parameters) or guess(name, parameters, report)
    if not close and len(missing) == 1:
        close = missing[0]
    report.add(
        "unknown-parameter",
        f"`{block.name.text}` has no parameter `{name}`",
        argument.name.span,
        secondary=[Label(block.name.span, f"it takes {listed(parameters, 'and') or 'none'}")],
        help=f"did you mean `{close}`?"
        if close
        else "remove it, or add it to the block's `params`",
        fix=respell(argument.name.span, close, parameters),
    )
    return close or ""


def report_nameless(
    argument: Argument, call: Call, takes: Sequence[str], missing: Sequence[str], report: Report
) -> None:
    """A call is given a value that does not say for what: most likely for what is missing."""
    callee, at = call.callee.text, argument.name.span
    likely = missing or (list(takes) if len(takes) == 1 else [])
    value = one_line(at.text)
    if likely:
        more = "".join(f", {name}: ..." for name in likely[1:])
        help = f"write `{callee}: {{{likely[0]}: {value}{more}}}`"
    elif takes:
        help = f"say for what: `{callee}: {{...: {value}}}` with {listed(takes)}"
    else:
        help = f"write `{callee}` alone: it takes nothing"
    is_safe = len(likely) == 1 and PLAIN.fullmatch(at.text)
    report.add(
        "wrong-kind",
        f"what `{callee}` is given must be a mapping, not a single value",
        at,
        help=help,
        fix=(Edit(at, f"{{{likely[0]}: {at.text}}}"),) if is_safe else (),
    )


def report_unknown_attribute(
    argument: Argument, call: Call, op: type[Op], missing: Sequence[str], report: Report
) -> str | None:
    """A call gives an op what it does not take; the attribute that was meant: without letters where
    nobody knows, None where none was.
    """
    name = argument.name
    takes = Label(call.callee.span, f"it takes {', '.join(op.attributes) or 'no attributes'}")
    message = f"`{op.name}` has no attribute `{name.text}`"
    if is_inferred(name.text):
        value = argument.value.span
        fix = remove_entry(name.span, value.end) if value else ()
        help = "remove it: cnngen infers it"  # other frameworks need it
        report.add("unknown-attribute", message, name.span, secondary=[takes], help=help, fix=fix)
        return None
    synonym = translate(name.text, ATTRIBUTES, op.attributes)
    close = synonym or guess(name.text, op.attributes, report)
    report.add(
        "unknown-attribute",
        message,
        name.span,
        secondary=[takes],
        help=f"did you mean `{close}`?" if close else _instead(argument, call, missing),
        fix=respell(name.span, close, () if synonym else op.attributes),
    )
    return close or ""


def _instead(argument: Argument, call: Call, missing: Collection[str]) -> str:
    """What to do about an attribute that resembles none."""
    name, callee = argument.name.text, call.callee.text
    if name in BESIDE:
        value = argument.value.span.text if argument.value.span else "..."
        return f"write it beside `{callee}`: `{{{callee}: {{...}}, {name}: {one_line(value)}}}`"
    return f"it needs {listed(missing, 'and')}: write that instead" if missing else "remove it"
