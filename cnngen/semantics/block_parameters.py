"""Block parameters: what a parameter of type `block` is given, and the steps that use it."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from cnngen.diagnostics.model import Label, Report
from cnngen.diagnostics.suggest import respell
from cnngen.expressions.expression import Conditional, Constant, Expression, ListOf, Name
from cnngen.ops import OPS
from cnngen.semantics.attributes import show
from cnngen.semantics.block_values import BlockUses, reads_one_tensor, wrong_constant
from cnngen.semantics.calls import Given, block_arguments
from cnngen.semantics.definitions import Definitions, check_expression, guess, listed
from cnngen.semantics.op_values import Chosen, OpValue, Passed
from cnngen.semantics.parameters import WORDS, place
from cnngen.source import Span
from cnngen.syntax.tree import (
    NAMED,
    ArgumentValue,
    Block,
    Call,
    Distribution,
    Identifier,
    Parameter,
)


@dataclass(frozen=True, slots=True)
class BlockReader:
    """Reads what a parameter is given, at a place where these names are defined. Each block that is
    named there is noted in `named`; those of `lists` give a list of maps.
    """

    names: Definitions
    blocks: Mapping[str, Block]
    lists: Collection[str]
    named: dict[Call, Block]
    report: Report

    def read(self, name: Identifier, value: ArgumentValue) -> OpValue | None:
        """What the parameter called `name` is; None after a mistake, which was reported."""
        match value:
            case Name(name=""):
                return None
            case Name(name=word, span=span):
                return self._named(name, Identifier(word, span or name.span))
            case Distribution(word=word) if word.text in self.blocks:
                return self._refuse(
                    word.span,
                    f"`{name.text}` is given a block by its name alone",
                    f"write `{word.text}`; what it takes stands where `{name.text}` is a step",
                )
            case Distribution(word=word):
                return self._named(name, word)
            case Conditional(test, then, otherwise):
                check_expression(test, self.names, self.report)
                first, second = self.read(name, then), self.read(name, otherwise)
                return Chosen(test, first, second) if first and second else None
            case _:
                given = show(value.value) if isinstance(value, Constant) else "an expression"
                given = "a list" if isinstance(value, ListOf) else given
                message = f"`{name.text}` must be a block, not {given}"
                return self._refuse(value.span or name.span, message, self._example())

    def take(self, parameters: Iterable[Parameter], given: Given) -> dict[str, OpValue]:
        """What those parameters that are blocks are given; it is taken out of `given`."""
        taken: dict[str, OpValue] = {}
        for parameter in parameters:
            name = parameter.name.text
            value = given.pop(name, None) if parameter.type == "block" else None
            if value is not None and (read := self.read(parameter.name, value)) is not None:
                taken[name] = read
        return taken

    def _named(self, name: Identifier, word: Identifier) -> OpValue | None:
        other = self.names.ops.get(word.text)
        if other is not None and other.type == "block":
            return Passed(other)
        block = self.blocks.get(word.text)
        if block is None:
            return self._report(name, word, other)
        if block.takes_list or word.text in self.lists:
            does = "is given" if block.takes_list else "gives"
            return self._refuse(
                word.span,
                f"`{word.text}` {does} a list of maps, so `{name.text}` cannot be it",
                "choose between blocks of lists with `when`",
                Label(block.name.span, "this block"),
            )
        if not reads_one_tensor(block):
            extra = next(p for p in block.parameters if p.type in ("tensor", "tensors"))
            return self._refuse(
                word.span,
                f"`{word.text}` reads more than its input, so `{name.text}` cannot be it",
                "choose between blocks that read others with `when`",
                Label(extra.name.span, "it reads this, too"),
            )
        call = Call(word, (), word.span)
        self.named[call] = block
        return call

    def _report(self, name: Identifier, word: Identifier, other: Parameter | None) -> None:
        """Report a word that is no block."""
        known = self.names.values.get(word.text)
        if other is not None or word.text in OPS:
            what = f"`{word.text}` is an op, and `{name.text}` must be a block"
            labels = [Label(other.name.span, "defined here")] if other else []
            return self._refuse(word.span, what, self._example(), *labels)
        if known is not None:
            what = f"`{word.text}` is a value, and `{name.text}` must be a block"
            return self._refuse(word.span, what, self._example(), Label(known, "defined here"))
        if "" not in self.blocks:  # else one that could not be read may have this name
            close = guess(word.text, self.blocks, self.report)
            self.report.add(
                "unknown-block",
                f"the spec defines no block `{word.text}`",
                word.span,
                help=f"did you mean `{close}`?" if close else self._example(),
                fix=respell(word.span, close, self.blocks),
            )
        return None

    def _example(self) -> str:
        blocks = [block for block in self.blocks if block]
        return f"write the name of a block: {listed(blocks)}" if blocks else "define one: `blocks`"

    def _refuse(self, at: Span, message: str, help: str, *labels: Label) -> None:
        self.report.add("wrong-type", message, at, secondary=labels, help=help)


def check_candidates(call: Call, uses: BlockUses, report: Report) -> Given:
    """Check what a step gives to each block that it may be of; gives it, by name."""
    parameter, names = uses.steps[call], uses.places[call]
    given: Given = {}
    wrong = _check_types(call, uses, report)
    for block in uses.may_be(call):
        found = Report()
        given = block_arguments(call, block, names, found) | given
        at = uses.given_at(block)
        for diagnostic in found:
            span = diagnostic.primary.span
            if not report.has(diagnostic.code, span) and span not in wrong:
                is_own = any(label.span == block.name.span for label in diagnostic.secondary)
                more = (Label(at, f"`{parameter.name.text}` may be this"),) if is_own and at else ()
                report.replace(replace(diagnostic, secondary=(*diagnostic.secondary, *more)), ())
        _check_constants(call, block, uses, report)
    return given


def _check_constants(call: Call, block: Block, uses: BlockUses, report: Report) -> None:
    """Report constants of a wrong type. Other values are those of one of the blocks, when that is
    followed.
    """
    said = {argument.name.text: argument.value for argument in call.arguments}
    at = uses.given_at(block)
    for parameter in block.parameters:
        value = said.get(parameter.name.text)
        error = None if value is None else wrong_constant(parameter, value)
        if error is not None and isinstance(value, Expression):
            labels = [Label(parameter.name.span, f"declared as {parameter.type}")]
            labels += [Label(at, f"`{call.callee.text}` may be this")] if at else []
            where = place(error, value) or call.callee.span
            report.add(error.code, error.message, where, secondary=labels, help=error.help)


def _check_types(call: Call, uses: BlockUses, report: Report) -> list[Span]:
    """Report what is an op or a block for one of several blocks, and something else for another.
    Gives these values, of which nobody knows what they are.
    """
    wrong: list[Span] = []
    first: dict[str, tuple[Block, Parameter]] = {}
    said = {argument.name.text: argument for argument in call.arguments}
    for block in uses.may_be(call):
        for parameter in block.parameters:
            name = parameter.name.text
            other, known = first.setdefault(name, (block, parameter))
            differs = parameter.type != known.type and {parameter.type, known.type} & {*NAMED}
            if name in said and differs:
                report.add(
                    "wrong-type",
                    f"`{name}` is {WORDS[known.type]} in `{other.name.text}`, and"
                    f" {WORDS[parameter.type]} in `{block.name.text}`",
                    said[name].name.span,
                    secondary=[
                        Label(each.name.span, WORDS[each.type]) for each in (known, parameter)
                    ],
                    help="rename one of them, and let each have a default",
                )
                wrong += [span.original] if (span := said[name].value.span) else []
    return wrong
