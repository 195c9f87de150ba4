"""Overrides: whether the parameters that a spec changes exist in the spec that it extends."""

from collections.abc import Iterator

from cnngen.diagnostics.model import Report
from cnngen.diagnostics.suggest import respell
from cnngen.expressions.algebra import free_names
from cnngen.semantics.definitions import guess, listed
from cnngen.semantics.walk import expressions, steps
from cnngen.syntax.tree import Body, Call, Spec


def check_overrides(spec: Spec, report: Report) -> None:
    """Report parameters that the extended spec does not have, unless the spec itself uses them."""
    inherited = spec.inherited
    if inherited is None or "" in inherited:
        return
    new = [
        parameter.name
        for parameter in spec.parameters
        if parameter.name.text not in inherited
        and parameter.name.text
        and parameter.name.span.source is spec.span.source
    ]
    used = {name for body in _bodies(spec) for name in _names(body)} if new else set[str]()
    for name in new:
        if name.text in used:
            continue
        close = guess(name.text, inherited, report)
        if close is None and report.failed:  # what uses it may not have been read
            continue
        known = f"it has {listed(sorted(inherited), 'and') or 'none'}"
        report.add(
            "unknown-parameter",
            f"the spec that this extends has no parameter `{name.text}`, and nothing here uses it",
            name.span,
            help=f"did you mean `{close}`?" if close else known,
            fix=respell(name.span, close, inherited),
        )


def _bodies(spec: Spec) -> Iterator[Body]:
    for part in (*spec.blocks.values(), *spec.stages):
        yield part.body


def _names(body: Body) -> Iterator[str]:
    for step in steps(body):
        if isinstance(step, Call):  # it may apply a parameter that is an op
            yield step.callee.text
        for expression in expressions(step):
            yield from free_names(expression)
