"""Small networks of PyTorch, each with what ought to be read of the ONNX file that it is exported to."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

EXPORTERS = ("default", "not optimized", "old")
IMAGE = (4, 8, 12)


def export(model: nn.Module, path: Path, exporter: str, *shapes: tuple[int, ...], **more: Any):
    """Write a file with samples of these shapes; the weights are random, those of norms too."""
    generator = torch.Generator().manual_seed(1)
    for tensor in (*model.parameters(), *model.buffers()):
        if tensor.ndim > 1:
            drawn = torch.randn(tensor.shape, generator=generator)
            tensor.data.copy_(drawn / tensor[0].numel() ** 0.5)
        elif tensor.is_floating_point():
            tensor.data.copy_(torch.rand(tensor.shape, generator=generator) + 0.5)
    inputs = tuple(torch.zeros(2, *shape) for shape in shapes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if exporter == "old":
            torch.onnx.export(model.eval(), inputs, path, dynamo=False, **more)
        else:
            optimize = exporter == "default"
            options = {"dynamo": True, "optimize": optimize, "verbose": False}
            torch.onnx.export(model.eval(), inputs, path, **options, **more)


class Of(nn.Module):
    """A function as a network; it may use modules."""

    def __init__(self, function: Callable[..., Tensor], *modules: nn.Module) -> None:
        super().__init__()
        self.function = function
        self.parts = nn.ModuleList(modules)

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.function(*inputs, *self.parts)


def _gate(x: Tensor, conv: nn.Module) -> Tensor:
    return x * conv(x.mean((2, 3), keepdim=True)).sigmoid().expand_as(x)


def _squeezed(x: Tensor, linear: nn.Module) -> Tensor:
    shares = linear(F.adaptive_avg_pool2d(x, 1).flatten(1)).sigmoid()
    return x * shares.view(x.shape[0], x.shape[1], 1, 1)


def _selected(x: Tensor, conv: nn.Module) -> Tensor:
    """As SKNet: shares of two branches."""
    both = torch.stack([x, x.relu()], dim=1)
    shares = conv(both.sum(1).mean((2, 3), keepdim=True))
    shares = shares.view(x.shape[0], 2, x.shape[1], 1, 1).softmax(1)
    return (both * shares).sum(1)


def _split_attention(x: Tensor, conv: nn.Module) -> Tensor:
    """As ResNeSt, by way of features."""
    n, c, h, w = x.shape
    both = x.view(n, 2, c // 2, h, w)
    shares = conv(both.sum(1).mean((2, 3), keepdim=True))
    shares = shares.view(n, 1, 2, -1).transpose(1, 2).softmax(1).reshape(n, -1).view(n, -1, 1, 1)
    return (both * shares.view(n, 2, c // 2, 1, 1)).sum(1)


def _shuffled(x: Tensor) -> Tensor:
    n, c, h, w = x.shape
    return x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)


def _layer_norm_by_hand(x: Tensor, conv: nn.Module) -> Tensor:
    mean = x.mean(1, keepdim=True)
    variance = (x - mean).pow(2).mean(1, keepdim=True)
    return conv((x - mean) / torch.sqrt(variance + 1e-6))


def _channels_last(x: Tensor, norm: nn.Module, linear: nn.Module) -> Tensor:
    y = linear(norm(x.permute(0, 2, 3, 1)))
    return x + F.gelu(y).permute(0, 3, 1, 2)


MODELS: dict[str, tuple[nn.Module, tuple[tuple[int, ...], ...], str]] = {
    "convolutions": (
        nn.Sequential(
            nn.Conv2d(4, 6, (3, 5), stride=(1, 2), padding=(1, 2), dilation=(2, 1)),
            nn.Conv2d(6, 12, 1, groups=3, bias=False),
            nn.Conv2d(12, 24, 3, groups=12, padding="same"),
            nn.ConvTranspose2d(24, 6, 3, stride=2, padding=1, output_padding=1, groups=2),
        ),
        (IMAGE,),
        "conv conv depthwise_conv transposed_conv",
    ),
    "activations": (
        nn.Sequential(
            *(nn.ReLU6(), nn.LeakyReLU(0.2), nn.PReLU(4), nn.PReLU(), nn.ELU(0.7), nn.SELU()),
            *(nn.GELU(), nn.GELU("tanh"), nn.SiLU(), nn.Sigmoid(), nn.Tanh(), nn.Hardtanh()),
            *(nn.Hardswish(), nn.Hardsigmoid(), nn.Mish(), nn.Softplus(), nn.Softmax(1)),
            nn.LogSoftmax(1),
        ),
        (IMAGE,),
        "relu6 leaky_relu prelu prelu elu selu gelu gelu silu sigmoid tanh hard_tanh hard_swish"
        " hard_sigmoid mish softplus softmax log_softmax",
    ),
    "activations by hand": (
        Of(lambda x: F.relu6(x + 3) / 6 + x * F.relu6(x + 3) / 6 + x * torch.sigmoid(x)),
        (IMAGE,),
        "hard_sigmoid hard_swish add silu add",
    ),
    "batch norms": (
        nn.Sequential(nn.ReLU(), nn.BatchNorm2d(4, eps=1e-3, momentum=0.01), nn.Tanh()),
        (IMAGE,),
        "relu batch_norm tanh",
    ),
    "norms": (
        nn.Sequential(
            nn.GroupNorm(2, 4, eps=1e-6),
            nn.ReLU(),
            nn.InstanceNorm2d(4),
            nn.Sigmoid(),
            nn.InstanceNorm2d(4, affine=True),
            nn.Tanh(),
            nn.LocalResponseNorm(3, 1e-2, 0.5, 2.0),
        ),
        (IMAGE,),
        "group_norm relu instance_norm sigmoid instance_norm tanh local_response_norm",
    ),
    "one length": (Of(lambda x: F.normalize(x, dim=1)), (IMAGE,), "l2_norm"),
    "a norm by hand": (
        Of(_layer_norm_by_hand, nn.Conv2d(4, 4, 1)),
        (IMAGE,),
        "layer_norm conv",
    ),
    "channels last": (
        Of(_channels_last, nn.LayerNorm(4, eps=1e-6), nn.Linear(4, 4)),
        (IMAGE,),
        "layer_norm conv gelu add",
    ),
    "poolings": (
        nn.Sequential(
            nn.MaxPool2d(3, 2, 1),
            nn.AvgPool2d(2, 1, 1),
            nn.AvgPool2d(3, 2, 1, count_include_pad=False),
            nn.MaxPool2d(2, 2, ceil_mode=True),
        ),
        ((4, 19, 17),),
        "max_pool avg_pool avg_pool max_pool",
    ),
    "global poolings": (
        Of(
            lambda x: (
                F.adaptive_avg_pool2d(x, 1) + F.adaptive_max_pool2d(x, 1) + x.amax((2, 3), True)
            ).flatten(1)
        ),
        (IMAGE,),
        "global_avg_pool global_max_pool add global_max_pool add flatten",
    ),
    "poolings of channels": (
        Of(lambda x: torch.cat([x.mean(1, True), x.amax(1, True)], 1)),
        (IMAGE,),
        "channel_mean channel_max concat",
    ),
    "features": (
        nn.Sequential(nn.Flatten(), nn.Linear(384, 5), nn.BatchNorm1d(5), nn.ReLU()),
        (IMAGE,),
        "flatten linear batch_norm relu",
    ),
    "a gate": (
        Of(_gate, nn.Conv2d(4, 4, 1)),
        (IMAGE,),
        "global_avg_pool conv sigmoid multiply",
    ),
    "a squeeze": (
        Of(_squeezed, nn.Linear(4, 4)),
        (IMAGE,),
        "global_avg_pool flatten linear sigmoid reshape multiply",
    ),
    "selection": (
        Of(_selected, nn.Conv2d(4, 8, 1)),
        (IMAGE,),
        "relu concat group_sum global_avg_pool conv group_softmax multiply group_sum",
    ),
    "split attention": (
        Of(_split_attention, nn.Conv2d(2, 4, 1)),
        (IMAGE,),
        "group_sum global_avg_pool conv group_softmax multiply group_sum",
    ),
    "joins": (
        Of(lambda x, y: torch.maximum(x - y, x * y) + torch.cat([x, y], 1)[:, 2:6]),
        (IMAGE, IMAGE),
        "subtract multiply max concat slice_channels add",
    ),
    "numbers": (Of(lambda x: (x * 0.5 + x / 4) * 2.0), (IMAGE,), "scale scale add scale"),
    "channels": (
        Of(lambda x: torch.cat([*_shuffled(x).chunk(2, 1), F.pad(x, (0, 0, 0, 0, 1, 2))], 1)),
        (IMAGE,),
        "channel_shuffle channel_group channel_group pad_channels concat",
    ),
    "pixels": (
        Of(lambda x: F.pixel_unshuffle(F.pixel_shuffle(x, 2), 4)),
        (IMAGE,),
        "pixel_shuffle pixel_unshuffle",
    ),
    "borders": (
        Of(lambda x, conv: conv(F.pad(x, (1, 2, 3, 4)))[:, :, 1:-2, 3:], nn.Conv2d(4, 3, 3)),
        (IMAGE,),
        "conv crop",
    ),
    "zeros": (nn.Sequential(nn.ZeroPad2d((1, 2, 0, 1)), nn.ReLU()), (IMAGE,), "zero_pad relu"),
    "every second": (Of(lambda x: x[:, :, ::2, ::2].relu()), (IMAGE,), "max_pool relu"),
    "enlarged": (
        nn.Sequential(
            nn.Upsample(scale_factor=2),
            nn.ReLU(),
            nn.UpsamplingBilinear2d(scale_factor=2),
            nn.ReLU(),
            nn.Upsample(scale_factor=2, mode="bilinear"),
        ),
        (IMAGE,),
        "upsample relu upsample relu upsample",
    ),
    "of one size": (
        Of(
            lambda x, conv: (
                x + F.interpolate(conv(x), x.shape[2:], mode="bilinear", align_corners=False)
            ),
            nn.Conv2d(4, 4, 3, 2),
        ),
        (IMAGE,),
        "conv resize add",
    ),
    "dropout": (
        nn.Sequential(nn.Dropout(0.2), nn.Conv2d(4, 4, 1), nn.Dropout2d(0.1)),
        (IMAGE,),
        "conv",
    ),
    "norm and activation": (
        nn.Sequential(nn.Conv2d(4, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU()),
        (IMAGE,),
        "conv batch_norm relu",
    ),
}
