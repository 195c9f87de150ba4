"""Unread: what only a branch would read that is absent."""

from collections.abc import Sequence

from cnngen.diagnostics.model import Label, Report
from cnngen.semantics.network import Network
from cnngen.semantics.walk import steps
from cnngen.syntax.tree import Branch, Step

HELP = "let the branch compute itself what nothing else reads"


def check_unread(network: Network, absent: Sequence[Branch], report: Report) -> None:
    """Report layers that lead to no output as these branches are absent: frameworks would differ in
    whether a model has them. So with inputs, which every model has.
    """
    layers = network.layers
    read = {network.stages[stage].path for stage in network.outputs.values()}
    for layer in reversed(layers.values()):
        if layer.path in read:
            read |= {x.path for x in layer.inputs}
    handed_on = {x.path for layer in layers.values() for x in layer.inputs}
    _check_inputs(network, absent, read | handed_on, report)
    reported: set[Step] = set()
    for layer in layers.values():
        if layer.path in read | handed_on or layer.step in reported:
            continue
        reported.add(layer.step)
        report.add(
            "unreachable-stage",
            f"nothing reads `{layer.path}`, as a branch that reads it is absent",
            layer.span,
            secondary=_absent(absent, *layer.path.split(".")),
            notes=layer.scope.trail(),
            help=HELP,
        )


def _check_inputs(
    network: Network, absent: Sequence[Branch], read: set[str], report: Report
) -> None:
    resolution = network.resolution
    named = {
        name.text
        for stage in resolution.spec.stages
        for step in steps(stage.body)
        for name in resolution.reads(step)
    }
    for given in resolution.spec.inputs:
        name = given.name.text
        if name in named and name not in read:
            report.add(
                "unreachable-stage",
                f"nothing reads the input `{name}`, as a branch that reads it is absent",
                given.name.span,
                secondary=_absent(absent, name),
                help="let something read it always, or give the parameters defaults with which the"
                " branch exists",
            )


def _absent(absent: Sequence[Branch], *names: str) -> list[Label]:
    """A label at an absent branch that reads what has one of these names, or else at one that reads
    a tensor under the name that a block has for it.
    """
    readers = [(b, b.body[0].origin.text) for b in absent if b.body and b.body[0].origin]
    readers.sort(key=lambda reader: reader[1] not in names)
    return [Label(branch.name.span, "absent") for branch, _ in readers[:1]]
