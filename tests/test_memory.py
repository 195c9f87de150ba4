"""Memory of activations: by hand for small networks, and against what PyTorch holds."""

import weakref
from typing import Any

import pytest
from support.built_models import Built, build

from cnngen.report.memory import activations

HEAD = """
cnngen: 1
name: Small
about: A small network.
input: {channels: 1, height: 4, width: 4}
model:
"""
MAP = 4 * 4 * 4  # bytes of a map of 4 x 4

SPECS = {  # maps of 4 x 4 at one time in inference, and kept for training
    "a row: a tensor goes when the next one is there": (
        "s: [{conv: {out: 2, kernel: 1}}, relu]",
        4,
        3,
    ),
    "what is read later stays": (
        "s: {branches: {a: [{conv: {out: 3, kernel: 1}}, relu, {conv: {out: 1, kernel: 1}}],"
        " b: identity}, join: add}",
        7,
        4,
    ),
    "what passes its input on takes nothing": ("s: [relu, identity, flatten, dropout]", 2, 2),
    "the largest value's place is two numbers": (
        "s: {max_pool: {kernel: 3, stride: 1, padding: 1}}",
        2,
        3,
    ),
}


@pytest.mark.parametrize("name", SPECS)
def test_small_networks(name: str):
    spec, inference, training = SPECS[name]
    found = activations(build(f"{HEAD}  {spec}\n").network)
    assert (found.inference / MAP, found.training / MAP) == (inference, training)


SEVERAL = """
cnngen: 1
name: Several
about: Colours, depth and a pose.
inputs:
  image: {channels: 3, height: 64, width: 64}
  depth: {channels: 1, height: 64, width: 64}
  pose: {features: 512}
model:
  colours: [{conv: {out: 8, kernel: 3, padding: half}, from: image}, batch_norm, relu]
  distances: {conv: {out: 8, kernel: 5, padding: half}, from: depth}
  maps: {branches: {colours: {from: colours}, distances: {from: distances}}, join: concat}
  seen: [{conv: {out: 64, kernel: 3}}, global_avg_pool, flatten]
  held: {linear: {out: 64}, from: pose}
  both: {branches: {seen: {from: seen}, held: {from: held}}, join: concat}
  head: {linear: {out: 10}}
"""
ZOO = [
    "alexnet_2012",
    "googlenet",
    "resnet50",
    "densenet121",
    "xception",
    "se_resnet50",
    "unet",
    SEVERAL,
]


@pytest.mark.torch
@pytest.mark.parametrize("name", ZOO, ids=lambda name: name.split("\n")[0] or "several")
def test_training_is_what_pytorch_keeps(name: str):
    built = build(name)
    kept = held_for_backward(built)
    assert 0.99 * kept <= activations(built.network).training <= kept


@pytest.mark.torch
@pytest.mark.parametrize("name", ZOO, ids=lambda name: name.split("\n")[0] or "several")
def test_pytorch_needs_no_less_in_inference(name: str):
    """It needs more where a variable lives on, or where an op is several ones."""
    built = build(name)
    assert activations(built.network).inference <= most_at_once(built)


def model_and_inputs(built: Built) -> tuple[Any, list[Any]]:
    import torch

    with torch.device("meta"):
        inputs = [torch.zeros(1, *shape.dimensions) for shape in built.network.inputs.values()]
        return built.torch(), inputs


def held_for_backward(built: Built) -> int:
    """The bytes that autograd saves, without weights."""
    import torch

    model, inputs = model_and_inputs(built)
    weights = {id_of(tensor) for tensor in model.state_dict().values()}
    saved: dict[int, Any] = {}

    def pack(tensor: Any) -> Any:
        saved[id_of(tensor)] = tensor.untyped_storage()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        twice = [torch.cat([x, x]) for x in inputs]  # of one image, batch norm knows no variance
        model.train()(*twice)
    return sum(s.nbytes() for key, s in saved.items() if key not in weights) // 2


def most_at_once(built: Built) -> int:
    """The most bytes of tensors that are alive during a forward pass."""
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    live: dict[int, int] = {}
    most = 0

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None):
            nonlocal most
            made = func(*args, **(kwargs or {}))
            for tensor in made if isinstance(made, (tuple, list)) else [made]:
                if isinstance(tensor, torch.Tensor) and (key := id_of(tensor)) not in known:
                    storage = tensor.untyped_storage()
                    known.add(key)
                    live[key] = storage.nbytes()
                    weakref.finalize(storage, forget, key)
            most = max(most, sum(live.values()))
            return made

    def forget(key: int) -> None:
        live.pop(key)
        known.discard(key)

    model, inputs = model_and_inputs(built)
    known = {id_of(tensor) for tensor in (*model.state_dict().values(), *inputs)}
    with torch.no_grad(), Watch():
        model.eval()(*inputs)
    return most + sum(x.untyped_storage().nbytes() for x in inputs)


def id_of(tensor: Any) -> int:
    return tensor.untyped_storage()._cdata
