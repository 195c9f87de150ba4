"""Generate: a network and the name of a target -> the text of a file.

What the target cannot express becomes a diagnostic, and a mistake in a user's template a
`TemplateFaultError` that names its line; any other exception is a bug of ours.
"""

import ast
import re
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path

import jinja2

from cnngen.diagnostics.model import Report
from cnngen.expressions.algebra import TooComplex
from cnngen.semantics.network import INPUT, Network
from cnngen.semantics.settings import input_option
from cnngen.source import Span
from cnngen.syntax.tree import Call
from cnngen.targets.limits import OUTGROWN
from cnngen.targets.registry import BUILT_IN, PlacingTarget, Target, find_target
from cnngen.targets.rendered import Rendered
from cnngen.targets.spelling import Unsupported


class TemplateFaultError(Exception):
    """A template of the user is wrong; the message has its file and line."""


def generate(
    network: Network,
    target: str,
    report: Report,
    settings: Sequence[str] = (),
    folders: Sequence[Path] = (),
    *,
    in_place: bool = True,
) -> str | None:
    """The source of a network; None where the target lacks something, which is reported.

    Without `in_place`, no layer of PyTorch overwrites what it reads.
    """
    made = rendered(network, target, report, settings, folders, in_place=in_place)
    return None if made is None else made.text


def rendered(
    network: Network,
    target: str,
    report: Report,
    settings: Sequence[str] = (),
    folders: Sequence[Path] = (),
    *,
    in_place: bool = True,
) -> Rendered | None:
    """The source, and which of its lines were made from which step, if the target tells."""
    module = find_target(target)
    try:
        if in_place or target != "torch":  # the only target whose layers overwrite anything
            made = _rendered(module, network, settings, folders)
        else:
            made = _out_of_place(network, settings, folders)
        if folders and target in BUILT_IN:
            ast.parse(made.text)  # only Python knows whether a user's templates gave Python
        return made
    except Unsupported as error:
        _report_unsupported(network, target, error, report)
    except TooComplex:
        _report_unsupported(network, target, Unsupported(OUTGROWN.reason), report)
    except Exception as error:
        missing = _missing_op(error, target)
        if missing:
            _report_missing(network, target, missing, report)
        elif fault := _template_fault(error, folders):
            raise TemplateFaultError(fault) from error
        else:
            raise
    return None


def _rendered(
    module: Target, network: Network, settings: Sequence[str], folders: Sequence[Path]
) -> Rendered:
    if isinstance(module, PlacingTarget):
        return module.rendered(network, settings, folders)
    return Rendered(module.render(network, settings, folders), {})


def _out_of_place(network: Network, settings: Sequence[str], folders: Sequence[Path]) -> Rendered:
    from cnngen.targets import torch

    return torch.rendered(network, settings, folders, in_place=False)


def header_settings(
    network: Network, settings: Mapping[str, str], *, in_place: bool = True
) -> list[str]:
    """What the header says that was changed: `--set`, another size of the input, `--no-inplace`."""
    changed = [f"{name}={text}" for name, text in sorted(settings.items())]
    for own in network.resolution.spec.inputs:
        name, given = own.name.text, network.inputs[own.name.text]
        if given != own.shape:
            word = "input=" if name == INPUT else "input "
            changed.append(f"{word}{input_option(name, given)}")
    return changed if in_place else [*changed, "--no-inplace"]


def _report_unsupported(network: Network, target: str, error: Unsupported, report: Report) -> None:
    call: object = getattr(error, "call", None)
    spec = network.resolution.spec
    at = call.callee if isinstance(call, Call) else spec.name
    report.add(
        "unsupported-op",
        f"the target `{target}` cannot express this `{at.text}`",
        at.span,
        str(error),
        help="use another op, or other values of its attributes",
    )


def _report_missing(network: Network, target: str, op: str, report: Report) -> None:
    report.add(
        "unsupported-op",
        f"the target `{target}` cannot express `{op}`",
        _first_use(network, op),
        help=f"use another op, or give the target a template `ops/{op}.jinja`",
    )


def _first_use(network: Network, op: str) -> Span:
    uses = (layer.span for layer in network.layers.values() if layer.op.name == op)
    return next(uses, network.resolution.spec.name.span)


def _missing_op(error: Exception, target: str) -> str | None:
    """The op for which a target has no template."""
    if not isinstance(error, jinja2.TemplateNotFound):
        return None
    found = re.fullmatch(rf"{re.escape(target)}/ops/(\w+)\.jinja", str(error.name))
    return found[1] if found else None


def _template_fault(error: Exception, folders: Sequence[Path]) -> str | None:
    """The place in a user's template, and what is wrong there; None where it is no fault of his."""
    if isinstance(error, jinja2.TemplateSyntaxError):
        place = f"{error.filename or error.name}:{error.lineno}: "
        return f"{place}{error.message}" if folders else None
    frames = traceback.extract_tb(error.__traceback__)  # in which Jinja puts lines of templates
    mine = [
        frame
        for frame in frames
        if any(Path(frame.filename).is_relative_to(folder) for folder in folders)
    ]
    if mine:
        return f"{mine[-1].filename}:{mine[-1].lineno}: {_reason(error)}"
    match error:
        case jinja2.TemplateError() | OSError() | UnicodeDecodeError() if folders:
            return f"the templates cannot be used: {_reason(error)}"
        case SyntaxError() if folders:
            text = (error.text or "").strip()
            return f"the templates do not give Python: {error.msg}, at `{text}`"
        case _:
            return None


def _reason(error: Exception) -> str:
    match error:
        case jinja2.TemplateNotFound():
            return f"there is no template `{error.name}`"
        case jinja2.TemplateError():
            return error.message or type(error).__name__
        case _:
            return f"{type(error).__name__}: {error}"
