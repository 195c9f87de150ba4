"""The accuracies of the zoo, against what torchvision says of the weights that they cite."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from cnngen.shipped import SPECS
from cnngen.syntax.metrics import METRICS

CITED = re.compile(r"https://pytorch\.org/vision/\S+, weights (\w+)")
OTHER_NAMES = {"googlenet_bn": "googlenet"}
THEIR_METRICS = {
    "top1": "acc@1",
    "top5": "acc@5",
    "miou": "miou",
    "pixel_accuracy": "pixel_acc",
    "map": "box_map",
}


def results(path: Path) -> list[dict[str, Any]]:
    return yaml.safe_load(path.read_text(encoding="utf-8")).get("results") or []


FROM_TORCHVISION = [
    (OTHER_NAMES.get(path.stem, path.stem), found[1], result)
    for path in sorted(SPECS.glob("*.yaml"))
    for result in results(path)
    if (found := CITED.match(result["source"]))
]


@pytest.mark.parametrize(("name", "weights", "result"), FROM_TORCHVISION)
def test_it_is_what_torchvision_says(
    name: str, weights: str, result: dict[str, Any], torchvision: Any
):
    cited = torchvision.models.get_model_weights(name)[weights]
    (theirs,) = cited.meta["_metrics"].values()
    ours = {metric: result[metric] for metric in METRICS if metric in result}
    assert {THEIR_METRICS[metric]: value for metric, value in ours.items()} == theirs
    seen = getattr(cited.transforms, "keywords", {})
    sizes = {f"crop of {seen.get('crop_size')}", f"{seen.get('resize_size')} pixels", "boxes"}
    assert any(size in result["protocol"] for size in sizes)


def test_all_of_it_is_compared():
    """Sixty networks and more cite torchvision's weights."""
    assert len(FROM_TORCHVISION) >= 60
