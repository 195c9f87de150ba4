"""Random stages that are loops, of which others read what the iterations gave: one by its position, or the list."""

from collections.abc import Collection
from random import Random

from support.random_bodies import NAMES, plain
from support.random_expressions import Tree

BLOCKS: dict[str, Tree] = {
    "Merging": {
        "about": "Another map, beside the input",
        "params": {"other": "tensor"},
        "body": [
            {
                "branches": {"left": {"conv": {"out": 4, "kernel": 1}}, "right": {"from": "other", "relu": None}},
                "join": "concat",
            },
            {"conv": {"out": 8, "kernel": 1}},
        ],
    },
    "Joined": {
        "about": "A list of maps behind each other",
        "params": {"maps": "tensors"},
        "body": [
            {"branches": "maps", "join": "concat"},
            {"conv": {"out": "4 * len(maps)", "kernel": 1}},
        ],
    },
    "Listed": {
        "about": "A loop that is read in its block",
        "params": {"times": "int"},
        "body": [
            {"repeat": "times + 1", "do": [{"conv": {"out": 8, "kernel": 1}}, "relu"], "name": "inner"},
            {"each": {"each_map": "inner[::-1]"}, "do": {"Merging": {"other": "each_map"}}, "name": "again"},
            {"branches": "[input] + again + inner[:1]", "join": "concat"},
        ],
    },
}  # fmt: skip


def listed(
    random: Random, taken: Collection[str], counts: Collection[str]
) -> tuple[dict[str, Tree], list[str]]:
    """Stages that keep height and width, the last of which joins the others, and the blocks that they use. `counts`
    are expressions of numbers from 0.
    """
    alike = set(map(plain, taken))
    names = [name for name in NAMES if plain(name) not in alike]
    names = [*{plain(name): name for name in names}.values()]
    encoder, walk, joined, variable, other = random.sample(names, 5)
    count = random.choice(["1", "2", *counts])
    conv: Tree = {"conv": {"out": random.choice([4, 8]), "kernel": 3, "padding": "half"}}
    body: Tree = random.choice([conv, [conv, "relu"], ["relu", conv], [conv, "batch_norm", "tanh"]])
    loop: dict[str, Tree] = {"repeat": f"{count} + 1", "do": body}
    if random.random() < 0.5:
        grown: Tree = {"conv": {"out": f"4 + 4 * {variable}", "kernel": 1}}
        loop = {
            "each": {variable: f"range({count} + 1)"},
            "do": random.choice([grown, [grown, "relu"]]),
        }
        if random.random() < 0.5:
            loop["between"] = random.choice(["relu", {"dropout": {"rate": 0.1}}, conv])
    walked = random.choice(
        ["X", "X[::-1]", "X[:-1][::-1]", "X[1:] + [X[0]]", "[X[-1], X[0]]", "[X[0]]"]
    ).replace("X", encoder)
    blocks = ["Merging"]
    step: Tree = random.choice(
        [
            {"conv": {"out": 8, "kernel": 1}, "from": other},
            [{"relu": None, "from": other}, {"conv": {"out": 8, "kernel": 1}}],
            {"Merging": {"other": other}},
            {"Merging": {"other": other}},
        ]
    )
    walking: dict[str, Tree] = {"each": {other: walked}, "do": step}
    if "Merging" in step and random.random() < 0.3:
        walking["between"] = random.choice(["relu", {"dropout": {"rate": 0.1}}])
    stages: dict[str, Tree] = {encoder: loop, walk: walking}
    maps = random.choice(["W", "[X[-1]] + W", "X + W", "W[::-1] + X[:1]", "[X[0], X[-1]] + W"])
    kind = random.random()
    if walked in (
        f"{encoder}[:-1][::-1]",
        f"[{encoder}[0]]",
    ):  # what the loop gives last has a reader
        maps, kind = "[X[-1]] + W", min(kind, 0.7)
    maps = maps.replace("W", walk).replace("X", encoder)
    if kind < 0.5:
        stages[joined] = {"branches": maps, "join": "concat"}
    elif kind < 0.8:
        stages[joined] = {"Joined": {"maps": maps}}
        blocks.append("Joined")
    else:
        stages[joined] = {"branches": walk, "join": random.choice(["add", "mean", "max"])}
    if kind < 0.3:
        last = random.choice(
            [name for name in names if name not in (encoder, walk, joined, variable, other)]
        )
        stages[last] = {"Listed": {"times": count}}
        blocks.append("Listed")
    used = str(stages) + "Merging" * ("Listed" in blocks)
    return stages, [name for name in BLOCKS if name in blocks and name in used]
