"""Random stages that leave maps apart, loops and conditions that carry the list, and what makes one map of it."""

from collections.abc import Collection, Sequence
from random import Random

from support.random_bodies import NAMES, plain
from support.random_expressions import Tree

BLOCKS: dict[str, Tree] = {
    "Reduced": {
        "about": "All maps, as one",
        "params": {"input": "tensors", "wide": "int"},
        "body": [{"branches": "input", "join": "concat"}, {"conv": {"out": "wide", "kernel": 1}}],
    },
    "Carried": {
        "about": "A convolution of each map, as wide as it is",
        "params": {"input": "tensors"},
        "body": {
            "branches": {
                "each": {"each_map": "input", "channels": "input.channels"},
                "do": [{"conv": {"out": "channels", "kernel": 3, "padding": "half"}, "from": "each_map"}, "relu"],
            },
            "join": "list",
        },
    },
    "Crossed": {
        "about": "Each map is made of all",
        "params": {"input": "tensors"},
        "body": {
            "branches": {"each": {"channels": "input.channels"}, "do": {"Reduced": {"wide": "channels"}}},
            "join": "list",
        },
    },
    "Turned": {
        "about": "The other way round",
        "params": {"input": "tensors"},
        "body": {"branches": "input[::-1]", "join": "list"},
    },
    "Grown": {
        "about": "One map more, which the others are read for",
        "params": {"input": "tensors"},
        "body": [
            {"conv": {"out": "2 * len(input)", "kernel": 1}, "from": "input[0]", "name": "first"},
            {"Carried": {}, "from": "input", "name": "carried"},
            {"branches": "carried + [first]", "join": "list"},
        ],
    },
    "Renewed": {
        "about": "The last map is new",
        "params": {"input": "tensors"},
        "body": [
            {"Reduced": {"wide": "input.channels[-1]"}, "name": "renewed"},
            {"branches": "input[:-1] + [renewed]", "join": "list"},
        ],
    },
    "Handed": {
        "about": "A list as a parameter, carried on",
        "params": {"maps": "tensors"},
        "body": [{"repeat": 2, "do": "Carried", "from": "maps"}, {"Reduced": {"wide": "4 * len(maps)"}}],
    },
}  # fmt: skip

CARRYING = ["Carried", "Crossed", "Turned", "Renewed", "Grown"]


def carried(
    random: Random,
    last: str | None,
    taken: Collection[str],
    counts: Sequence[str],
    flags: Sequence[str],
) -> tuple[dict[str, Tree], list[str]]:
    """Stages behind the `last` one that keep height and width, and the blocks that they use. There is no `last` where a
    parameter has its name, which lists would mean. `counts` are expressions of numbers from 0, and `flags` of
    conditions.
    """
    alike = set(map(plain, taken))
    names = [*{plain(n): n for n in NAMES if plain(n) not in alike}.values()]
    if len(names) < 8:
        return {}, []
    start, variable, end, walk, *others = random.sample(names, 8)
    stages: dict[str, Tree] = {start: _apart(random, last, variable, counts)}
    list_name = start
    for name in others[: random.randint(0, 2)]:
        stages[name] = _carrying(random, variable, counts, flags)
        list_name = name
    kind = random.random()
    if kind < 0.3:
        stages[end] = {"branches": list_name, "join": "concat"}
    elif kind < 0.5:
        stages[end] = {"Reduced": {"wide": 4}}
    elif kind < 0.7:
        stages[end] = {"Handed": {"maps": list_name}, "from": f"{list_name}[-1]"}
    elif kind < 0.85:
        stages[walk] = {
            "each": {variable: list_name},
            "do": {"conv": {"out": 4, "kernel": 1}, "from": variable},
        }
        stages[end] = {"branches": walk, "join": random.choice(["add", "mean", "concat"])}
    elif last is None:
        stages[end] = {"Reduced": {"wide": 6}}
    else:
        stages[walk] = {"branches": f"{list_name}[::-1] + [{last}]", "join": "list"}
        stages[end] = {"Reduced": {"wide": 4}}
    return stages, _used(stages)


def _apart(random: Random, last: str | None, variable: str, counts: Sequence[str]) -> Tree:
    """Maps that stay apart, with channels that are alike or not."""
    count = random.choice(["1", "2", *counts])
    conv: Tree = {"conv": {"out": 4, "kernel": 3, "padding": "half"}}
    grown: Tree = {"conv": {"out": f"4 + 2 * {variable}", "kernel": 1}}
    kinds: list[Tree] = [
        {"repeat": f"{count} + 1", "do": random.choice([conv, [conv, "relu"], ["relu", conv]])},
        {"each": {variable: f"range({count} + 1)"}, "do": random.choice([grown, [grown, "tanh"]])},
        {"left": conv, "right": ["relu", conv], "other": "identity"},
    ]
    branches: Tree = random.choice([*kinds, *([f"[{last}, {last}]", f"[{last}]"] if last else [])])
    return {"branches": branches, "join": "list"}


def _carrying(random: Random, variable: str, counts: Sequence[str], flags: Sequence[str]) -> Tree:
    """A block, or a loop, a row or a condition of them."""
    first, second = random.choice(CARRYING), random.choice(CARRYING[:-1])
    count = random.choice(["1", "2", *counts])
    kinds: list[Tree] = [first, [first, second], {"repeat": count, "do": second}]
    kinds.append({"each": {variable: f"range({count})"}, "do": first, "between": second})
    kinds.append({"repeat": 2, "do": {"repeat": count, "do": second}})
    if flags:
        flag = random.choice(flags)
        kinds.append({"when": flag, "do": first})
        kinds.append({"when": f"not {flag}", "do": [first, second], "else": second})
        kinds.append({"repeat": count, "do": {"when": flag, "do": second}})
    return random.choice(kinds)


def _used(stages: dict[str, Tree]) -> list[str]:
    """The blocks that the stages use, and those that these do."""
    used: set[str] = set()
    text = str(stages)
    while True:
        more = {name for name in BLOCKS if f"'{name}'" in text} - used
        if not more:
            return [name for name in BLOCKS if name in used]
        used |= more
        text = str([BLOCKS[name]["body"] for name in more])
