"""Check: what can only be seen on the whole graph of layers."""

import networkx as nx

from cnngen.diagnostics.model import Label, Report
from cnngen.ops.base import UNKNOWN
from cnngen.program.areas import Areas
from cnngen.program.fixed import fixed_parameters
from cnngen.semantics.network import Layer, Network


def check_network(network: Network, report: Report) -> None:
    """Report layers that nothing reads, layers of one name in Keras, and sizes that the printed
    program cannot know.
    """
    if not any(tensor.shape is UNKNOWN for tensor in network.stages.values()):
        _check_reached(network, report)
    _check_names(network, report)
    for call, sizes in Areas(network).varying():
        listed = " and ".join(f"{height} x {width}" for height, width in sorted(sizes))
        report.add(
            "varying-size",
            "the size that is flattened here differs between the iterations of a loop",
            call.callee.span,
            f"it is {listed}",
            help="use `global_avg_pool` or `adaptive_avg_pool` before `flatten`",
        )
    for name in fixed_parameters(network):
        parameter = next(p for p in network.resolution.spec.parameters if p.name.text == name)
        report.add(
            "fixed-parameter",
            f"`{name}` changes a flattened size, so only `--set` can change it",
            parameter.name.span,
            help=f"build with `--set {name}=...`, or use `global_avg_pool` before `flatten`",
        )


def _check_reached(network: Network, report: Report) -> None:
    """Every layer must lead to an output."""
    reached: set[str] = set()
    for stage in network.outputs.values():
        if (tensor := network.stages.get(stage)) and tensor.path not in reached:
            reached |= {tensor.path} | nx.ancestors(network.graph, tensor.path)
    seen: set[object] = set()
    for path, layer in network.layers.items():
        if path in reached or layer.step in seen:
            continue
        seen.add(layer.step)
        stage = _stage(network, layer)
        whole = not any(
            other in reached for other in network.layers if other.split(".")[0] == stage
        )
        span = next(
            (s.name.span for s in network.resolution.spec.stages if s.name.text == stage),
            layer.span,
        )
        report.add(
            "unreachable-stage",
            f"nothing reads what `{stage}` gives"
            if whole
            else f"nothing reads what `{layer.op.name}` gives here",
            span if whole else layer.span,
            help="read it with `from`, add it to `outputs`, or remove it",
        )


def _stage(network: Network, layer: Layer) -> str:
    return layer.path.split(".")[0]


def _check_names(network: Network, report: Report) -> None:
    """Keras names have `_` for the `.` of a path; two paths must not become one name."""
    names: dict[str, Layer] = {}
    for path, layer in network.layers.items():
        other = names.setdefault(path.replace(".", "_"), layer)
        if other is not layer:
            report.add(
                "name-clash",
                f"`{other.path}` and `{path}` would both be `{path.replace('.', '_')}` in Keras",
                layer.span,
                secondary=[Label(other.span, "the other layer")]
                if other.span != layer.span
                else (),
                help="rename a stage, a step or a branch",
            )
