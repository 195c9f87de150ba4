"""Random valid specs, each drawn from a seed: together they exercise the whole language, at sizes that cost little."""

import re
from copy import deepcopy
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import yaml

from support.random_block_parameters import with_block_parameters
from support.random_bodies import NAMES, Bodies, mapping
from support.random_carried import BLOCKS as CARRYING_BLOCKS
from support.random_carried import carried
from support.random_expressions import TYPES, Place, Running, Tree
from support.random_lists import BLOCKS, listed
from support.random_op_parameters import with_op_parameters
from support.random_ops import Steps


@dataclass(frozen=True)
class RandomSpec:
    """A spec, and other values of its parameters for which it is valid, too."""

    text: str
    values: dict[str, Any]


def random_spec(seed: int) -> RandomSpec:
    return _Specs(
        *(Random(each) for each in (seed, f"inputs {seed}", f"sizes {seed}", f"ops {seed}")),
        Random(f"lists {seed}"),
        Random(f"carried {seed}"),
        Random(f"blocks {seed}"),
    ).spec()


class _Plain(yaml.SafeDumper):
    """Writes out what stands in several places, each time."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def write(tree: Tree) -> str:
    return yaml.dump(tree, Dumper=_Plain, sort_keys=False, default_flow_style=None, width=1000)


@dataclass
class _Model:
    """The stages so far, the output of each, and which of them are read."""

    stages: dict[str, Tree] = field(default_factory=dict[str, Tree])
    tensors: dict[str, Running] = field(default_factory=dict[str, Running])
    unread: set[str] = field(default_factory=set[str])
    training: set[str] = field(default_factory=set[str])
    apart: set[str] = field(default_factory=set[str])  # those that give a list of maps
    parts: dict[str, str] = field(default_factory=dict[str, str])  # what each of them reads
    last: str = "input"


class _Specs(Bodies):
    def __init__(
        self,
        random: Random,
        inputs: Random,
        sizes: Random,
        ops: Random,
        lists: Random,
        carried: Random,
        blocks: Random,
    ) -> None:
        super().__init__(random, sizes)
        self.inputs = inputs  # of its own, so that other parts of a spec stay as they are
        self.ops = ops
        self.of_lists = lists
        self.of_carried = carried
        self.of_blocks = blocks

    def spec(self) -> RandomSpec:
        for _ in range(self.random.randrange(8)):
            self.parameters[self.fresh(self.parameters)] = self.random.choice(list(TYPES))
        params = {name: self.constant(role) for name, role in self.parameters.items()}
        values = {name: self.constant(role) for name, role in self.parameters.items()}
        defaults = self.defaults() if self.maybe(0.4) else {}
        height, width = self.pick((8, 8), (9, 9), (7, 12), (13, 6), (16, 11))
        channels = self.pick(1, 2, 3, 4)
        widths = [name for name, role in self.parameters.items() if role == "width"]
        if widths and self.inputs.random() < 0.3:
            channels = self.inputs.choice(widths)
        image = {"channels": channels, "height": height, "width": width}
        given = self.given(image)
        size = object()
        model = self.model(
            {
                name: Running(False, size, min(height, width))
                if "height" in each
                else Running(False, None, image=False, plain=True)
                for name, each in given.items()
            }
        )
        spec: Tree = {
            **{"cnngen": 1, "name": "Network", "about": "A random network", "params": params},
            **(given if "input" in given else {"inputs": given}),
            **{
                "defaults": defaults,
                "blocks": self.blocks,
                "model": model.stages,
                "outputs": self.outputs(model),
            },
        }
        with_op_parameters(spec, self.ops)
        with_block_parameters(spec, self.of_blocks)
        text = write({key: value for key, value in spec.items() if value != {}})
        return RandomSpec(text, values)

    def given(self, image: dict[str, Tree]) -> dict[str, dict[str, Tree]]:
        """An image as a rule; or a vector, or several images and vectors."""
        kind, vector = self.inputs.random(), {"features": self.inputs.choice((3, 8))}
        if kind < 0.7:
            return {"input": image}
        if kind < 0.75:
            return {"input": vector}
        other = image | {"channels": self.inputs.choice((1, 3, 4))}
        plain = [name for name in NAMES if "_" not in name]
        names = self.inputs.sample(plain, 3)
        drawn = self.inputs.choice(([image, other], [image, vector], [vector, other, image]))
        return dict(zip(names, drawn, strict=False))

    def defaults(self) -> dict[str, Tree]:
        place = Place(self.parameters, aligned=False)
        found: dict[str, Tree] = {
            "dropout": {"rate": self.rate(place)},
            "batch_norm": {"eps": self.pick("0.001", "1e-5"), "momentum": self.rate(place)},
            "leaky_relu": {"slope": self.rate(place)},
            "conv": {
                "init": self.init(place),
                "bias": self.pick("true", *self.named("flag", place)),
            },
            "linear": {"init": self.init(place), "bias": "false"},
        }
        return {op: attributes for op, attributes in found.items() if self.maybe(0.5)}

    def model(self, inputs: dict[str, Running]) -> _Model:
        model = _Model(tensors=inputs)
        for origin in [*inputs] if len(inputs) > 1 else ():
            body, after, read = self.reading(origin, True, model)
            self.add(self.fresh(model.tensors), body, after, read, model)
        count = self.random.randint(1, 6)
        while len(model.stages) < count or model.last == "input":
            name = self.fresh(model.tensors, model.training)
            body, after, read = self.stage(model)
            if len(read) == 1 and model.last in read and len(model.stages) > 1 and self.maybe(0.15):
                origin = {"from": self.random.choice(list(read))} if self.maybe(0.5) else {}
                model.stages[name] = {"when": "training", "do": body, **origin}
                model.training.add(name)
                continue
            self.add(name, body, after, read, model)
            if len(read) == 1 and self.reads_one(self.beginning(body)):
                model.parts[name] = next(iter(read))
        x = model.tensors[model.last]
        if x.image and self.of_lists.random() < 0.3:
            self.listed(x, model)
        if x.image and self.of_carried.random() < 0.3:
            self.carried(x, model)
        return model

    def listed(self, x: Running, model: _Model) -> None:
        """Loops that are read, behind the other stages."""
        taken = {*model.tensors, *model.training, *self.parameters, *model.stages}
        counts = [name for name, role in self.parameters.items() if role == "count"]
        stages, blocks = listed(self.of_lists, taken, counts)
        for name in blocks:
            self.blocks[name] = BLOCKS[name]
        for name, body in stages.items():
            self.add(name, body, replace(x, aligned=True), {model.last}, model)

    def carried(self, x: Running, model: _Model) -> None:
        """Lists that are carried, behind the other stages."""
        taken = {*model.tensors, *model.training, *self.parameters, *model.stages}
        taken |= set(re.findall(r"\w+", str(model.stages)))  # of variables, too
        counts, flags = (
            [name for name, role in self.parameters.items() if role == wanted]
            for wanted in ("count", "flag")
        )
        stages, blocks = carried(
            self.of_carried,
            model.last if model.last not in self.parameters else None,
            taken,
            counts,
            flags,
        )
        self.blocks |= {name: deepcopy(CARRYING_BLOCKS[name]) for name in blocks}
        model.apart |= {*[*stages][:-1]}
        for name, body in stages.items():
            self.add(name, body, replace(x, aligned=True), {model.last}, model)

    def add(self, name: str, body: Tree, after: Running, read: set[str], model: _Model) -> None:
        model.stages[name] = body
        model.unread = (model.unread - read) | {name}
        model.tensors[name] = replace(after, channels=None)
        model.last = name

    def stage(self, model: _Model) -> tuple[Tree, Running, set[str]]:
        """The body of a stage, what it gives, and what it reads."""
        last = model.tensors[model.last]
        if model.parts and self.maybe(0.1):
            name, origin = self.random.choice([*model.parts.items()])
            return {"use": name, "from": origin}, model.tensors[name], {origin}
        if last.image and len(model.tensors) > 2 and self.sizes.random() < 0.1:
            images = {name: x for name, x in model.tensors.items() if x.image}
            (step,), after = self.resized([], last, images, Place(self.parameters, False))
            return step, after, {model.last}  # of the other, only the size
        if len(model.tensors) > 2 and self.maybe(0.3):
            return self.joining(model)
        known = {n: t for n, t in model.tensors.items() if t.aligned}
        if (
            last.image
            and self.maybe(0.2)
            and (found := self.merge(last, Place(self.parameters, True, known=known)))
        ):
            ((name, arguments),) = found[0].items()
            block = next(b for b in self.drawn if b.name == name)
            steps, after = self.use(
                block, replace(last, channels="input.channels"), Place(self.parameters, True), {}
            )
            step = {
                name: {t: arguments[t] for t in block.tensors} | mapping(steps[0]).get(name, {})
            }
            return step, after, {model.last, *(arguments[t] for t in block.tensors)}
        origin = (
            self.random.choice(list(model.tensors)) if model.stages and self.maybe(0.2) else None
        )
        return self.reading(origin or model.last, origin is not None, model)

    def reading(self, name: str, named: bool, model: _Model) -> tuple[Tree, Running, set[str]]:
        """A stage that reads one tensor: by `from`, if it is `named`."""
        x = model.tensors[name]
        entry = replace(x, channels="input.channels") if x.image or x.plain else x
        steps, after = self.body(entry, Place(self.parameters, x.aligned), keep=False)
        if not after.aligned:
            steps, after = [*steps, self.to(after, "8")], replace(after, aligned=True)
        if named:
            steps[0] = mapping(steps[0]) | {"from": name}
        return self.written(steps), after, {name}

    def beginning(self, body: Tree) -> Tree:
        """A body without what its first step reads."""
        first, *others = body if isinstance(body, list) else [body]
        own = {k: v for k, v in mapping(first).items() if k != "from"}
        return [own, *others]

    def joining(self, model: _Model) -> tuple[Tree, Running, set[str]]:
        """A stage that joins what earlier stages gave."""
        image = model.tensors[model.last].image
        names = [n for n, t in model.tensors.items() if t.image == image and t.aligned]
        chosen = self.random.sample(names, min(len(names), 2))
        tensors = [model.tensors[name] for name in chosen]
        pooled = image and any(t.size is not tensors[0].size for t in tensors)
        join = self.pick("concat", "concat", "add", "mean", "max", "multiply", "subtract")
        out = None if join == "concat" else "8"
        arms: dict[str, Tree] = {}
        for name, x in zip(
            [*chosen, model.last][:2], [*tensors, model.tensors[model.last]][:2], strict=True
        ):
            steps: Steps = [self.pick("global_avg_pool", "global_max_pool")] if pooled else []
            if out or self.maybe(0.5):
                low = 1 if pooled else x.low
                steps += self.body(
                    replace(x, channels=None, low=low), Place(self.parameters, False, 1), out=out
                )[0]
            arms[self.fresh(arms)] = self.read(steps, name)
        if join != "subtract" and not pooled and self.maybe(0.3):
            x = tensors[0]
            steps = self.body(replace(x, channels=None), Place(self.parameters, False, 1), out=out)[
                0
            ]
            flag = self.flag(Place(self.parameters, False))
            read = {"from": chosen[0], "do": self.written(steps)}
            arms[self.fresh(arms)] = {"when": flag, **read, "else": "nothing"}
        step = {"branches": arms, "join": join}
        size, low = ("1x1", 1) if pooled else (tensors[0].size, tensors[0].low)
        return (
            step,
            Running(True, size, low, image, plain=out is not None),
            {*chosen, *([model.last] if len(chosen) < 2 else [])},
        )

    def outputs(self, model: _Model) -> dict[str, str]:
        """All stages that nothing else reads; nothing is said if that is the last stage alone."""
        wanted = model.unread | model.training
        if wanted == {model.last} and self.maybe(0.6):
            return {}
        outputs: dict[str, str] = {}
        for stage in model.stages:
            if stage in wanted or (self.maybe(0.05) and stage not in model.apart):
                name = stage if self.maybe(0.5) and stage not in outputs else self.fresh(outputs)
                outputs[name] = stage
        return outputs
