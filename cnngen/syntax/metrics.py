"""Metrics: what is measured of networks, in the order of the columns of a table."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

MOST = 100.0  # of all: per cent, and more decibels than a network reaches
SHARE = 1.0  # below it is what some papers print as a share, and is per cent here


@dataclass(frozen=True, slots=True)
class Metric:
    """`title` heads a column, `name` stands along an axis; more is always better."""

    title: str
    name: str
    about: str
    example: float
    unit: str = "per cent"

    @property
    def per_cent(self) -> bool:
        return self.unit == "per cent"

    def told(self, value: float) -> str:
        """`77.15% top-1`, `31.73 dB PSNR`."""
        return f"{value:g}{'%' if self.per_cent else f' {self.unit}'} {self.title}"


METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        "top1": Metric("top-1", "top-1 accuracy", "Per cent of the images that are right.", 77.15),
        "top5": Metric(
            "top-5", "top-5 accuracy", "Per cent with the right class among five.", 93.29
        ),
        "miou": Metric(
            "mIoU",
            "mean intersection over union",
            "Per cent of intersection over union: the mean over the classes.",
            60.5,
        ),
        "pixel_accuracy": Metric(
            "pixel accuracy", "pixel accuracy", "Per cent of the pixels that are right.", 91.4
        ),
        "map": Metric(
            "mAP",
            "mean average precision",
            "Per cent of average precision of the boxes: the mean over the classes.",
            36.4,
        ),
        "psnr": Metric(
            "PSNR",
            "peak signal-to-noise ratio",
            "Peak signal-to-noise ratio of the images, in dB.",
            31.73,
            unit="dB",
        ),
    }
)
