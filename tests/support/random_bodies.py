"""Random bodies and blocks for random specs.

Bodies that are repeated, chosen or joined keep heights and widths, and branches whose join needs
equal shapes end with the same channels.
"""

from dataclasses import dataclass, replace
from random import Random
from typing import Any

import yaml

from support.random_expressions import LISTS, TYPES, Place, Running, Tree
from support.random_ops import Drawn, Ops, Steps


def words(text: str) -> list[str]:
    return text.split()


# Some look like what the generated code may call its own variables.
NAMES = words("""
    main left right skip pool stem tail given steps body m index start weights bias features j k mode
    late size conv_out channels_2 main_2 x1 model layer child draw stem_output b0 one two three reduce
    path filters strides out_2 parts kernel out position
""")
BLOCKS = words("Unit Cell ConvUnit Mixed Entry Stage Block2_1 Gate Wide Inner Exit Neck")
JOINS = ["concat", "concat", "add", "mean", "max", "multiply", "subtract"]


def plain(name: str) -> str:
    """A name without the number at its end."""
    return name.rstrip("0123456789").removesuffix("_")


@dataclass(frozen=True)
class Block:
    """A random block, and what its callers must know of it."""

    name: str
    parameters: dict[str, tuple[str, bool]]  # the role of each, and whether it has a default
    tensors: tuple[str, ...]
    given: Running
    result: Running
    out: str | None  # the parameter that is the number of its output channels

    def keeps(self) -> bool:
        return self.result.image == self.given.image and self.result.size is self.given.size

    def fits(self, x: Running, keep: bool) -> bool:
        aligned = x.aligned or not self.given.aligned
        return self.given.image == x.image and aligned and (self.keeps() or not keep)


class Bodies(Ops):
    def __init__(self, random: Random, sizes: Random) -> None:
        super().__init__(random)
        self.sizes = sizes  # of its own, so that other parts of a spec stay as they are
        self.blocks: dict[str, Tree] = {}
        self.drawn: list[Block] = []
        self.parameters: dict[str, str] = {}  # of the model
        self.budget: int = self.pick(10, 20, 40)  # steps

    def fresh(self, *taken: Any) -> str:
        """A name that none of these is like: steps of `out`, as `out.2`, would clash with `out_2`."""
        alike = {plain(name) for names in taken for name in names}
        return self.random.choice([name for name in NAMES if plain(name) not in alike])

    def body(self, x: Running, place: Place, *, keep: bool = True, out: str | None = None) -> Drawn:
        """Steps for a tensor; `keep` leaves its size as it is, `out` says how many channels it
        gets.
        """
        steps: Steps = []
        for _ in range(self.pick(1, 1, 2, 3)):
            given = x
            found, x = self.steps(x, place, keep)
            if self.maybe(0.25) and "name" not in mapping(found[-1]):
                name = self.call_it(found, x, place)
                if place.known is not None and len(found) == 1 and self.reads_one(found[0]):
                    place.parts[name] = given, x, mapping(found[0])
            steps += found
        if out is not None and x.channels != out:
            aligned = place.aligned or out != "input.channels"
            return [*steps, self.to(x, out)], replace(x, channels=out, aligned=aligned, plain=True)
        return steps, x

    def to(self, x: Running, out: str) -> Tree:
        return (
            {"conv": {"out": out, "kernel": 1, "padding": 0}}
            if x.image
            else {"linear": {"out": out}}
        )

    def call_it(self, steps: Steps, x: Running, place: Place) -> str:
        """Give the last step a name."""
        name = self.fresh(place.taken, place.scope)
        place.taken.add(name)
        steps[-1] = mapping(steps[-1]) | {"name": name}
        if place.known is not None:
            place.known[name] = x
        return name

    def steps(self, x: Running, place: Place, keep: bool) -> Drawn:
        """A step, or a few that belong together."""
        self.budget -= 1
        kinds = [self.op] * 4
        if any(self.takes(part, x, keep) for part in place.parts.values()):
            kinds += [self.again] * 4
        if place.depth <= 2 and self.budget >= 0:
            kinds += [self.call] * 4 + [self.when] * 2 + [self.loop] * 2
            kinds += [self.branches] * (3 * x.aligned) + [self.branch_loop] * x.aligned
            kinds += [self.diamond] * (2 * (x.aligned and place.known is not None))
        found, after = self.random.choice(kinds)(x, place, keep)
        if place.known is None or not after.image or self.sizes.random() > 0.15:
            return found, after
        known = {n: t for n, t in place.known.items() if t.image and (t.size is x.size or not keep)}
        return self.resized(found, after, known, place) if known else (found, after)

    def resized(self, steps: Steps, x: Running, known: dict[str, Running], place: Place) -> Drawn:
        """The same at the size of another tensor that can be read."""
        like = self.sizes.choice([*known])
        attributes: Tree = {"like": like}
        kind = self.sizes.random()
        if kind < 0.3:
            attributes["mode"] = f"bilinear if {self.flag(place)} else nearest"
        elif kind < 0.8:
            attributes |= {"mode": "bilinear", "align_corners": self.flag(place)}
        return [*steps, {"resize": attributes}], replace(
            x, size=known[like].size, low=known[like].low
        )

    # --- what is used again --------------------------------------------------------------------------------------

    def reads_one(self, step: Tree) -> bool:
        """Whether a step reads nothing but its input, so that it can be used again."""
        others = {tensor for block in self.drawn for tensor in block.tensors}
        return not any(
            f"{word}:" in yaml.safe_dump(step) for word in ("from", "use", "like", *others)
        )

    def takes(self, part: tuple[Running, Running, Tree], x: Running, keep: bool) -> bool:
        """Whether what a step was given may as well have been this tensor."""
        given, result, _ = part
        if keep and (result.size is not given.size or result.image != given.image):
            return False
        alike = x.image == given.image and x.size is given.size and (x.aligned or not given.aligned)
        return x is given or (alike and x.image and x.channels == given.channels is not None)

    def again(self, x: Running, place: Place, keep: bool) -> Drawn:
        names = [name for name, part in place.parts.items() if self.takes(part, x, keep)]
        name = self.random.choice(names)
        given, result, part = place.parts[name]
        aligned = result.aligned and (x.aligned or result.channels != given.channels)
        after, step = replace(result, aligned=aligned), [{"use": name}]
        if {"when", "repeat", "each"} & part.keys():  # `name.2` and `name_2` would clash
            self.call_it(step, after, place)
        return step, after

    def written(self, steps: Steps) -> Tree:
        """A body of one step may stand without a list."""
        return steps[0] if len(steps) == 1 and self.maybe(0.8) else steps

    # --- conditions and loops ------------------------------------------------------------------------------------

    def when(self, x: Running, place: Place, keep: bool) -> Drawn:
        out = self.pick(None, None, x.channels, self.width(place))
        steps, other = self.body(x, place.inside(), out=out)
        after = either(x, other)
        step: Tree = {"when": self.flag(place), "do": self.written(steps)}
        if (out and out != x.channels) or self.maybe(0.4):
            steps, after = self.body(x, place.inside(), out=out)
            step["else"] = self.written(steps)
        return [step], either(after, other)

    def loop(self, x: Running, place: Place, keep: bool) -> Drawn:
        scope = dict(place.scope)
        step: Tree
        if self.maybe(0.4):
            step = {"repeat": self.count(place)}
        elif self.maybe(0.7):
            name = self.fresh(scope)
            values, scope[name] = self.iterated(place)
            step = {"each": {name: values}}
        else:
            step = {"each": {}}
            for role in self.random.sample(LISTS, 2):
                name = self.fresh(scope)
                step["each"][name], scope[name] = self.items(role, place), role[:-1]
        out = self.pick(None, None, x.channels)
        entry = replace(x, channels=out if x.image else None, plain=False)
        out = entry.channels
        steps, after = self.body(entry, place.inside(scope), out=out)
        step["do"] = self.written(steps)
        if "each" in step and self.maybe(0.4):
            steps, after = self.body(
                replace(entry, aligned=after.aligned), place.inside(scope), out=out
            )
            step["between"] = self.written(steps)
        return [step], replace(entry, aligned=x.aligned)

    # --- joins ---------------------------------------------------------------------------------------------------

    def branches(self, x: Running, place: Place, keep: bool) -> Drawn:
        join = self.random.choice(JOINS)
        out = None if join == "concat" else self.pick(x.channels or "8", self.width(place))
        stride = (
            self.pick("2", *self.named("stride", place))
            if x.image and not keep and self.maybe(0.3)
            else None
        )
        gated = join == "multiply" and x.image and self.maybe(0.6)
        arms: dict[str, Tree] = {}
        for i in range(2 if join == "subtract" else self.pick(2, 2, 3)):
            name = self.fresh(arms, place.taken)
            optional = i > 0 and join != "subtract" and self.maybe(0.25)
            alone = i == 0 or optional  # so that no tensor lacks a reader
            arms[name] = self.arm(x, place, out, stride, first=alone, gate=gated and i == 1)
            if optional:
                arms[name] = self.optional(arms[name], place)
        if self.maybe(0.2):
            arms = dict(self.random.sample([*arms.items()], len(arms)))
        if place.known is not None:
            place.taken.update(arms)
        size, low = (x.size, x.low) if stride is None else (object(), 1)
        return [{"branches": arms, "join": join}], Running(
            True, size, low, x.image, out, plain=out is not None
        )

    def branch_loop(self, x: Running, place: Place, keep: bool) -> Drawn:
        """Branches that a loop makes: one at least, whose channels follow its variable in a `concat`."""
        join = self.random.choice([join for join in JOINS if join != "subtract"])
        scope, head = dict(place.scope), {"repeat": self.pick(1, 2, 3)}
        name, widths = self.fresh(scope), [n for n, r in place.scope.items() if r == "widths"]
        out = self.pick(x.channels or "8", self.width(place))
        if join == "concat" and self.maybe(0.7):
            scope[name] = "width"
            head = {"each": {name: self.pick([4, 8], [8, 8, 4], *widths)}}
            out = self.pick(name, name, f"2 * {name} + 1", f"{name} * {name}", out)
        elif self.maybe(0.4):
            scope[name] = "kernel"
            head = {"each": {name: self.pick([1, 3], [3, 1, 3])}}
        steps, _ = self.body(replace(x, aligned=False), place.inside(scope), out=out)
        aligned = join != "concat"
        step = {"branches": {**head, "do": self.written(steps)}, "join": join}
        after = Running(aligned, x.size, x.low, x.image, out if aligned else None, plain=aligned)
        return [step], after

    def optional(self, body: Tree, place: Place) -> Tree:
        """A branch that may be absent."""
        absent = {"when": self.flag(place), "do": body or "identity", "else": "nothing"}
        return absent if self.maybe(0.8) else [absent]

    def arm(
        self, x: Running, place: Place, out: str | None, stride: str | None, first: bool, gate: bool
    ) -> Tree:
        origin = self.origin(x, place) if not first and self.maybe(0.3) else None
        if origin and place.known:
            x = place.known[origin]
        elif not first and stride is None and not gate and out is None and self.maybe(0.2):
            return self.written(found) if (found := self.merge(x, place)) else "identity"
        steps: Steps = []
        if gate and stride is None and self.maybe(0.4):
            narrow: Tree = {"conv": {"out": self.pick("1", "2 - 1"), **self.window(place)}}
            steps = [self.pick("channel_mean", "channel_max", narrow), "sigmoid"]
            return self.read(steps, origin) if origin else steps
        if gate:
            steps, x = ["global_avg_pool"], replace(x, size="1x1", low=1)
        elif stride is not None:
            attributes = {"out": 8, "kernel": self.pick(1, 3), "stride": stride, "padding": "half"}
            steps, x = [{"conv": attributes}], replace(x, channels="8", size=object(), low=1)
        if not (out == x.channels or out is None) or self.maybe(0.6):
            steps += self.body(x, place.inside(), out=out)[0]
        return (
            self.read(steps, origin)
            if origin
            else self.written(steps)
            if steps
            else self.pick([], "identity")
        )

    def read(self, steps: Steps, origin: str) -> Tree:
        """Steps that begin with another tensor."""
        if not steps or self.maybe(0.2):
            return self.written([{"from": origin}, *steps])
        return self.written([mapping(steps[0]) | {"from": origin}, *steps[1:]])

    def origin(self, x: Running, place: Place) -> str | None:
        """A tensor of the same size that can be read by name."""
        known = (place.known or {}).items()
        names = [n for n, t in known if t.size is x.size and t.image == x.image and t.aligned]
        return self.random.choice(names) if names else None

    def diamond(self, x: Running, place: Place, keep: bool) -> Drawn:
        """Steps that read an earlier one, and a join of both."""
        assert place.known is not None
        steps, x = self.op(x, place, keep)
        first = self.call_it(steps, x, place)
        left, left_x = self.body(x, place)
        if "name" in mapping(left[-1]):
            left.append("identity")
        second = self.call_it(left, left_x, place)
        right = self.body(x, place)[0] if self.maybe(0.5) else ["relu"]
        read = self.read(right, first)
        steps += [*left, *(read if isinstance(read, list) else [read])]
        arms = {self.fresh(place.taken): {"from": second}}
        arms[self.fresh(place.taken, arms)] = self.pick("identity", "relu", [])
        place.taken.update(arms)
        return [*steps, {"branches": arms, "join": "concat"}], Running(True, x.size, x.low, x.image)

    # --- blocks --------------------------------------------------------------------------------------------------

    def call(self, x: Running, place: Place, keep: bool) -> Drawn:
        found = [block for block in self.drawn if block.fits(x, keep) and not block.tensors]
        if found and self.maybe(0.5):
            return self.use(self.random.choice(found), x, place, {})
        if len(self.blocks) < len(BLOCKS) and place.depth <= 2:
            block = self.block(x, place, keep, tensors=0)
            if block.fits(x, keep):
                return self.use(block, x, place, {})
        return self.op(x, place, keep)

    def merge(self, x: Running, place: Place) -> Steps | None:
        """A call of a block with a second input, that keeps the size."""
        origin = self.origin(x, place) if x.image and x.aligned else None
        found = [block for block in self.drawn if block.fits(x, keep=True) and block.tensors]
        if origin and not found and len(self.blocks) < len(BLOCKS):
            found = [self.block(x, place, keep=True, tensors=self.pick(1, 1, 2))]
        if not origin or not found:
            return None
        block = self.random.choice(found)
        return self.use(
            block, x, place, {name: self.origin(x, place) or "" for name in block.tensors}
        )[0]

    def use(self, block: Block, x: Running, place: Place, tensors: dict[str, str]) -> Drawn:
        arguments: dict[str, Tree] = dict(tensors)
        for name, (role, optional) in block.parameters.items():
            if (
                optional and role == "kernel"
            ):  # whose default is a whole number, and so is what it can be given
                arguments[name] = self.pick("1", "3", "5")
            elif not optional or self.maybe(0.5):
                arguments[name] = self.expression(role, place)
        result = block.result
        channels = x.channels if result.channels == "input.channels" else None
        if block.out in arguments:
            channels = arguments[block.out]
        size, low = (
            (x.size, x.low) if block.keeps() else (object() if result.size != "1x1" else "1x1", 1)
        )
        aligned = result.aligned or (x.aligned and result.channels == "input.channels")
        plain = result.plain or x.plain and block.keeps()
        after = Running(aligned, size if result.image else None, low, result.image, channels, plain)
        return [{block.name: arguments} if arguments else block.name], after

    def block(self, x: Running, place: Place, keep: bool, tensors: int) -> Block:
        """Define a block for such a tensor."""
        scope, parameters = dict(self.parameters), dict[str, tuple[str, bool]]()
        for _ in range(self.random.randrange(4)):
            name = self.fresh(scope)
            scope[name] = role = self.random.choice(list(TYPES))
            parameters[name] = (role, self.maybe(0.4))
        name = self.random.choice([name for name in BLOCKS if name not in self.blocks])
        self.blocks[name] = {}
        given = (
            Running(x.aligned, object(), 1, x.image, "input.channels")
            if x.image
            else Running(x.aligned, image=False)
        )
        known = {"input": given}
        inputs: list[str] = []
        for _ in range(tensors):
            inputs.append(self.fresh(scope))
            scope[inputs[-1]] = "tensor"
            known[inputs[-1]] = replace(given, channels=None)
        inner = Place(scope, x.aligned, place.depth + 1, known, set(inputs))
        steps: Steps = []
        entry = given
        for tensor in inputs:
            arms = {self.fresh(inner.taken): self.pick("identity", "relu", [])}
            arms[self.fresh(inner.taken, arms)] = self.read(self.pick([], ["relu"]), tensor)
            inner.taken.update(arms)
            steps.append({"branches": arms, "join": "concat"})
            entry = replace(given, channels=None)
        widths = [n for n, (role, _) in parameters.items() if role == "width"]
        out = self.random.choice(widths) if widths and self.maybe(0.6) else None
        more, result = self.body(entry, inner, keep=keep or self.maybe(0.6), out=out)
        steps += more
        self.tell_apart(steps, result, inner)
        self.define(name, parameters, inputs, steps)
        block = Block(name, parameters, tuple(inputs), given, result, out)
        self.drawn.append(block)
        return block

    def tell_apart(self, steps: Steps, x: Running, place: Place) -> None:
        """Give names to further conditions, loops and uses of a block in a body of a block: `when.2`
        and `when_2` would clash.
        """
        seen = set[str]()
        for i, step in enumerate(steps):
            forms = {"when", "repeat", "each", *self.blocks} & mapping(step).keys()
            forms |= {"branches"} if "do" in mapping(step).get("branches", {}) else set()
            if forms & seen and "name" not in mapping(step):
                named = [step]
                self.call_it(named, x, place)
                steps[i] = named[0]
            seen |= forms

    def define(
        self, name: str, parameters: dict[str, tuple[str, bool]], tensors: list[str], body: Steps
    ) -> None:
        del self.blocks[name]  # so that those it uses stand before it
        params: dict[str, Tree] = {
            key: self.constant(role) if optional else TYPES[role]
            for key, (role, optional) in parameters.items()
        }
        params |= dict.fromkeys(tensors, "tensor")
        keys = list(params)
        self.random.shuffle(keys)
        self.blocks[name] = {
            "about": f"A random block, {name}",
            "params": {key: params[key] for key in keys},
        }
        if not params:
            del self.blocks[name]["params"]
        self.blocks[name]["body"] = self.written(body)


def mapping(step: Tree) -> dict[str, Tree]:
    return {step: {}} if isinstance(step, str) else step


def either(a: Running, b: Running) -> Running:
    """What is known of a tensor that is one of two."""
    return replace(
        a,
        aligned=a.aligned and b.aligned,
        channels=a.channels if a.channels == b.channels else None,
    )
