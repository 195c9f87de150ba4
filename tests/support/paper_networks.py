"""Networks that no package has, written anew from their papers and the code of their authors."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def generator() -> nn.Module:
    """DCGAN, as the examples of PyTorch have it."""
    layers: list[nn.Module] = [nn.Unflatten(1, (100, 1, 1))]
    before = 100
    for width in (512, 256, 128, 64):
        stride, padding = (1, 0) if before == 100 else (2, 1)
        layers += [
            nn.ConvTranspose2d(before, width, 4, stride, padding, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
        ]
        before = width
    return nn.Sequential(*layers, nn.ConvTranspose2d(64, 3, 4, 2, 1, bias=False), nn.Tanh())


def discriminator() -> nn.Module:
    layers: list[nn.Module] = [nn.Conv2d(3, 64, 4, 2, 1, bias=False), nn.LeakyReLU(0.2)]
    for width in (128, 256, 512):
        layers += [
            nn.Conv2d(width // 2, width, 4, 2, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.LeakyReLU(0.2),
        ]
    return nn.Sequential(
        *layers, nn.Conv2d(512, 1, 4, 1, 0, bias=False), nn.Sigmoid(), nn.Flatten()
    )


class ITracker(nn.Module):
    """https://github.com/CSAILVision/GazeCapture, `pytorch/ITrackerModel.py`."""

    def __init__(self) -> None:
        super().__init__()
        self.eye, self.face = _eye_or_face(), _eye_or_face()
        self.eyes = nn.Linear(2 * 12 * 12 * 64, 128)
        self.face1, self.face2 = nn.Linear(12 * 12 * 64, 128), nn.Linear(128, 64)
        self.grid1, self.grid2 = nn.Linear(25 * 25, 256), nn.Linear(256, 128)
        self.all1, self.all2 = nn.Linear(128 + 64 + 128, 128), nn.Linear(128, 2)

    def forward(self, face: Tensor, left: Tensor, right: Tensor, grid: Tensor) -> Tensor:
        eyes = torch.cat((self.eye(left).flatten(1), self.eye(right).flatten(1)), 1)
        eyes = F.relu(self.eyes(eyes))
        face = F.relu(self.face2(F.relu(self.face1(self.face(face).flatten(1)))))
        grid = F.relu(self.grid2(F.relu(self.grid1(grid))))
        return self.all2(F.relu(self.all1(torch.cat((eyes, face, grid), 1))))


def _eye_or_face() -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(3, 96, 11, 4), nn.ReLU(), nn.MaxPool2d(3, 2), nn.LocalResponseNorm(5)),
        *(nn.Conv2d(96, 256, 5, 1, 2, groups=2), nn.ReLU(), nn.MaxPool2d(3, 2)),
        nn.LocalResponseNorm(5),
        *(nn.Conv2d(256, 384, 3, 1, 1), nn.ReLU(), nn.Conv2d(384, 64, 1), nn.ReLU()),
    )


class Siamese(nn.Module):
    """The convolutional Siamese network of the paper's Figure 4."""

    def __init__(self) -> None:
        super().__init__()
        self.twin = nn.Sequential(
            *(nn.Conv2d(1, 64, 10), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(64, 128, 7), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(128, 128, 4), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(128, 256, 4), nn.ReLU(), nn.Flatten()),
            *(nn.Linear(6 * 6 * 256, 4096), nn.Sigmoid()),
        )
        self.alike = nn.Linear(4096, 1)

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        return torch.sigmoid(self.alike(torch.abs(self.twin(left) - self.twin(right))))


class SppNet(nn.Module):
    """https://github.com/ShaoqingRen/SPP_net, `model-defs/Zeiler_conv5.prototxt`, but for its norms.

    The windows of the pyramid are computed as the paper's Section 2.3 says.
    """

    def __init__(self) -> None:
        super().__init__()
        self.maps = nn.Sequential(
            *(nn.Conv2d(3, 96, 7, 2, 1), nn.ReLU(), nn.LocalResponseNorm(5)),
            nn.MaxPool2d(3, 2, ceil_mode=True),
            *(nn.Conv2d(96, 256, 5, 2), nn.ReLU(), nn.LocalResponseNorm(5)),
            nn.MaxPool2d(3, 2, ceil_mode=True),
            *(nn.Conv2d(256, 384, 3, 1, 1), nn.ReLU()),
            *(nn.Conv2d(384, 384, 3, 1, 1), nn.ReLU()),
            *(nn.Conv2d(384, 256, 3, 1, 1), nn.ReLU()),
        )
        self.classify = nn.Sequential(
            *(nn.Linear((1 + 4 + 9 + 36) * 256, 4096), nn.ReLU(), nn.Dropout()),
            *(nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout()),
            nn.Linear(4096, 1000),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.maps(x)
        side = x.shape[-1]
        levels = [F.max_pool2d(x, -(-side // n), side // n) for n in (1, 2, 3, 6)]
        return self.classify(torch.cat([level.flatten(1) for level in levels], 1))


class Vgg16Spp(nn.Module):
    """VGG-16 with the same pyramid in the place of its last pool."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 3
        for width in (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512):
            layers += [nn.Conv2d(before, width, 3, 1, 1), nn.ReLU()] if width else [nn.MaxPool2d(2)]
            before = width or before
        self.maps = nn.Sequential(*layers)
        self.classify = nn.Sequential(
            *(nn.Linear((1 + 4 + 9 + 36) * 512, 4096), nn.ReLU(), nn.Dropout()),
            *(nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout()),
            nn.Linear(4096, 1000),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.classify(pyramid(self.maps(x)))


def pyramid(x: Tensor) -> Tensor:
    """The largest values in n x n windows, which overlap where n does not divide the side."""
    side = x.shape[-1]
    levels: list[Tensor] = []
    for n in (1, 2, 3, 6):
        windows = [slice(i * side // n, -(-(i + 1) * side // n)) for i in range(n)]
        rows = [[x[..., down, across].amax((2, 3)) for across in windows] for down in windows]
        levels.append(torch.stack([value for row in rows for value in row], 2).flatten(1))
    return torch.cat(levels, 1)


class TwoStream(nn.Module):
    """The paper's Figure 1, with the padding of CNN-M."""

    def __init__(self) -> None:
        super().__init__()
        self.spatial, self.temporal = _stream(3, 2), _stream(20, 1)

    def forward(self, frame: Tensor, flow: Tensor) -> Tensor:
        found = [self.spatial(frame), self.temporal(flow)]
        return torch.stack([scores.softmax(1) for scores in found]).mean(0)


def _stream(given: int, norms: int) -> nn.Module:
    layers: list[nn.Module] = []
    sizes = [(96, 7, 2, 0), (256, 5, 2, 1), (512, 3, 1, 1), (512, 3, 1, 1), (512, 3, 1, 1)]
    for i, (out, kernel, stride, padding) in enumerate(sizes):
        layers += [nn.Conv2d(given, out, kernel, stride, padding), nn.ReLU()]
        if i < norms:
            layers.append(nn.LocalResponseNorm(5, 5e-4, 0.75, 2.0))
        if i in (0, 1, 4):
            layers.append(nn.MaxPool2d(2))
        given = out
    return nn.Sequential(
        *(*layers, nn.Flatten(), nn.Linear(512 * 6 * 6, 4096), nn.ReLU(), nn.Dropout(0.9)),
        *(nn.Linear(4096, 2048), nn.ReLU(), nn.Dropout(0.9), nn.Linear(2048, 101)),
    )


class NestedUnet(nn.Module):
    """https://github.com/MrGiovanni/UNetPlusPlus, `Nest_Net`, with an output for each depth."""

    def __init__(self) -> None:
        super().__init__()
        width = [32, 64, 128, 256, 512]
        self.nodes, self.ups, self.outputs = nn.ModuleDict(), nn.ModuleDict(), nn.ModuleList()
        for j in range(5):  # how many nodes are before it at its resolution
            for i in range(5 - j):
                given = (width[i - 1] if i else 1) if j == 0 else (j + 1) * width[i]
                self.nodes[f"{i}{j}"] = _unit(given, width[i])
                if j:
                    self.ups[f"{i}{j}"] = nn.ConvTranspose2d(width[i + 1], width[i], 2, 2)
        self.outputs.extend(nn.Conv2d(32, 1, 1) for _ in range(4))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        found: dict[tuple[int, int], Tensor] = {}
        for i in range(5):
            found[i, 0] = self.nodes[f"{i}0"](F.max_pool2d(found[i - 1, 0], 2) if i else x)
        for j in range(1, 5):
            for i in range(5 - j):
                up = self.ups[f"{i}{j}"](found[i + 1, j - 1])
                row = [up, *(found[i, k] for k in range(j))]
                found[i, j] = self.nodes[f"{i}{j}"](torch.cat(row, 1))
        return {
            f"scores_{j}": torch.sigmoid(output(found[0, j]))
            for j, output in enumerate(self.outputs, start=1)
        }


def _unit(given: int, out: int) -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(given, out, 3, 1, 1), nn.ELU(), nn.Dropout()),
        *(nn.Conv2d(out, out, 3, 1, 1), nn.ELU(), nn.Dropout()),
    )
