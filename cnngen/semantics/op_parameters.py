"""Op parameters: what a parameter of type `op` is given, and the steps that apply it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cnngen.diagnostics.model import Label, Report
from cnngen.expressions.algebra import free_names, mentions_input
from cnngen.expressions.expression import Conditional, Constant, ListOf, Name
from cnngen.ops import OPS
from cnngen.ops.any_of import keeps_shape
from cnngen.ops.base import Op
from cnngen.semantics.attributes import show
from cnngen.semantics.calls import Given, op_arguments
from cnngen.semantics.definitions import Definitions, check_expression
from cnngen.semantics.explanations.call_errors import report_default_callee
from cnngen.semantics.op_values import Chosen, OpValue, Passed
from cnngen.semantics.walk import value_expressions
from cnngen.source import Span
from cnngen.syntax.tree import (
    Argument,
    ArgumentValue,
    Block,
    Call,
    Distribution,
    Identifier,
    Parameter,
)

CHOICES = ("choice", "init")  # attributes whose values are words


@dataclass(frozen=True, slots=True)
class OpReader:
    """Reads what a parameter is given, at a place where these names are defined. Each op that is
    named there is noted in `ops`, with all its attributes in `arguments`.
    """

    names: Definitions
    defaults: Mapping[str, Given]
    blocks: Mapping[str, Block]
    ops: dict[Call, type[Op]]
    arguments: dict[Call, dict[str, ArgumentValue]]
    report: Report

    def read(self, name: Identifier, value: ArgumentValue) -> OpValue | None:
        """What the parameter called `name` is; None after a mistake, which was reported."""
        match value:
            case Name(name=""):
                return None
            case Name(name=word, span=span):
                if (other := self.names.ops.get(word)) is not None and other.type == "op":
                    return Passed(other)
                return self._op(name, Identifier(word, span or name.span), ())
            case Distribution(word=word, arguments=arguments):
                return self._op(name, word, tuple(Argument(*each) for each in arguments))
            case Conditional(test, then, otherwise):
                check_expression(test, self.names, self.report)
                first, second = self.read(name, then), self.read(name, otherwise)
                return Chosen(test, first, second) if first and second else None
            case _:
                given = show(value.value) if isinstance(value, Constant) else "an expression"
                given = "a list" if isinstance(value, ListOf) else given
                self._refuse(
                    value.span or name.span,
                    f"`{name.text}` must be an op, not {given}",
                    "write `identity` for one that gives what it is given"
                    if value == Constant(None)
                    else "write the word of one: `relu`, or `{leaky_relu: {slope: 0.1}}`",
                )
                return None

    def take(
        self, parameters: Iterable[Parameter], given: dict[str, ArgumentValue]
    ) -> dict[str, OpValue]:
        """What those parameters that are ops are given; it is taken out of `given`."""
        taken: dict[str, OpValue] = {}
        for parameter in parameters:
            name = parameter.name.text
            value = given.pop(name, None) if parameter.type == "op" else None
            if value is not None and (read := self.read(parameter.name, value)) is not None:
                taken[name] = read
        return taken

    def default(self, parameter: Parameter) -> OpValue | None:
        """What a parameter is by itself."""
        if parameter.default is None:
            return None
        value = self.read(parameter.name, parameter.default)
        return value if isinstance(value, Call) and self._is_constant(value) else None

    def _op(
        self, name: Identifier, word: Identifier, arguments: tuple[Argument, ...]
    ) -> Call | None:
        op = self._meant(name, word)
        if op is None:
            return None
        call = Call(word, arguments, word.span)
        given = self.defaults.get(op.name) or self.defaults.get("", {})
        self.ops[call] = op
        self.arguments[call] = op_arguments(call, op, self.names, given, self.report, is_value=True)
        return call

    def _meant(self, name: Identifier, word: Identifier) -> type[Op] | None:
        """The op of a word, if a parameter can be that."""
        if word.text in self.blocks or word.text in self.names.ops:
            message = f"`{word.text}` is a block, and `{name.text}` must be an op"
            return self._refuse(word.span, message, "write the word of an op: `relu`")
        if word.text in self.names.values and word.text not in OPS:
            message = f"`{word.text}` is a value, and `{name.text}` must be an op"
            label = Label(self.names.values[word.text], "defined here")
            return self._refuse(word.span, message, "write the word of an op: `relu`", label)
        op = OPS.get(word.text) or OPS.get(report_default_callee(word, self.report))
        if op is None or keeps_shape(op):
            return op
        what = "joins branches" if op.joins else "may give another shape than it is given"
        return self._refuse(
            word.span,
            f"`{op.name}` {what}, so `{name.text}` cannot be it",
            "a parameter can be an activation, a norm, a dropout or `identity`; choose between"
            " other steps with `when`",
        )

    def _refuse(self, at: Span, message: str, help: str, *labels: Label) -> None:
        self.report.add("wrong-type", message, at, secondary=labels, help=help)

    def _is_constant(self, call: Call) -> bool:
        """Whether all attributes are constants; otherwise that is reported, once."""
        written = {argument.name.text for argument in call.arguments}
        for name, value in self.arguments[call].items():
            word = isinstance(value, Name) and self.ops[call].attributes[name].kind in CHOICES
            parts = value_expressions(value)
            if word or not any(free_names(part) - {""} or mentions_input(part) for part in parts):
                continue
            own = name in written
            why = "" if own else "; the `defaults` of this file depend on a name"
            self.report.add(
                "unknown-name",
                f"attributes of a parameter's default are constants, and `{name}` is none",
                (value.span if own else None) or call.callee.span,
                help=f"write `{{{call.callee.text}: {{{name}: ...}}}}` with a number{why}",
            )
            return False
        return True


def report_attributes(call: Call, report: Report) -> None:
    """Report attributes that stand where an op is applied, not where it is named."""
    name, first = call.callee.text, call.arguments[0]
    report.add(
        "wrong-kind",
        f"`{name}` is an op with all its attributes, and takes none here",
        first.name.span,
        help=f"give them where the op is named: `{name}: {{leaky_relu: {{slope: 0.1}}}}`",
    )


def report_value_as_step(call: Call, names: Definitions, report: Report) -> None:
    name = call.callee.text
    report.add(
        "unknown-op",
        f"`{name}` is a value, and a step is an op or a block",
        call.callee.span,
        secondary=[Label(names.values[name], "defined here")],
        help=f"choose between blocks by a parameter that is one: `{name}: Basic`"
        if call.arguments
        else f"a parameter that is an op has one for its default: `{name}: relu`",
    )
