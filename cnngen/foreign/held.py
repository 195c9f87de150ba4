"""Tensors that do not depend on what a model is given: its weights, what is computed of these
alone, constants, and noise.
"""

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

from cnngen.foreign.torch_calls import arguments
from cnngen.foreign.trace_torch import Traced, found, replaced

RESHAPES = {
    *("view", "reshape", "unsqueeze", "squeeze", "expand", "expand_as", "flatten", "view_as"),
    *("reshape_as", "unflatten", "contiguous", "to", "float", "detach", "type", "type_as"),
    *("clone", "data", "broadcast_to", "_to_copy", "alias", "requires_grad_"),
}
"""Functions that give the same numbers, in the same order or so that one axis has them all."""
NOISE = {"bernoulli", "rand", "rand_like", "dropout", "uniform", "randn", "randn_like", "normal"}


class UnknownValueError(Exception):
    """A tensor has no value that could be looked at."""


def weight_key(traced: Traced) -> str:
    """The key of the weight that a tensor is, perhaps in another shape; empty if it is none."""
    while traced.call and traced.call.reads:
        before, name = traced.call.reads[0], traced.call.name
        whole = name == "__getitem__" and prod(before.sizes) == prod(traced.sizes)
        if not whole and name not in RESHAPES:
            return ""
        traced = before
    return traced.key


def depends_on(traced: Traced, given: Callable[[Traced], bool]) -> bool:
    """Whether a tensor is, or was computed of, one for which something holds."""
    waiting, seen = [traced], set[int]()
    while waiting:
        tensor = waiting.pop()
        if given(tensor):
            return True
        if tensor.call and id(tensor) not in seen:
            seen.add(id(tensor))
            waiting += tensor.call.reads
    return False


def is_noise(traced: Traced) -> bool:
    return depends_on(traced, lambda x: x.call is not None and x.call.name in NOISE)


def rate_of_noise(traced: Traced) -> float | None:
    """The share of zeros in noise that multiplies by 0 or by what makes up for that; None for noise
    of another kind.
    """
    call = traced.call
    if call is None or not call.reads:
        return None
    given = arguments(call)
    match call.name:
        case "dropout" if given.get("training"):
            return float(given["p"])
        case "div":
            share = given.get("1")
            before = call.reads[0].call
            kept = before.args[1] if before and before.name == "bernoulli" else None
            return 1 - float(kept) if kept is not None and kept == share else None
        case "bernoulli" if len(call.args) > 1 and call.args[1] == 1:
            return 0.0
        case _ if call.name in RESHAPES:
            return rate_of_noise(call.reads[0])
        case _:
            return None


def value(traced: Traced, of_key: Callable[[str], Any]) -> Any:
    """The value of a tensor, from those of the weights."""
    import torch

    values: dict[int, Any] = {}

    def compute(tensor: Traced) -> Any:
        if id(tensor) not in values:
            values[id(tensor)] = made(tensor)
        return values[id(tensor)]

    def made(tensor: Traced) -> Any:
        if tensor.key:
            return of_key(tensor.key)
        call = tensor.call
        if call is None:
            if tensor.value is None:
                raise UnknownValueError
            return tensor.value
        if call.name in ("ones_like", "new_ones"):
            return torch.ones(tensor.sizes)
        if call.name in ("zeros_like", "new_zeros"):
            return torch.zeros(tensor.sizes)
        given = replaced((call.args, call.named), compute, Traced)
        result = call.function(*given[0], **_on_cpu(given[1]))
        return [*found(torch.Tensor, result)][call.gives.index(tensor)]

    if is_noise(traced):
        raise UnknownValueError
    with torch.no_grad():
        try:
            return compute(traced)
        except (RuntimeError, NotImplementedError, TypeError, ValueError) as error:
            raise UnknownValueError from error


def _on_cpu(named: Mapping[str, Any]) -> dict[str, Any]:
    return {name: given for name, given in named.items() if name != "device"}


def keys_of(traced: Traced) -> dict[str, tuple[int, ...]]:
    """The weights of which a tensor was computed, with their shapes."""
    found: dict[str, tuple[int, ...]] = {}

    def look(tensor: Traced) -> bool:
        if tensor.key:
            found[tensor.key] = tensor.sizes
        return False

    depends_on(traced, look)
    return found
