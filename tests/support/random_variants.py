"""Random specs in which sizes, ranks and channels depend on parameters in every way of the
language.

They may be invalid: callers leave out those that `check` refuses.
"""

from dataclasses import dataclass, field
from random import Random
from typing import Any

import yaml

from support.random_specs import RandomSpec, write

Tree = Any
VALUES: dict[str, tuple[Tree, ...]] = {
    "n": (0, 1, 2, 3),
    "k": (1, 2, 3, 4),
    "flag": (True, False),
    "ns": ([], [1], [2, 1], [1, 3, 2]),
}


def random_variants(seed: int) -> RandomSpec:
    return _Variants(Random(seed)).spec()


def other_values(text: str, name: str) -> list[Tree]:
    """Other values for a parameter of a random spec."""
    default = yaml.safe_load(text)["params"][name]
    if isinstance(default, int) and not isinstance(default, bool):
        values: tuple[Tree, ...] = (0, 1, 2, 3, 4)
    else:
        values = next(v for v in VALUES.values() if type(v[0]) is type(default))
    return [value for value in values if value != default]


@dataclass
class _Variants:
    random: Random
    scope: dict[str, str] = field(default_factory=dict[str, str])
    blocks: dict[str, Tree] = field(default_factory=dict[str, Tree])
    depth: int = 0

    def spec(self) -> RandomSpec:
        for i in range(self.random.randint(1, 4)):
            self.scope[f"p{i}"] = self.random.choice(list(VALUES))
        params = {name: self.random.choice(VALUES[role]) for name, role in self.scope.items()}
        values = {name: self.random.choice(VALUES[role]) for name, role in self.scope.items()}
        side = self.random.choice((1, 6, 8, 9))
        stem = self.body(True, self.random.randint(1, 3))
        head = self.end()
        spec = {
            **{"cnngen": 1, "name": "Network", "about": "A random network", "params": params},
            "input": {"channels": 4, "height": side, "width": side},
            **({"blocks": self.blocks} if self.blocks else {}),
            "model": {"stem": stem, "head": head},
        }
        return RandomSpec(write(spec), values)

    def pick(self, *choices: Any) -> Any:
        return self.random.choice(choices)

    def named(self, role: str) -> list[str]:
        return [name for name, known in self.scope.items() if known == role]

    # --- expressions ------------------------------------------------------------------------------

    def count(self) -> Tree:
        return self.pick(
            *(0, 1, 2),
            *self.named("n") * 4,
            *self.named("k"),
            *(f"len({name})" for name in self.named("ns")),
            *(f"1 if {name} else 2" for name in self.named("flag")),
            *(f"max({name} - 1, 0)" for name in self.named("n")),
        )

    def window(self) -> Tree:
        """A kernel or a stride."""
        odd = (f"2 * {name} + 1" for name in self.named("n"))
        return self.pick(*(1, 2, 3), *self.named("k") * 4, *odd)

    def flag(self) -> str:
        return self.pick(
            *self.named("flag") * 4,
            *(f"{name} > 1" for name in self.named("n") + self.named("k")),
            *("input.channels > 4", "input.channels == 8"),
            *(f"not {name}" for name in self.named("flag")),
            *(f"len({name}) == 2" for name in self.named("ns")),
            *("true", "false"),
        )

    def items(self) -> Tree:
        return self.pick(
            *self.named("ns") * 4,
            *([1, 2], [2], [self.window(), 1], f"range({self.count()})", f"[1] * {self.count()}"),
        )

    # --- bodies -----------------------------------------------------------------------------------

    def body(self, image: bool, steps: int) -> Tree:
        """Steps that mostly keep the rank."""
        return [self.step(image) for _ in range(steps)]

    def step(self, image: bool) -> Tree:
        if self.depth > 2:
            return self.op(image)
        self.depth += 1
        kinds = (
            [self.op] * 3
            + [self.when] * 2
            + [self.repeat, self.each, self.block, self.branches, self.branch_loop]
        )
        step = self.random.choice(kinds)(image)
        self.depth -= 1
        return step

    def inner(self, image: bool) -> Tree:
        return self.body(image, self.pick(1, 1, 2))

    def op(self, image: bool) -> Tree:
        if not image:
            return self.pick(
                *({"linear": {"out": self.pick(4, 8)}}, "batch_norm", "layer_norm", "affine"),
                *("relu", "prelu", "drop_path", "flatten", {"linear": {"out": "input.channels"}}),
                [
                    {"linear": {"out": 16}},
                    {"reshape": {"channels": 4, "height": 2, "width": 2}},
                    "flatten",
                ],
            )
        words = self.pick(("same", "half"), ("half", "0"), ("1", "same"))
        chosen = f"{words[0]} if {self.flag()} else {words[1]}"
        padding = self.pick("same", "half", 0, 1, chosen)
        return self.pick(
            {"conv": {"out": self.pick(4, 8), "kernel": self.window(), "padding": padding}},
            {
                "conv": {
                    "out": 4,
                    "kernel": self.window(),
                    "stride": self.window(),
                    "padding": padding,
                }
            },
            {self.pick("max_pool", "avg_pool"): {"kernel": self.window(), "padding": padding}},
            {"max_pool": {"kernel": self.window(), "stride": self.window(), "padding": padding}},
            {"depthwise_conv": {"kernel": self.window(), "padding": padding}},
            {"adaptive_avg_pool": {"size": self.window()}},
            {"upsample": {"scale": self.window()}},
            *({"zero_pad": {"padding": self.count()}}, {"crop": {"padding": self.count()}}),
            *("global_avg_pool", "global_max_pool", "batch_norm", "layer_norm", "prelu", "affine"),
            *("relu", "drop_path", "batch_norm", {"group_norm": {"groups": 2}}, "identity"),
            "channel_mean",
        )

    def when(self, image: bool) -> Tree:
        step = {"when": self.flag(), "do": self.inner(image)}
        return step | ({"else": self.inner(image)} if self.random.random() < 0.5 else {})

    def repeat(self, image: bool) -> Tree:
        return {"repeat": self.count(), "do": self.inner(image)}

    def each(self, image: bool) -> Tree:
        name = f"v{len(self.scope)}"
        values = self.items()
        self.scope[name] = "k"
        step = {"each": {name: values}, "do": self.inner(image)}
        if self.random.random() < 0.5:
            step["between"] = self.inner(image)
        del self.scope[name]
        return step

    def branches(self, image: bool) -> Tree:
        arms = {arm: self.pick([], self.inner(image)) for arm in ("left", "right")}
        if image and self.random.random() < 0.3:
            arms["left"] = ["global_avg_pool", self.op(True)]
        join = self.pick("add", "multiply", "multiply", "concat")
        if image and join == "multiply" and self.random.random() < 0.3:
            narrow = {"conv": {"out": self.window(), "kernel": 1, "padding": 0}}
            arms[self.pick("left", "right")] = [self.pick("channel_max", narrow)]
        for arm in arms:
            if self.random.random() < 0.2:
                arms[arm] = {"when": self.flag(), "do": arms[arm] or "identity", "else": "nothing"}
        if all("nothing" in str(steps) for steps in arms.values()):
            arms["always"] = []
        return {"branches": arms, "join": join}

    def branch_loop(self, image: bool) -> Tree:
        """Branches that a loop makes, one at least."""
        join = self.pick("add", "multiply", "concat", "concat")
        if self.random.random() < 0.4:
            head = {"repeat": self.pick(1, 2, f"1 + {self.count()}")}
            return {"branches": {**head, "do": self.inner(image)}, "join": join}
        name = f"v{len(self.scope)}"
        values = self.pick([1, 2], [2], [self.window(), 1], f"[1] * (1 + {self.count()})")
        self.scope[name] = "k"
        step = {"branches": {"each": {name: values}, "do": self.inner(image)}, "join": join}
        del self.scope[name]
        return step

    def block(self, image: bool) -> Tree:
        """A block of one parameter, or another use of one."""
        rank = "Maps" if image else "Row"
        found = [name for name in self.blocks if name.startswith(rank)]
        if found and self.random.random() < 0.5:
            name = self.random.choice(found)
        else:
            outer = self.scope
            self.scope = {n: r for n, r in outer.items() if n.startswith("p")} | {"given": "k"}
            name = f"{rank}{len(self.blocks)}"
            self.blocks[name] = {}
            body = self.inner(image)
            if self.random.random() < 0.3:
                body = self.excited(image)
            self.blocks[name] = {"about": "A block.", "params": {"given": "int"}, "body": body}
            self.blocks[name] = self.blocks.pop(name)  # behind those that it uses
            self.scope = outer
        return {name: {"given": self.window()}}

    def excited(self, image: bool) -> Tree:
        """A block with a `flatten` inside, as squeeze-and-excitation has one."""
        if not image:
            return ["flatten", {"linear": {"out": 4}}]
        size = self.pick(1, 2, self.window())
        pool = {"adaptive_avg_pool": {"size": size}}
        steps = [pool, "flatten", {"linear": {"out": 4}}]
        return [*steps, {"reshape": {"channels": 4, "height": 1, "width": 1}}]

    def end(self) -> Tree:
        """From maps to features, perhaps."""
        kind = self.random.random()
        flat = (
            ["flatten"]
            if kind < 0.5
            else [self.pick("global_avg_pool", {"adaptive_avg_pool": {"size": 2}}), "flatten"]
        )
        tail = [*self.body(False, self.pick(0, 1, 2)), *self.pick([], [{"linear": {"out": 2}}])]
        steps = [*flat, *tail]
        if self.random.random() < 0.4:
            other = self.pick(["flatten"], ["global_avg_pool", "flatten"], ["global_avg_pool"], [])
            steps = [
                {
                    "when": self.flag(),
                    "do": steps,
                    "else": [*other, *self.pick([], [{"linear": {"out": 2}}])],
                }
            ]
        return steps if len(steps) > 1 or self.depth else steps
