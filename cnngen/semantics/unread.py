"""Unread: what only a branch would read that is absent."""

from collections.abc import Sequence

from cnngen.diagnostics.model import Label, Report
from cnngen.semantics.network import Network
from cnngen.syntax.tree import Branch, Step


def check_unread(network: Network, absent: Sequence[Branch], report: Report) -> None:
    """Report layers that lead to no output as these branches are absent: frameworks would differ in
    whether a model has them.
    """
    layers = network.layers
    read = {network.stages[stage].path for stage in network.outputs.values()}
    for layer in reversed(layers.values()):
        if layer.path in read:
            read |= {x.path for x in layer.inputs}
    handed_on = {x.path for layer in layers.values() for x in layer.inputs}
    readers = [branch for branch in absent if branch.body and branch.body[0].origin]
    reported: set[Step] = set()
    for layer in layers.values():
        if layer.path in read | handed_on or layer.step in reported:
            continue
        reported.add(layer.step)
        report.add(
            "unreachable-stage",
            f"nothing reads `{layer.path}`, as a branch that reads it is absent",
            layer.span,
            secondary=[Label(branch.name.span, "absent") for branch in readers[:1]],
            notes=layer.scope.trail(),
            help="let the branch compute itself what nothing else reads",
        )
