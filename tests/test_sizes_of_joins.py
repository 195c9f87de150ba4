"""Sizes of joins: what `cnngen sizes` says of random branches is what `check --input` says of each size."""

from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml

from cnngen.analysis import analyse
from cnngen.diagnostics.model import Report
from cnngen.ops.base import Image
from cnngen.semantics.elaborate import elaborate
from cnngen.semantics.network import INPUT, Network
from cnngen.sizes.find import Sizes, explore
from cnngen.syntax.load import load

SIDES = range(1, 65)
OBLONG = 150
OWN = [(8, 8), (8, 12), (3, 8), (16, 5), (1, 7), (9, 9)]
ARMS: list[Any] = [
    "instance_norm",
    *("identity", "identity", "relu", "global_avg_pool", {"adaptive_avg_pool": {"size": 1}}),
    *("channel_mean", {"conv": {"out": 1, "kernel": 3, "stride": 2, "padding": "same"}}),
    *({"adaptive_avg_pool": {"size": [1, 2]}}, {"adaptive_avg_pool": {"size": 2}}),
    *({"avg_pool": {"kernel": k}} for k in (2, 3, 4, 8)),
    *({"avg_pool": {"kernel": k, "ceil": True}} for k in (2, 3)),
    *({"max_pool": {"kernel": [1, 4]}}, {"max_pool": {"kernel": [8, 1]}}),
    *({"conv": {"out": 4, "kernel": k, "stride": s}} for k, s in ((2, 1), (3, 2), (5, 4), (8, 8))),
    *({"conv": {"out": 4, "kernel": 3, "stride": s, "padding": "same"}} for s in (2, 4, 16)),
    *({"upsample": {"scale": 2}}, {"zero_pad": {"padding": 1}}, {"crop": {"padding": [1, 0]}}),
]
GATE_BESIDE_MAPS = """
cnngen: 1
name: Net
about: A gate beside maps that are 1 x 1 at the size of the input.
input: {channels: 3, height: 8, width: 8}
model:
  stem: {conv: {out: 4, kernel: 3, padding: half}}
  gate:
    branches:
      scale: [global_avg_pool, sigmoid]
      maps: {avg_pool: {kernel: 8}}
    join: multiply
"""


def random_joins(seed: int) -> str:
    random = Random(seed)
    height, width = random.choice(OWN)

    def arm() -> list[Any]:
        return [random.choice(ARMS) for _ in range(random.choice((1, 1, 2)))]

    stages: dict[str, Any] = {}
    for i in range(random.choice((1, 1, 2))):
        arms = {f"arm{n}": arm() for n in range(random.choice((2, 2, 3)))}
        join = random.choice(("multiply", "multiply", "multiply", "add"))
        stages[f"stage{i}"] = [
            *(arm() if random.random() < 0.3 else []),
            {"branches": arms, "join": join},
        ]
    spec = {
        **{"cnngen": 1, "name": "Net", "about": "Random joins."},
        **{"input": {"channels": 4, "height": height, "width": width}, "model": stages},
    }
    return yaml.safe_dump(spec, sort_keys=False)


def compiled(text: str, folder: Path) -> Network | None:
    path = folder / "net.yaml"
    path.write_text(text, encoding="utf-8")
    report = Report()
    spec = load(path, report)
    return analyse(spec, report) if spec else None


def works(network: Network, height: int, width: int) -> bool:
    report = Report()
    image = Image(network.input.channels, height, width)
    return (
        elaborate(network.resolution, report, inputs={INPUT: image}) is not None
        and not report.failed
    )


def compare(network: Network, random: Random) -> None:
    sizes: Sizes = explore(network).compiled()
    own = network.input
    for side in SIDES:
        assert works(network, side, own.width) == (side in sizes.height), f"{side} x {own.width}"
        assert works(network, own.height, side) == (side in sizes.width), f"{own.height} x {side}"
    if not sizes.tied:
        for _ in range(OBLONG):
            height, width = random.choice(SIDES), random.choice(SIDES)
            said = height in sizes.height and width in sizes.width
            assert works(network, height, width) == said, f"{height} x {width}"


@pytest.mark.parametrize("first", range(0, 400, 200))
def test_random_joins(first: int, tmp_path: Path):
    """About one random spec in ten has branches that fit each other, and is compared."""
    found = 0
    for seed in range(first, first + 200):
        if network := compiled(random_joins(seed), tmp_path):
            compare(network, Random(seed))
            found += 1
    assert found > 5


def test_a_gate_beside_maps_of_one_pixel(tmp_path: Path):
    network = compiled(GATE_BESIDE_MAPS, tmp_path)
    assert network
    compare(network, Random(0))
    assert explore(network).compiled().height.ranges == ()
