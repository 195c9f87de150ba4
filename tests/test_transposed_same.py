"""TensorFlow's `same` for a transposed convolution: both sources, against the layer of Keras."""

from itertools import product

import numpy as np
import pytest
from support.built_models import build

keras = pytest.importorskip("keras")
torch = pytest.importorskip("torch")

pytestmark = [pytest.mark.keras, pytest.mark.torch]

SPEC = """\
cnngen: 1
name: Net
about: A transposed convolution.
input: {{channels: 1, height: 4, width: 5}}
params: {{stride: {stride}}}
model:
  up: {{transposed_conv: {{out: 1, kernel: {kernel}, stride: {said}, dilation: {dilation}, padding: same}}}}
"""
WINDOWS = [
    *((kernel, stride, 1) for kernel, stride in product(range(1, 7), range(1, 4))),
    *((kernel, 1, dilation) for kernel, dilation in product((2, 3), (2, 3))),  # for PyTorch alone
]


@pytest.mark.parametrize("by_name", [False, True])
@pytest.mark.parametrize(("kernel", "stride", "dilation"), WINDOWS)
def test_both_compute_what_keras_does(kernel: int, stride: int, dilation: int, by_name: bool):
    theirs = keras.layers.Conv2DTranspose(
        1, kernel, strides=stride, padding="same", dilation_rate=dilation
    )
    x = np.random.default_rng(0).normal(size=(1, 4, 5, 1)).astype("float32")
    expected = np.asarray(theirs(x))
    assert expected.shape == (1, 4 * stride, 5 * stride, 1)
    theirs.set_weights([theirs.get_weights()[0], np.array([0.5], "float32")])
    expected = np.asarray(theirs(x))
    said = "stride" if by_name and dilation == 1 else stride
    built = build(SPEC.format(kernel=kernel, stride=stride, dilation=dilation, said=said))
    ours = built.torch()
    kernel_, bias = (torch.tensor(weight) for weight in theirs.get_weights())
    ours.load_state_dict({"up.weight": kernel_.permute(3, 2, 0, 1), "up.bias": bias})
    with torch.no_grad():
        found = ours(torch.tensor(x).permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5, atol=1e-6)
    if dilation > 1:
        return
    model = built.keras()
    model.set_weights(theirs.get_weights())
    np.testing.assert_allclose(np.asarray(model(x)), expected, rtol=1e-5, atol=1e-6)
