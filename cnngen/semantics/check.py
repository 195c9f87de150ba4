"""Check: what can only be seen on the whole graph of layers."""

from collections.abc import Set

from cnngen.diagnostics.model import Label, Report
from cnngen.ops.base import UNKNOWN
from cnngen.semantics.areas import Areas, Size
from cnngen.semantics.network import CHANGED, Layer, Network
from cnngen.syntax.tree import Call, Stage


def check_network(network: Network, report: Report) -> None:
    """Report layers whose output nothing reads, layers that would share a name in Keras, and sizes
    that generated code cannot know.
    """
    if not any(tensor.shape is UNKNOWN for tensor in network.stages.values()):
        _check_reached(network, report)
    _check_names(network, report)
    _check_norms(network, report)
    areas = Areas(network)
    for call, sizes in areas.varying():
        _report_sizes(call, "the iterations of a loop", sizes, report)
    chosen = network.resolution.block_uses.chosen
    for block in (block for block in network.resolution.order if block in chosen):
        for site in areas.arguments(block).values():  # which the other blocks do not take
            where = f"uses of `{block.name.text}`, which a parameter may be"
            _report_sizes(site.path[-1], where, areas.sizes(site), report)
    _check_parameters(network, report)


def _report_sizes(flatten: Call, where: str, sizes: Set[Size], report: Report) -> None:
    report.add(
        "varying-size",
        f"the size that is flattened here differs between {where}",
        flatten.callee.span,
        f"it is {' and '.join(f'{height} x {width}' for height, width in sorted(sizes))}",
        help="use `global_avg_pool` or `adaptive_avg_pool` before `flatten`",
    )


def _check_parameters(network: Network, report: Report) -> None:
    """Note which parameters cannot be arguments of the generated code, so that changing them takes
    another build.
    """
    for parameter in network.resolution.spec.parameters:
        name = parameter.name.text
        changed = network.fixed.get(name)
        if changed is None:
            continue
        again = f"build with `--set {name}=...`"
        pool = ", or use `global_avg_pool` before `flatten`" if changed == "size" else ""
        report.add(
            "fixed-parameter",
            f"`{name}` {CHANGED[changed]}, so only `--set` can change it",
            parameter.name.span,
            help=again + pool,
        )


def _check_norms(network: Network, report: Report) -> None:
    """Report norms over a single value: the value is its own mean, so the result is always 0."""
    for layer in network.layers.values():
        shape = layer.inputs[0].shape
        if layer.op.together(shape) != 1:
            continue
        if report.has("constant-norm", layer.span):
            continue
        alone = "one value in each group; PyTorch refuses a single image"
        if "groups" not in layer.op.attributes:
            alone = "one value at each position"
        report.add(
            "constant-norm",
            f"what `{layer.op.name}` gives depends on no input: it makes 0 of {alone}",
            layer.span,
            f"the input here is {shape}",
            notes=layer.scope.trail(),
            help="normalize more values together, or remove it",
        )


def _check_reached(network: Network, report: Report) -> None:
    """Report layers that lead to no output, and layers that always exist but lead to outputs of
    training only. Of a chain of such layers, the last one is reported.
    """
    training = network.training_stages()
    reached = _reached(network, set(network.outputs.values()))
    always = _reached(network, set(network.outputs.values()) - training)
    dead = {
        path
        for path, layer in network.layers.items()
        if path not in (reached if layer.training else always)
    }
    for each in network.resolution.spec.inputs:
        name = each.name.text
        if name not in always and dead.isdisjoint(network.graph.successors(name)):
            training_only = "outside of training, " if name in reached else ""
            report.add(
                "unreachable-stage",
                f"{training_only}nothing reads the input `{name}`",
                each.name.span,
                help=f"read it with `from: {name}`, or remove it",
            )
    live = {_stage(path) for path in network.layers.keys() - dead}
    spec = network.resolution.spec
    stages = {stage.name.text: stage for stage in spec.stages}
    for path, layer in network.layers.items():
        if path not in dead or not dead.isdisjoint(network.graph.successors(path)):
            continue
        stage = stages[_stage(path)]
        if stage.name.text in live:
            report.add(
                "unreachable-stage",
                f"nothing reads what `{layer.op.name}` gives",
                layer.span,
                help="remove it, or let the step behind it read its input",
            )
        else:
            _report_stage(stage, path in reached, network, report)


def _report_stage(stage: Stage, trains: bool, network: Network, report: Report) -> None:
    name = stage.name.text
    add = ", ".join(f"{n}: {s}" for n, s in [*network.outputs.items(), (name, name)][-10:])
    read = "" if stage.training else f"read it with `from: {name}`, "
    report.add(
        "unreachable-stage",
        f"{'outside of training, ' if trains else ''}nothing reads what `{name}` gives",
        stage.name.span,
        help=f"{read}write `outputs: {{{add}}}`, or remove it",
    )


def _reached(network: Network, stages: Set[str]) -> set[str]:
    """The paths of all layers on which what these stages give depends."""
    waiting = [network.stages[stage].path for stage in stages]
    reached: set[str] = set()
    while waiting:
        path = waiting.pop()
        if path not in reached:
            reached.add(path)
            waiting.extend(network.graph.predecessors(path))
    return reached


def _stage(path: str) -> str:
    return path.split(".")[0]


def _check_names(network: Network, report: Report) -> None:
    """Keras names have `_` in the place of the `.` of a path; no two paths may become one name:
    those of layers, and of parts that are used again, which are models.
    """
    paths: dict[str, Layer] = {}
    for path, layer in network.layers.items():
        if not layer.shares:
            keys = path.split(".")
            around = (
                (".".join(keys[: i + 1]) for i in range(len(keys) - 1)) if network.parts else ()
            )
            for part in around:
                if part in network.parts:
                    paths.setdefault(part, layer)
            paths[path] = layer
    names: dict[str, str] = {}
    inputs = network.resolution.spec.inputs
    given = {each.name.text: each.name.span for each in inputs} if len(inputs) > 1 else {}
    for path, layer in paths.items():
        if (name := path.replace(".", "_")) in given:
            report.add(
                "name-clash",
                f"the input `{name}` and the layer `{path}` would both be `{name}` in Keras",
                layer.span,
                secondary=[Label(given[name], "the input")],
                help="rename the input, a stage, a step or a branch",
            )
        other = names.setdefault(path.replace(".", "_"), path)
        if other != path:
            report.add(
                "name-clash",
                f"`{other}` and `{path}` would both be `{path.replace('.', '_')}` in Keras",
                layer.span,
                secondary=[Label(paths[other].span, "the other layer")]
                if paths[other].span != layer.span
                else (),
                help="rename a stage, a step or a branch",
            )
