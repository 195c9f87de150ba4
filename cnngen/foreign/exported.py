"""A program that `torch.export` saved (`.pt2`): its calls, as a run of the model would have them.

A program holds for the size of the batch, and mostly of the images, with which it was exported, in
inference alone; of what rests there, as dropped paths do, it has no trace.
"""

import re
from collections.abc import Mapping, Sequence
from operator import getitem
from typing import Any

from cnngen.foreign.both_modes import Both
from cnngen.foreign.graph import Obstacle, Reading
from cnngen.foreign.read_torch import flow_of, reading_of
from cnngen.foreign.torch_graph import Origin
from cnngen.foreign.trace_torch import Entered, Record, Run, Traced, of_model
from cnngen.ops.base import Shape, shape_of

FRAME = re.compile(r'File "([^"]+)", line (\d+)')
AGAIN = re.compile(r"@(\d+)$")  # ends the key of a module that is run again


def read_exported(program: Any, *, title: str, origin: str) -> Reading:
    """Read an `ExportedProgram`, which says itself what it is given."""
    run, inputs = trace_exported(program)
    obstacles: list[Obstacle] = []
    flow = flow_of(program, inputs, run, obstacles, {}, {})
    return reading_of(Both(flow.nodes, flow.outputs), Origin(title, origin, inputs), obstacles)


def trace_exported(program: Any) -> tuple[Run, Mapping[str, Shape]]:
    """The calls of a program, and what it is given."""
    import torch
    from torch.fx import Interpreter

    signature = program.graph_signature
    nodes = {node.name: node for node in program.graph.nodes}
    given = {name: tuple(nodes[name].meta["val"].shape) for name in signature.user_inputs}
    sizes = {name: tuple(int(n) for n in shape) for name, shape in given.items()}
    keys = _keys(signature)
    held = {keys[name]: nodes[name].meta["val"] for name in keys}
    run = Run(
        [Traced(shape) for shape in sizes.values()],
        {key: Traced(tuple(value.shape), key=key) for key, value in held.items()},
    )
    record = Record(run)
    tensors = [torch.empty(shape, device="meta") for shape in sizes.values()]
    weights = {k: torch.empty(v.shape, dtype=v.dtype, device="meta") for k, v in held.items()}
    for tensor, traced in zip(
        [*tensors, *weights.values()], [*run.inputs, *run.held.values()], strict=True
    ):
        record.know(tensor, traced)

    class Watching(Interpreter):
        def call_function(self, target: Any, args: Any, kwargs: Any) -> Any:
            if target is getitem:  # of several results, each of which is known
                return target(*args)
            node = self.node
            record.line = _line(node.meta.get("stack_trace") or "")
            return record.call(target, args, dict(kwargs), _inside(node.meta))

        def run_node(self, n: Any) -> Any:
            self.node = n
            return super().run_node(n)

    read = iter(tensors)
    arguments = [
        weights[keys[node.name]] if node.name in keys else next(read)
        for node in program.graph.nodes
        if node.op == "placeholder"
    ]
    try:
        with torch.no_grad(), torch.device("meta"):
            result = record.frozen(Watching(program.graph_module).run(*arguments))
        changed = len(result) - len(signature.user_outputs)  # buffers come first
        run.result = result[changed:]
    except Exception as error:
        run.error, run.failed = error, record.inside
    names = ["input"] if len(sizes) == 1 else [*sizes]
    return run, {n: shape_of(shape[1:]) for n, shape in zip(names, sizes.values(), strict=True)}


def _keys(signature: Any) -> Mapping[str, str]:
    """The keys of the weights that a program is given, by its names of them."""
    return {
        **signature.inputs_to_parameters,
        **signature.inputs_to_buffers,
        **signature.inputs_to_lifted_tensor_constants,
    }


def _inside(meta: Mapping[str, Any]) -> Sequence[Entered]:
    """The modules around a call."""
    stack: Mapping[str, tuple[str, Any]] = meta.get("nn_module_stack") or {}
    return [
        Entered(path, str(kind).rpartition(".")[2].removesuffix("'>"), _time(key))
        for key, (path, kind) in stack.items()
    ]


def _time(key: str) -> int:
    again = AGAIN.search(key)
    return int(again[1]) + 1 if again else 1


def _line(trace: str) -> str:
    """The line of the model's source, which is the last that is not PyTorch's."""
    frames = [(file, line) for file, line in FRAME.findall(trace) if of_model(file)]
    return f"{frames[-1][0].rpartition('/')[2]}:{frames[-1][1]}" if frames else ""
