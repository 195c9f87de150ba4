"""Filters that are computed of constants or of weights: what they are, by their values."""

from collections.abc import Callable
from math import comb
from typing import Any

from cnngen.foreign.held import UnknownValueError, keys_of, value, weight_key
from cnngen.foreign.trace_torch import Traced

TINY = 1e-3  # deviation of the filters that are tried, so that what is added to its square shows


def binomial(weight: Traced, of_key: Callable[[str], Any]) -> int:
    """The size of filters that blur by binomial numbers; 0 for any others."""
    if weight.sizes[1] != 1 or weight.sizes[2] != weight.sizes[3] or weight.sizes[2] < 2:
        return 0
    try:
        found = value(weight, of_key)
    except UnknownValueError:
        return 0
    size = weight.sizes[2]
    row = found.new_tensor([comb(size - 1, i) / 2 ** (size - 1) for i in range(size)])
    blur = row[:, None] * row[None, :]
    return size if float((found - blur).abs().max()) < 1e-6 else 0


def standardized(weight: Traced) -> tuple[str, float] | None:
    """The key of the weight that is standardized, filter by filter, and what is added to their
    variance; None where a filter is computed otherwise, or not at all.
    """
    import torch

    keys = keys_of(weight)
    if weight_key(weight) or len(keys) != 1:
        return None
    (key, sizes), draw = keys.popitem(), torch.Generator().manual_seed(0)
    if sizes != weight.sizes:
        return None
    w = TINY * torch.randn(sizes, generator=draw, dtype=torch.float64)
    try:
        found = value(weight, lambda _: w)
    except UnknownValueError:
        return None
    variance, mean = torch.var_mean(w, dim=(1, 2, 3), correction=0, keepdim=True)
    ratio = found / (w - mean)
    each = ratio.mean(dim=(1, 2, 3), keepdim=True)
    eps = (each**-2 - variance).flatten()
    same = (ratio - each).abs().max() < 1e-6 * each.abs().max()
    if not bool(same) or float(eps.max() - eps.min()) > 1e-3 * float(eps.max()) or eps[0] <= 0:
        return None
    return key, float(f"{float(eps.median()):.3g}")
