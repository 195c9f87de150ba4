"""Random valid specs, each drawn from a seed: together they exercise the whole language, at sizes that cost little.

A spec is valid by construction. All channels behind the first convolution are multiples of 4, so that groups divide
them; bodies that are repeated or joined keep heights and widths; an `add` ends each branch with the same channels.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import yaml

Tree = Any  # a step or a part of one, as YAML has it
Steps = list[Tree]

NAMES = [
    *("main", "left", "right", "skip", "pool", "stem", "head", "tail", "area", "area_2", "given", "steps", "body", "m"),
    *("reduce", "pair", "index", "start", "weights", "bias", "features", "j", "k", "mode", "late", "sides", "conv_out"),
    *("channels_2", "skip_channels", "block_0", "main_2", "x1", "model", "layer", "child", "draw", "stem_output", "b0"),
]
BLOCKS = ["Unit", "Cell", "ConvUnit", "Pair", "Half", "Mixed", "Head", "Stage", "Block2_1", "Gate", "Wide", "Inner"]
ACTIVATIONS = [
    *("relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "silu", "sigmoid", "tanh", "hard_swish", "hard_sigmoid"),
    *("softplus", "softmax", "prelu"),
]
TYPES = {"width": "int", "count": "int", "stride": "int", "flag": "bool", "kernel": "size", "rate": "float"}
LISTS = {"widths": "ints", "counts": "ints", "rates": "floats"}


@dataclass(frozen=True)
class RandomSpec:
    """A spec, and other values of its parameters for which it is valid too."""

    text: str
    settings: dict[str, str]


@dataclass(frozen=True)
class Running:
    """What is known of the running tensor.

    `aligned`: its channels are a multiple of 4. `size`: equal for tensors of one height and width. `low`: the least that
    these can be. `channels`: an expression of equal value, where one is known.
    """

    aligned: bool
    size: object = None
    low: int = 1
    image: bool = True
    channels: str | None = None


@dataclass
class Block:
    """A block that has been drawn, and what a caller must know of it: its parameters with their roles."""

    name: str
    params: dict[str, tuple[str, bool]]  # role, and whether it has a default
    tensors: list[str]
    image: bool
    aligned: bool
    keeps: bool
    result: Running
    out: str | None  # the parameter that says its output channels
    same: bool  # whether it gives as many channels as it is given


@dataclass
class Place:
    """Where steps are drawn: the names in scope with their roles, and the tensors that can be read by name."""

    scope: dict[str, str]
    aligned: bool  # whether `input.channels` is
    depth: int
    known: dict[str, Running] = field(default_factory=dict[str, Running])
    taken: set[str] = field(default_factory=set[str])
    graph: bool = False


def random_spec(seed: int) -> RandomSpec:
    return _Drawing(Random(seed)).spec()


class _Drawing:
    def __init__(self, random: Random) -> None:
        self.random = random
        self.blocks: dict[str, Tree] = {}
        self.drawn: list[Block] = []
        self.length = random.choice([1, 2, 3])  # of all lists, so that they can advance together
        self.budget = random.choice([15, 30, 50])  # steps
        self.defaults: dict[str, Tree] = {}

    # --- choices -------------------------------------------------------------------------------------------------

    def maybe(self, chance: float) -> bool:
        return self.random.random() < chance

    def pick(self, *choices: Any) -> Any:
        return self.random.choice(choices)

    def fresh(self, taken: Any) -> str:
        return self.random.choice([name for name in NAMES if name not in taken])

    # --- the spec ------------------------------------------------------------------------------------------------

    def spec(self) -> RandomSpec:
        scope = {self.fresh(()): "width"}
        for _ in range(self.random.randrange(7)):
            scope[self.fresh(scope)] = self.random.choice([*TYPES, *LISTS])
        params = {name: self.value(role) for name, role in scope.items()}
        settings = {name: self.other(role, params[name]) for name, role in scope.items()}
        if self.maybe(0.5):
            self.defaults = self.draw_defaults(scope)
        height, width = self.pick((8, 8), (9, 9), (7, 12), (13, 6), (16, 11))
        channels = self.pick(1, 2, 3, 4)
        model, outputs = self.model(scope, channels, min(height, width))
        spec: Tree = {"cnngen": 1, "name": "Network", "about": "A random network"}
        spec["params"] = params
        spec["input"] = {"channels": channels, "height": height, "width": width}
        if self.defaults:
            spec["defaults"] = self.defaults
        if self.blocks:
            spec["blocks"] = self.blocks
        spec["model"] = model
        if outputs:
            spec["outputs"] = outputs
        text = yaml.safe_dump(spec, sort_keys=False, default_flow_style=None, width=1000)
        return RandomSpec(text, {name: _text(value) for name, value in settings.items()})

    def value(self, role: str) -> Tree:
        """A constant of a role."""
        match role:
            case "width":
                return self.pick(4, 8, 12)
            case "count":
                return self.pick(0, 1, 2, 2, 3)
            case "stride":
                return self.pick(1, 2)
            case "flag":
                return self.pick(True, False)
            case "kernel":
                return self.pick(1, 3, 3, 5, [1, 3], [5, 3])
            case "rate":
                return self.pick(0.1, 0.25, 0.5)
            case _:
                return [self.value(role[:-1]) for _ in range(self.length)]

    def other(self, role: str, value: Tree) -> Tree:
        """Another constant of a role and of the same type."""
        while True:
            drawn = self.value(role)
            if isinstance(drawn, list) == isinstance(value, list):
                return drawn

    def draw_defaults(self, scope: dict[str, str]) -> dict[str, Tree]:
        place = Place(scope, False, 0)
        return {
            "dropout": {"rate": self.rate(place)},
            "batch_norm": {"eps": self.pick(0.001, 1e-5), "momentum": self.rate(place)},
            "leaky_relu": {"slope": self.rate(place)},
            **({"conv": {"init": self.init(place)}} if self.maybe(0.5) else {}),
            **({"linear": {"init": self.init(place), "bias": False}} if self.maybe(0.5) else {}),
        }

    # --- the model -----------------------------------------------------------------------------------------------

    def model(self, scope: dict[str, str], channels: int, low: int) -> tuple[Tree, Tree]:
        image = Running(False, object(), low, channels="input.channels")
        tensors = {"input": image}
        model: dict[str, Tree] = {}
        unread: set[str] = set()
        training: set[str] = set()
        running, last = image, "input"
        stages = self.random.randint(2, 7)
        while len(model) < stages or not running.aligned:
            name = self.fresh({*model, *scope} if self.maybe(0.5) else model)
            heads = self.maybe(0.15) and len(model) > 1
            place = Place(scope, running.aligned, 0, {n: t for n, t in tensors.items() if t.aligned})
            if len(model) > 1 and self.maybe(0.25) and (joined := self.stage_join(place, running)):
                body, after, read = joined
            else:
                origin = self.random.choice(list(place.known)) if place.known and self.maybe(0.25) else None
                x = tensors[origin] if origin else running
                place = replace(place, aligned=x.aligned)
                steps, after = self.body(replace(x, channels="input.channels"), place, known_first=bool(model))
                if not after.aligned:
                    steps, after = [*steps, self.to(after, "8")], Running(True, after.size, after.low, after.image)
                if origin:
                    steps[0] = _from(steps[0], origin)
                body, read = _plain(steps, self.maybe(0.5)), {origin or last}
            if heads:
                origin = self.random.choice([n for n in read if n]) if len(read) == 1 else None
                step = {"when": "training", "do": _without_from(body) if origin else body}
                model[name] = step | ({"from": origin} if origin else {})
                training.add(name)
                continue
            model[name] = body
            unread = (unread - read) | {name}
            tensors[name] = replace(after, channels=None)
            running, last = tensors[name], name
        outputs = {}
        for name in model:
            if name in unread or name in training or (name != last and self.maybe(0.05)):
                outputs[self.pick(name, self.fresh(outputs)) if self.maybe(0.5) else f"{name}_{len(outputs)}"] = name
        plain = unread == {last} and not training and self.maybe(0.5)
        return model, {} if plain or len(set(outputs)) < len(unread | training) else outputs

    def stage_join(self, place: Place, running: Running) -> tuple[Tree, Running, set[str]] | None:
        """A stage that joins what earlier stages gave."""
        names = [n for n, t in place.known.items() if t.image == running.image and n != "input"]
        if not running.aligned or len(names) < 2:
            return None
        place = replace(place, aligned=True)
        chosen = self.random.sample(names, 2)
        equal = place.known[chosen[0]].size is place.known[chosen[1]].size
        join = self.pick("concat", "add", "mean", "max", "multiply")
        out = None if join == "concat" and self.maybe(0.7) else self.width(place)
        arms: dict[str, Tree] = {}
        size, low = (place.known[chosen[0]].size, place.known[chosen[0]].low) if equal else ("1x1", 1)
        for name in chosen:
            x = replace(place.known[name], channels=None)
            steps: Steps = []
            if x.image and not equal:
                steps, x = [self.pick("global_avg_pool", "global_max_pool")], replace(x, size="1x1", low=1)
            if out or self.maybe(0.5):
                more, x = self.body(x, replace(place, depth=1, known={}), keep=True, out=out)
                steps = steps + more
            steps = [_from(steps[0], name), *steps[1:]] if steps else [{"from": name}]
            arms[self.fresh(arms)] = _plain(steps, self.maybe(0.7))
        step = {"branches": arms, "join": join}
        if self.maybe(0.2):
            step["name"] = self.fresh(())
        return step, Running(True, size, low, running.image), set(chosen)

    # --- bodies --------------------------------------------------------------------------------------------------

    def body(
        self, x: Running, place: Place, *, keep: bool = False, out: str | None = None, known_first: bool = False
    ) -> tuple[Steps, Running]:
        """Steps for a tensor; `keep` leaves its size as it is, `out` says how many channels it gets."""
        steps: Steps = []
        for _ in range(self.random.choice([1, 1, 2, 3, 4])):
            if place.graph and steps and self.maybe(0.2):
                origins = [n for n, t in place.known.items() if not keep or t.size is x.size]
                origin = self.random.choice(origins) if origins else None
                step, x = self.step(place.known[origin] if origin else x, place, keep)
                steps.append(_from(step, origin) if origin else step)
            else:
                step, x = self.step(x, place, keep)
                steps.append(step)
            if self.maybe(0.15) and "name" not in _as_mapping(steps[-1]):
                name = self.fresh(place.taken | {*place.scope})
                place.taken.add(name)
                steps[-1] = _as_mapping(steps[-1]) | {"name": name}
                if place.graph:
                    place.known[name] = x
            if self.budget < 0:
                break
        if out is not None and x.channels != out:
            steps.append(self.to(x, out))
            x = replace(x, channels=out, aligned=True)
        return steps, x

    def to(self, x: Running, out: str) -> Tree:
        """A step that gives so many channels."""
        return {"conv": {"out": _number(out), "kernel": 1}} if x.image else {"linear": {"out": _number(out)}}

    def step(self, x: Running, place: Place, keep: bool) -> tuple[Tree, Running]:
        self.budget -= 1
        deep = place.depth >= 3 or self.budget < 0
        kinds: dict[Callable[[Running, Place, bool], tuple[Tree, Running] | None], int] = {
            self.op: 8,
            self.call: 0 if place.depth >= 4 or self.budget < 0 else 6,
            self.when: 0 if deep else 3,
            self.loop: 0 if deep else 3,
            self.branches: 0 if deep or not x.aligned else 4,
        }
        kind = self.random.choices(list(kinds), list(kinds.values()))[0]
        return kind(x, place, keep) or self.op(x, place, keep)

    def when(self, x: Running, place: Place, keep: bool) -> tuple[Tree, Running]:
        inner = self.inside(place)
        step: Tree = {"when": self.flag(place)}
        if self.maybe(0.5):
            steps, after = self.body(x, inner, keep=True)
            step["do"] = _plain(steps, self.maybe(0.8))
            other = x
            if self.maybe(0.5):
                steps, other = self.body(x, self.inside(place), keep=True)
                step["else"] = _plain(steps, self.maybe(0.8))
        else:  # both give the same channels
            out = self.width(place)
            steps, after = self.body(x, inner, keep=True, out=out)
            orelse, other = self.body(x, self.inside(place), keep=True, out=out)
            step |= {"do": _plain(steps, self.maybe(0.8)), "else": _plain(orelse, self.maybe(0.8))}
        same = after.channels if after.channels == other.channels else None
        return step, replace(x, aligned=after.aligned and other.aligned, channels=same)

    def loop(self, x: Running, place: Place, keep: bool) -> tuple[Tree, Running]:
        x = replace(x, channels=None if self.maybe(0.7) else x.channels)
        inner = self.inside(place)
        step: Tree = {}
        lists = self.lists(place)
        if lists and self.maybe(0.6):
            variables: dict[str, str] = {}
            for _ in range(self.random.choice([1, 1, 2])):
                name = self.fresh({*inner.scope})
                values, role = self.random.choice(lists)
                variables[name], inner.scope[name] = values, role
            step["each"] = variables
        else:
            step["repeat"] = self.count(place)
        steps, after = self.body(x, inner, keep=True, out=x.channels)
        step["do"] = _plain(steps, self.maybe(0.8))
        if "each" in step and self.maybe(0.4):
            between, x = self.body(
                replace(x, aligned=x.aligned and after.aligned), replace(self.inside(place), scope=inner.scope), keep=True, out=x.channels
            )
            step["between"] = _plain(between, self.maybe(0.8))
            after = replace(after, aligned=x.aligned and after.aligned)
        return step, replace(x, aligned=x.aligned and after.aligned, channels=x.channels)

    def branches(self, x: Running, place: Place, keep: bool) -> tuple[Tree, Running]:
        join = self.pick("concat", "concat", "add", "mean", "max", "multiply")
        stride = None if keep or not x.image or self.maybe(0.8) else self.pick(2, "s")
        out: str | None = None
        if join != "concat":
            out = x.channels if x.channels and stride is None and self.maybe(0.6) else self.width(place)
        gate = join == "multiply" and x.image and self.maybe(0.7)
        arms: dict[str, Tree] = {}
        aligned = True
        for i in range(self.random.choice([2, 2, 3])):
            name = self.fresh({*arms, join, *place.taken} if place.graph else {*arms, join})
            arm, inner = x, self.inside(place)
            origin = None
            if place.graph and self.maybe(0.25):
                origins = [n for n, t in place.known.items() if t.size is x.size and t.image == x.image]
                origin = self.random.choice(origins) if origins else None
                arm = place.known[origin] if origin else x
            steps: Steps = []
            if gate and i == 1:
                steps, arm = ["global_avg_pool"], replace(arm, size="1x1", low=1)
            elif stride is not None:
                steps = [{"conv": {"out": 8, "kernel": self.pick(1, 3), "stride": 2, "padding": "half"}}]
                arm = replace(arm, channels="8")
            if arm.channels != out or out is None or self.maybe(0.5):
                empty = out is None and i < 2 and self.maybe(0.4)
                more, arm = ([], arm) if empty else self.body(arm, inner, keep=True, out=out)
                steps += more
            if origin:
                steps = [_from(steps[0], origin), *steps[1:]] if steps else [{"from": origin}]
            arms[name] = _plain(steps, self.maybe(0.8)) if steps else self.pick([], "identity")
            if place.graph:
                place.taken.add(name)
            aligned = aligned and arm.aligned
        size = x.size if stride is None else object()
        after = Running(aligned, size, x.low if stride is None else 1, x.image, out)
        return {"branches": arms, "join": join}, after

    def inside(self, place: Place) -> Place:
        return Place(dict(place.scope), place.aligned, place.depth + 1)

    # --- blocks --------------------------------------------------------------------------------------------------

    def call(self, x: Running, place: Place, keep: bool) -> tuple[Tree, Running] | None:
        fitting = [b for b in self.drawn if self.fits(b, x, place, keep)]
        if fitting and self.maybe(0.5):
            block = self.random.choice(fitting)
        elif len(self.drawn) >= len(BLOCKS) or place.depth >= 3:
            return None
        else:
            block = self.block(x, place, keep)
            if not self.fits(block, x, place, keep):
                return None
        arguments: dict[str, Tree] = {}
        given: dict[str, str] = {}
        for name, (role, optional) in block.params.items():
            if not (optional and self.maybe(0.5)):
                arguments[name] = self.argument(role, place)
                given[name] = str(arguments[name])
        for name in block.tensors:
            arguments[name] = self.random.choice(self.readable(x, place))
        result = block.result
        size = x.size if block.keeps else object()
        out = given.get(block.out or "") or (x.channels if block.same else None)
        after = Running(result.aligned or (x.aligned and block.same), size, x.low if block.keeps else 1, result.image, out)
        return ({block.name: arguments} if arguments else block.name), after

    def fits(self, block: Block, x: Running, place: Place, keep: bool) -> bool:
        return (
            block.image == x.image
            and (x.aligned or not block.aligned)
            and (block.keeps or not keep)
            and (not block.tensors or bool(self.readable(x, place)))
        )

    def readable(self, x: Running, place: Place) -> list[str]:
        if not place.graph and place.depth > 0:
            return []
        return [n for n, t in place.known.items() if place.graph and t.size is x.size and t.image == x.image and t.aligned]

    def block(self, x: Running, place: Place, keep: bool) -> Block:
        """Draw a block that fits here."""
        globals_ = {n: r for n, r in place.scope.items() if n in self.globals}
        params: dict[str, tuple[str, bool]] = {}
        scope = dict(globals_)
        for _ in range(self.random.choice([0, 1, 2, 3])):
            name = self.fresh(scope)
            role = self.random.choice([*TYPES, *LISTS])
            params[name] = (role, self.maybe(0.4))
            scope[name] = role
        name = self.random.choice([b for b in BLOCKS if b not in self.blocks])
        self.blocks[name] = None
        tensors = []
        given = Running(x.aligned, object(), 1, x.image, "input.channels")
        known = {"input": given}
        if x.image and x.aligned and self.maybe(0.2):
            tensors.append(self.fresh(scope))
            known[tensors[0]] = replace(given, channels=None)
        inner = Place(scope, x.aligned, place.depth + 1, known, set(), graph=True)
        outs = [n for n, (role, _) in params.items() if role == "width"]
        out = self.random.choice(outs) if outs and self.maybe(0.6) else None
        keeps = keep or self.maybe(0.6)
        steps, after = self.body(given, inner, keep=keeps, out=out)
        if tensors:
            arms = {self.fresh({"concat", *inner.taken}): steps.pop() if False else "identity"}
            inner.taken |= set(arms)
            arms[self.fresh({"concat", *inner.taken})] = {"from": tensors[0]}
            if after.size is not given.size:
                arms = {n: _plain([_from("global_avg_pool", arm.get("from")) if isinstance(arm, dict) else "global_avg_pool"], True) for n, arm in arms.items()}
                after = replace(after, size="1x1")
            steps.append({"branches": arms, "join": "concat"})
            after, out = replace(after, channels=None), None
        same = after.channels == "input.channels"
        kept = after.size is given.size and after.image == given.image
        tree: Tree = {"about": f"The block {name.lower()}"}
        if params or tensors:
            tree["params"] = {
                **{n: self.value(role) if optional else (TYPES | LISTS)[role] for n, (role, optional) in params.items()},
                **dict.fromkeys(tensors, "tensor"),
            }
            items = list(tree["params"].items())
            self.random.shuffle(items)
            tree["params"] = dict(items)
        tree["body"] = _plain(steps, self.maybe(0.8))
        del self.blocks[name]
        self.blocks[name] = tree
        block = Block(name, params, tensors, x.image, x.aligned, kept, after, out, same)
        self.drawn.append(block)
        return block
