"""Views of maps against numpy, which moves the numbers."""

from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnngen.foreign.onnx_axes import (
    Axes,
    Factor,
    ViewError,
    dimensions,
    flattened,
    order_of,
    reshaped,
    standard,
    transposed,
)
from cnngen.ops.base import Image

SHAPES = st.builds(
    Image, st.sampled_from([1, 2, 4, 6, 12]), st.sampled_from([1, 2, 3, 4]), st.sampled_from([1, 4])
)


def places(axes: Axes, batch: int, shape: Image) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Where in the maps, sample by sample, each number of a view comes from."""
    height, width = shape.height, shape.width
    steps = {"n": shape.numbers, "c": height * width, "h": width, "w": 1}
    result = np.zeros((1,), np.int64)
    for factor in (factor for axis in axes for factor in axis):
        step = steps[factor.letter] * factor.stride
        result = (result[..., None] + step * np.arange(factor.size)).reshape(-1)
    return result.reshape(dimensions(axes))


@given(data=st.data(), batch=st.sampled_from([1, 2]), shape=SHAPES)
def test_a_view_has_the_numbers_of_the_tensor(
    data: st.DataObject, batch: int, shape: Image
) -> None:
    axes = standard(batch, shape)
    array = np.arange(batch * shape.numbers).reshape(batch, *shape.dimensions)
    for _ in range(data.draw(st.integers(1, 6))):
        if data.draw(st.booleans()):
            order = data.draw(st.permutations(range(len(axes))))
            axes, array = transposed(axes, order), array.transpose(order)
        else:
            sizes = data.draw(splits(array.size))
            try:
                axes = reshaped(axes, sizes)
            except ViewError:  # sizes that are no multiples: no op of ours moves numbers so
                continue
            array = array.reshape(sizes)
        assert dimensions(axes) == array.shape
        np.testing.assert_array_equal(places(axes, batch, shape), array)


@st.composite
def splits(draw: st.DrawFn, total: int) -> tuple[int, ...]:
    """Sizes whose product is a number."""
    sizes: list[int] = []
    while total > 1 and len(sizes) < 5:
        size = draw(st.sampled_from([n for n in range(1, total + 1) if total % n == 0]))
        sizes.append(size)
        total //= size
    return (*sizes, total)


def test_a_shuffle_is_two_factors() -> None:
    axes = reshaped(standard(1, Image(6, 2, 2)), (1, 2, 3, 2, 2))
    axes = reshaped(transposed(axes, (0, 2, 1, 3, 4)), (1, 6, 2, 2))
    assert axes[1] == (Factor("c", 1, 3), Factor("c", 3, 2))


def test_what_is_swapped_back_is_as_it_was() -> None:
    shape = Image(6, 2, 3)
    axes = transposed(standard(1, shape), (0, 2, 3, 1))
    assert order_of(1, [(shape, axes)]) == (0, 2, 3, 1)
    assert transposed(axes, (0, 3, 1, 2)) == standard(1, shape)
    assert reshaped(standard(1, shape), (1, 36)) == flattened(1, shape)


@pytest.mark.parametrize("sizes", [(1, 7), (0,), (1, 5, 7), (-1, 36)])
def test_sizes_that_do_not_fit(sizes: tuple[int, ...]) -> None:
    assert prod(sizes) != 36
    with pytest.raises(ViewError):
        reshaped(standard(1, Image(6, 2, 3)), sizes)
