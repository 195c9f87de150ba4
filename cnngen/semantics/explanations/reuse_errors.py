"""What to say where the layers of a part cannot take what they are given at another place."""

from cnngen.diagnostics.model import Label, Report
from cnngen.ops.base import ShapeError
from cnngen.semantics.network import Layer, Scope, Tensor
from cnngen.semantics.reuse import Misfit
from cnngen.syntax.tree import Reuse


def report_reuse(
    error: ShapeError,
    step: Reuse,
    layer: Layer,
    first: Tensor,
    x: Tensor,
    scope: Scope,
    report: Report,
) -> None:
    """Report a layer that was made for `first` and does not fit `x`."""
    at = step.target.span
    if report.has(error.code, at):
        return
    said = error.message
    if isinstance(error, Misfit):
        said = f"the `{layer.op.name}` in `{step.target.text}` {said}"
    report.add(
        error.code,
        said,
        at,
        f"what is given here is {x.shape}",
        secondary=[Label(layer.span, f"first used for {first.shape}")],
        notes=scope.trail(),
        help=error.help,
    )
