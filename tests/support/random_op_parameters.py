"""Makes parameters of ops in a random spec: what it computes stays valid, and other parts stay as they are."""

from collections.abc import Iterator
from random import Random
from typing import Any

Tree = Any
PLAIN: tuple[Tree, ...] = (  # which work on maps as on vectors
    *(
        "relu",
        "silu",
        "tanh",
        "sigmoid",
        "softplus",
        "hard_swish",
        "hard_sigmoid",
        "identity",
        "gelu",
    ),
    *(
        {"leaky_relu": {"slope": 0.2}},
        {"elu": {"alpha": 0.5}},
        {"scale": {"by": 0.5}},
        {"gelu": {"approximate": True}},
    ),
)
NORMS: tuple[Tree, ...] = (
    *("batch_norm", "layer_norm", "identity", "affine", "prelu", "relu"),
    *({"batch_norm": {"eps": 0.01}}, {"affine": {"init": {"normal": {"std": 0.3}}}}),
)


def with_op_parameters(spec: dict[str, Tree], random: Random) -> None:
    """Replace some ops of a spec, in place, by parameters of a block or of the network."""
    if random.random() < 0.5:
        return
    own: dict[str, tuple[Tree, ...]] = {}
    for name, block in spec["blocks"].items():
        made = _replaced(block, "body", spec, random, 0.5, f"op_{name.lower()}_")
        params = block.setdefault("params", {})
        own[name] = ()
        for parameter, op in made.items():
            required = random.random() < 0.2
            params[parameter] = "op" if required else op
            own[name] = (*own[name], (parameter, _kind(op), op if required else None))
    made = _replaced(spec, "model", spec, random, 0.2, "op_")
    spec["params"] |= made
    lists = any("input" in block["params"] for block in spec["blocks"].values())
    for use in _uses(spec, own):
        ((name, given),) = use.items()
        for parameter, kind, needed in own[name]:
            same = [other for other, op in made.items() if _kind(op) is kind and kind is PLAIN]
            if needed is not None:
                given[parameter] = needed
            elif random.random() < 0.4:
                given[parameter] = random.choice([*kind, *same * 3])
                if kind is PLAIN and random.random() < 0.2 and not lists:  # else it may be a list
                    given[parameter] = "relu if input.channels > 4 else silu"


def _kind(op: Tree) -> tuple[Tree, ...]:
    return PLAIN if op in PLAIN else NORMS


def _replaced(
    owner: Tree, key: str, spec: dict[str, Tree], random: Random, share: float, prefix: str
) -> dict[str, Tree]:
    """The parameters by which some ops below a key are replaced, with what they were."""
    made: dict[str, Tree] = {}

    def walk(tree: Tree) -> Tree:
        if isinstance(tree, list):
            return [walk(item) for item in tree]
        if isinstance(tree, dict):
            return {
                k: walk(v) if k not in ("params", "each", "outputs") else v for k, v in tree.items()
            }
        suits = tree in PLAIN or tree in NORMS
        if not suits or tree in spec["defaults"] or random.random() > share or len(made) > 3:
            return tree
        name = f"{prefix}{len(made)}"
        made[name] = tree
        return name

    owner[key] = walk(owner[key])
    return made


def _uses(spec: dict[str, Tree], names: dict[str, Any]) -> Iterator[dict[str, Tree]]:
    """Each use of one of these blocks, as `{name: arguments}` that can be added to."""

    def found(tree: Tree) -> Iterator[dict[str, Tree]]:
        if isinstance(tree, list):
            for i, item in enumerate(tree):
                if isinstance(item, str) and item in names:
                    tree[i] = item = {item: {}}
                yield from found(item)
        elif isinstance(tree, dict):
            for key, value in tree.items():
                if isinstance(value, str) and value in names:
                    tree[key] = value = {value: {}}
                if key in names:
                    tree[key] = value = value or {}
                    yield {key: value}
                yield from found(value)

    for block in spec["blocks"].values():
        yield from found(block)
    yield from found(spec["model"])
