"""The detection networks of torchvision, up to the maps from which they read boxes."""

from typing import Any

from torch import Tensor, nn
from torchvision.models import detection
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone


def pyramid() -> nn.Module:
    """ResNet-50-FPN with batch norms that learn, as ours are."""
    backbone = resnet_fpn_backbone(
        backbone_name="resnet50", weights=None, norm_layer=nn.BatchNorm2d
    )
    return Maps(backbone)


def ssd() -> nn.Module:
    return Ssd(detection.ssd300_vgg16(weights=None, weights_backbone=None))


def retinanet() -> nn.Module:
    return RetinaNet(detection.retinanet_resnet50_fpn(weights=None, weights_backbone=None))


class Maps(nn.Module):
    """A pyramid whose maps are called as in the paper."""

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {f"p{i}": y for i, y in enumerate(self.backbone(x).values(), start=2)}


class Ssd(nn.Module):
    def __init__(self, detector: Any) -> None:
        super().__init__()
        self.backbone, head = detector.backbone, detector.head
        self.boxes = head.regression_head.module_list
        self.scores = head.classification_head.module_list

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        maps = dict(zip((4, 7, 8, 9, 10, 11), self.backbone(x).values(), strict=True))
        heads = {"boxes": self.boxes, "scores": self.scores}
        return {
            f"{name}{i}": layer(y)
            for name, layers in heads.items()
            for layer, (i, y) in zip(layers, maps.items(), strict=True)
        }


class RetinaNet(nn.Module):
    def __init__(self, detector: Any) -> None:
        super().__init__()
        self.backbone, head = detector.backbone, detector.head
        boxes, scores = head.regression_head, head.classification_head
        self.boxes = nn.Sequential(boxes.conv, boxes.bbox_reg)
        self.scores = nn.Sequential(scores.conv, scores.cls_logits)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        maps = dict(enumerate(self.backbone(x).values(), start=3))
        heads = {"boxes": self.boxes, "scores": self.scores}
        return {f"{name}{i}": head(y) for name, head in heads.items() for i, y in maps.items()}
