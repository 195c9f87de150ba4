"""Chains of PyTorch modules: the code that builds the layers of a body."""

from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

from cnngen.expressions.algebra import equal, substitute
from cnngen.expressions.expression import InputChannels, Name
from cnngen.plan.channels import choose, join
from cnngen.semantics.network import Network
from cnngen.syntax.tree import Body, Branches, Call, Each, Reference, Repeat, Step, When
from cnngen.targets.code import operand
from cnngen.targets.loops import loop_header, loop_index
from cnngen.targets.running import assignment, end_of_loop
from cnngen.targets.spelling import Speller
from cnngen.targets.torch_calls import Calls, Features, Frame

IDENTITY = "nn.Identity()"


class Chains(Calls):
    """Writes Sequentials, and what is built around them.

    Whether a loop changes channels, and whether a condition fits in a line, shows once its body is
    written, which is then written again in another way. What was found out is kept: without it, the
    work would double with each loop or condition inside of another one.
    """

    def __init__(self, network: Network, speller: Speller) -> None:
        super().__init__(network, speller)
        self.changing: set[tuple[Repeat | Each, Features]] = set()  # loops, for what they are given
        self.spread: set[tuple[When, Features]] = set()  # conditions that need statements

    def module(self, step: Step, x: Features, frame: Frame, hint: str) -> tuple[str, Features]:
        """One module for a step; statements that it needs are written before."""
        match step:
            case Call():
                return self.call(step, x, frame)
            case Branches():
                return self.container(step, x, frame)
            case Repeat() | Each():
                name = frame.fresh(hint)
                return name, self.assign_step(step, x, frame, name)
            case When():
                name = frame.fresh(hint)
                return name, self.choice(step, x, frame, name)
            case Reference():
                return IDENTITY, x
            case _:
                assert_never(step)

    def body(self, body: Body, x: Features, frame: Frame, hint: str) -> tuple[str, Features]:
        """One module for a body."""
        arrangement = self.resolution.arrangement(body)
        if arrangement.layout == "empty":
            return IDENTITY, x
        if arrangement.layout == "single":
            step = body[0]
            if isinstance(step, When) and (inline := self._inline_when(step, x, frame)):
                return inline
            return self.module(step, x, frame, hint)
        if all(self._is_static(step, x, frame) for step in body):
            items, x = self._items(body, x, frame)
            return self.sequential(items), x
        name = frame.fresh(hint)
        return name, self.build(body, x, frame, name)

    def _is_static(self, step: Step, x: Features, frame: Frame) -> bool:
        """Whether a step is one module whose code can stand among others."""
        return isinstance(step, Call | Branches | Reference) or (
            isinstance(step, When) and self._inline_when(step, x, frame, try_only=True) is not None
        )

    def _items(
        self, body: Sequence[Step], x: Features, frame: Frame
    ) -> tuple[list[tuple[str, str]], Features]:
        """Key (a name or nothing) and module of each step of a chain."""
        items: list[tuple[str, str]] = []
        for step in body:
            if isinstance(step, Reference):
                continue  # what it reads has been handed in
            inline = self._inline_when(step, x, frame) if isinstance(step, When) else None
            code, x = inline or self.module(step, x, frame, "steps")
            items.append((step.name.text if step.name else "", code))
        return items, x

    def _inline_when(
        self, step: When, x: Features, frame: Frame, try_only: bool = False
    ) -> tuple[str, Features] | None:
        """`a if test else b`, where both are short and need no statements."""
        if len(step.body) > 1 or len(step.orelse or ()) > 1 or (step, x) in self.spread:
            return None
        mark, taken = frame.code.mark(), set(frame.taken)
        then, after = self.body(step.body, x, frame, "steps")
        otherwise, other = self.body(step.orelse or (), x, frame, "steps")
        code = f"{operand(then)} if {frame.printer.code(step.test)} else {otherwise}"
        needs_statements = frame.code.mark() > mark
        if needs_statements or len(code) > 80 or try_only:
            frame.code.back_to(mark)
            frame.taken = taken
        if needs_statements or len(code) > 80:
            self.spread.add((step, x))
            return None
        return code, self._either(step, after, other, frame)

    def choice(self, step: When, x: Features, frame: Frame, target: str) -> Features:
        """Assign a module under a condition, and what stands for it otherwise."""
        x = self.settle(x, frame)
        if step.orelse is None:
            chain = self.resolution.arrangement(step.body).layout == "chain"
            frame.code.add(f"{target} = {'nn.Sequential()' if chain else IDENTITY}")
        with frame.code.inside(f"if {frame.printer.code(step.test)}:"):
            then = self.assign(step.body, x, frame, target)
        otherwise = x
        if step.orelse is not None:
            with frame.code.inside("else:"):
                otherwise = self.assign(step.orelse, x, frame, target)
        return self._either(step, then, otherwise, frame)

    def assign_step(self, step: Step, x: Features, frame: Frame, target: str) -> Features:
        """Assign the module of one step to a variable or an attribute."""
        match step:
            case When():
                return self.choice(step, x, frame, target)
            case Repeat() | Each():
                frame.code.add(f"{target} = nn.Sequential()")
                return self._loop(step, x, frame, target)
            case _:
                code, x = self.module(step, x, frame, "steps")
                frame.code.add(f"{target} = {code}")
                return x

    def assign(self, body: Body, x: Features, frame: Frame, target: str) -> Features:
        """Assign the module of a body to a variable or an attribute."""
        arrangement = self.resolution.arrangement(body)
        if arrangement.layout == "single":
            return self.assign_step(body[0], x, frame, target)
        if arrangement.layout == "chain":
            return self.build(body, x, frame, target)
        code, x = self.body(body, x, frame, "steps")
        frame.code.add(f"{target} = {code}")
        return x

    def _either(self, step: When, then: Features, otherwise: Features, frame: Frame) -> Features:
        if then == otherwise:
            return then
        test = substitute(step.test, {}, frame.printer.entry)  # which other stages have no name for
        channels = choose(test, then.channels, otherwise.channels)
        assert channels is not None
        return Features(channels, then.image)

    def build(self, body: Body, x: Features, frame: Frame, target: str) -> Features:
        """Build a Sequential in place: what is fixed in one call, then loops and conditions that
        append to it.
        """
        arrangement = self.resolution.arrangement(body)
        fixed: list[Step] = []
        if arrangement.layout != "single":
            for step in body:
                if not self._is_static(step, x, frame):
                    break
                fixed.append(step)
        items, x = self._items(fixed, x, frame)
        if target == "self":
            frame.code.add(
                f"super().__init__{self.sequential(items).removeprefix('nn.Sequential')}"
            )
        else:
            frame.code.add(f"{target} = {self.sequential(items)}")
        for step in body[len(fixed) :]:
            x = self._extend(step, x, frame, target)
        return x

    def _extend(self, step: Step, x: Features, frame: Frame, target: str) -> Features:
        """Append a step to the Sequential `target`."""
        match step:
            case Reference():
                return x
            case Repeat() | Each() if not step.name:
                return self._loop(step, x, frame, target)
            case When() if not step.name and not self._inline_when(step, x, frame, try_only=True):
                return self._when(step, x, frame, target)
            case _:
                items, x = self._items((step,), x, frame)
                for key, code in items:
                    if key:
                        frame.code.add(f'{target}.add_module("{key}", {code})')
                    else:
                        frame.code.add(f"{target}.append({code})")
                return x

    def _when(self, step: When, x: Features, frame: Frame, target: str) -> Features:
        """A condition in a chain keeps its position: what is not there is an identity."""
        with frame.code.inside(f"if {frame.printer.code(step.test)}:"):
            then, after = self.body(step.body, x, frame, "steps")
            frame.code.add(f"{target}.append({then})")
        with frame.code.inside("else:"):
            otherwise, other = self.body(step.orelse or (), x, frame, "steps")
            frame.code.add(f"{target}.append({otherwise})")
        return self._either(step, after, other, frame)

    def sequential(self, items: Sequence[tuple[str, str]]) -> str:
        """A Sequential of modules, given by key (or nothing) and code; one a line where there are
        several.
        """
        if any(key for key, _ in items):
            self.speller.imports("collections", "OrderedDict")
            entries = [f'("{key or i}", {code})' for i, (key, code) in enumerate(items)]
            return f"nn.Sequential(OrderedDict([{', '.join(entries)},]))"
        comma = "," if len(items) > 1 else ""
        return f"nn.Sequential({', '.join(code for _, code in items)}{comma})"

    # --- loops ------------------------------------------------------------------------------------

    def _loop(self, step: Repeat | Each, x: Features, frame: Frame, target: str) -> Features:
        """Append each iteration; where channels change, a running variable goes with them."""
        x = self.settle(x, frame)
        mark, taken = frame.code.mark(), set(frame.taken)
        if (step, x) not in self.changing and self._may_keep(step, x, frame):
            after = self._iterations(step, x, frame, target)
            if equal(after.channels, x.channels):
                return replace(after, owned=False) if not x.owned else after
            self.changing.add((step, x))
            frame.code.back_to(mark)
            frame.taken = taken
        running = self._variable(x, frame)
        turn = self._iterations(step, running, frame, target, update=True)
        if (end := end_of_loop(step, turn.channels, running.channels, x.channels)) is None:
            return replace(turn, channels=running.channels, owned=True)
        if running != x and isinstance(running.channels, Name):
            frame.taken.discard(running.channels.name)  # nothing reads the variable any more
        return replace(turn, channels=end, owned=False)

    def _may_keep(self, step: Repeat | Each, x: Features, frame: Frame) -> bool:
        """Whether a loop may give each turn as many channels as the first one is given."""
        between = step.between if isinstance(step, Each) else None
        for body in (between or (), step.body):
            turn = self.channels.body(body, x.channels, {})
            if turn is None or not equal(substitute(turn, {}, frame.printer.entry), x.channels):
                return False
        return True

    def _variable(self, x: Features, frame: Frame) -> Features:
        """The running channels in a variable of their own."""
        if x.owned and isinstance(x.channels, Name | InputChannels):
            return x
        return self.bound(x, frame)

    def _iterations(
        self, step: Repeat | Each, x: Features, frame: Frame, target: str, update: bool = False
    ) -> Features:
        between = step.between if isinstance(step, Each) else None
        index = loop_index(frame.taken) if between else ""
        inner = replace(x, owned=update)
        mark = frame.code.mark()
        with frame.code.inside("for:"):
            if between is not None:
                with frame.code.inside(f"if {index} > 0:"):
                    code, then = self.body(between, inner, frame, "steps")
                    frame.code.add(f"{target}.append({code})")
                    if update:
                        then = self._update(x, then, frame)
                if not equal(then.channels, inner.channels):
                    return then  # what the first turn is given, the others are not
                inner = then
            code, after = self.body(step.body, inner, frame, "steps")
            frame.code.add(f"{target}.append({code})")
            if update:
                self._update(x, after, frame)
        used = frame.code.names(mark + 1)
        frame.code.rewrite(mark, loop_header(step, index, used, frame.printer))
        return after

    def _update(self, x: Features, after: Features, frame: Frame) -> Features:
        """Bring the running variable up to date."""
        variable, channels = frame.printer.code(x.channels), after.channels
        if not equal(channels, x.channels):
            frame.code.add(assignment(variable, x.channels, channels, frame.printer))
        return replace(after, channels=x.channels, owned=True)

    def container(self, step: Branches, x: Features, frame: Frame) -> tuple[str, Features]:
        """A join inside a chain: a module that joins what its children give."""
        entries: list[str] = []
        outputs: list[Features] = []
        for name, body in step.arms:
            code, output = self.body(body, replace(x, owned=False), frame, name.text)
            entries.append(f'"{name.text}": {code}')
            outputs.append(output)
        kind = self.speller.use(step.join.text.capitalize())
        return f"{kind}({{{', '.join(entries)},}})", self.joined(step, outputs)

    def joined(self, step: Branches, outputs: Sequence[Features]) -> Features:
        channels = join(step, [output.channels for output in outputs])
        assert channels is not None
        return Features(channels, outputs[0].image)
