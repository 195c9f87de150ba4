"""Nodes of Python in, the lines of `ruff format` out."""

import ast
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import assert_never

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from support.random_nodes import statements, values

from cnngen.python.flat import flat
from cnngen.python.nodes import (
    Assign,
    Attribute,
    Augment,
    Binary,
    Blank,
    Call,
    Class,
    Comment,
    Comprehension,
    Conditional,
    Dictionary,
    Display,
    Do,
    For,
    Function,
    If,
    Import,
    Keyword,
    Name,
    Node,
    Number,
    Parameter,
    Raise,
    Return,
    Slice,
    Starred,
    Statement,
    String,
    Subscript,
    Text,
    Unary,
    Verbatim,
)
from cnngen.python.printer import printed
from cnngen.python.statement_document import flat_statement
from cnngen.python.template_lines import laid_out
from cnngen.python.variables import assigned, names
from cnngen.python.verbatim import read


def find_ruff() -> str | None:
    beside = Path(sys.executable).with_name("ruff")
    return shutil.which("ruff") or (str(beside) if beside.exists() else None)


needs_ruff = pytest.mark.skipif(find_ruff() is None, reason="ruff is not installed")


def ruff(source: str) -> str:
    options = ["--isolated", "--line-length", "100", "--target-version", "py311", "-"]
    done = subprocess.run(
        [find_ruff() or "ruff", "format", *options],
        input=source,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


# Statements of templates' text, and what they become four columns in -----------------------------

VALUES = [
    ("self.stem(x)", "self.stem(x)"),
    ("(6,)", "(6,)"),
    (
        "f(a, [b, c,])",
        """\
f(
    a,
    [
        b,
        c,
    ],
)""",
    ),
    # Arguments first try one indented line; displays do not.
    (
        "layers.Conv2D(filters, kernel, stride, padding, "
        "use_bias=False, kernel_initializer=initializer, name=name)",
        """\
layers.Conv2D(
    filters, kernel, stride, padding, use_bias=False, kernel_initializer=initializer, name=name
)""",
    ),
    (
        "[self.first_branch(x), self.second_branch(x), self.third_branch(x), "
        "self.fourth_branch(x), x]",
        """\
[
    self.first_branch(x),
    self.second_branch(x),
    self.third_branch(x),
    self.fourth_branch(x),
    x,
]""",
    ),
    # Of two calls the last one breaks.
    (
        "layers.Conv2D(filters, kernel, use_bias=False, "
        'name=f"{name}_conv")(layers.Activation("relu")(x))',
        """\
layers.Conv2D(filters, kernel, use_bias=False, name=f"{name}_conv")(
    layers.Activation("relu")(x)
)""",
    ),
    # Operators break in parentheses, unless brackets at an end can break instead.
    (
        "stride != 1 or in_channels != 4 * width or projection is not None "
        "or some_other_condition_holds",
        """\
(
    stride != 1
    or in_channels != 4 * width
    or projection is not None
    or some_other_condition_holds
)""",
    ),
    (
        "projection_of_the_input(x) if stride != 1 or in_channels != 4 * width else identity_of(x)",
        """\
(
    projection_of_the_input(x) if stride != 1 or in_channels != 4 * width else identity_of(x)
)""",
    ),
    (
        "self.main(x) + self.shortcut_with_a_long_name(x, "
        "another_argument, and_one_more, stride=2)",
        """\
self.main(x) + self.shortcut_with_a_long_name(
    x, another_argument, and_one_more, stride=2
)""",
    ),
    # What a scan does not tell apart breaks at the commas of its brackets.
    (
        "apply(lambda x: [first(x), {**second}], {a_rather_long_name: 1, another_long_name: 2}, x)",
        """\
apply(
    lambda x: [first(x), {**second}], {a_rather_long_name: 1, another_long_name: 2}, x
)""",
    ),
]
PREFIX = "a_long_name = "


@pytest.mark.parametrize(("text", "expected"), VALUES, ids=[pair[0][:40] for pair in VALUES])
def test_text_of_templates(text: str, expected: str) -> None:
    lines = printed([Assign((Name("a_long_name"),), read(text))], indent=4).lines
    assert lines == [f"    {line}" for line in f"{PREFIX}{expected}".splitlines()]


@pytest.mark.parametrize("text", [text for text, _ in VALUES])
def test_text_that_is_read_stays_the_same_text(text: str) -> None:
    assert flat(read(text)) == text


@pytest.mark.parametrize(
    "text",
    ["f(a,) +", "f(]", "a < b < c", "lambda x: x", "{**a}", "'x'", "a  + b", "((a))", "", "*"],
)
def test_text_that_cannot_be_read_stays_text(text: str) -> None:
    assert read(text) == Verbatim((text,) if text else ())
    assert flat(read(text)) == text


def test_deep_nesting_takes_no_exponential_time() -> None:
    node: Node = Name("y" * 80)
    for _ in range(50):
        node = Call(Name("f"), (node,))
    lines = printed([Assign((Name("x"),), node)]).lines
    assert "".join(line.strip() for line in lines) == f"x = {'f(' * 50}{'y' * 80}{')' * 50}"


# --- Lines of templates

LINES = [
    "",
    "import torch",
    "x = (6,)",
    "# a comment that is longer than a line may be, and that nobody breaks, " + "because " * 5,
    "    x, ones = (",
    "        pad(x, f(a, b))",
    "class DropPath(nn.Dropout):",
    "    points: list[int] = []",
    "    def f(self, x: int):",
    '        """A text (of several lines, with brackets,)',
    "        (a, b,)",
    '        """',
    "lambda x: x",
]


def test_short_lines_of_templates_stay() -> None:
    assert list(laid_out("\n".join(LINES))) == LINES


@needs_ruff
def test_long_lines_of_templates() -> None:
    first, second = "a_rather_long_name", "another_rather_long_name"
    template = f"""\
def initialized(layer: nn.Module, draw: Callable[..., object], *, scale: float = 1.0, **{first}: float | str) -> nn.Module:
    for name, parameter in zip({first}, {second}, {first}, {second}, strict=True):
        if {first} == {second} or {first} is None or {second} not in (1, (1, 1)):
            {first}.{first} = {second}.{first}({first}, "# no comment", {second})  # kept
        elif {first} == {second} and {first} is None and isinstance({second}, int):
            {first} += {second} if {first} > {second}.{second} else {second}[{first}]
            raise ValueError(f"{{name}} needs an input of known height and width", {second})
    {first}.append({second}({first}={first}, x={second}), f(a, b,))
    return {first}({second}={second}) + {second}({first}={first}, x={second})
"""
    lines = "\n".join(laid_out(template)) + "\n"
    assert all(len(line) <= 100 for line in lines.splitlines())
    above = next(line for line in lines.splitlines() if line.strip() == "# kept")
    assert lines.replace(f"{above}\n", "") == ruff(template.replace("  # kept", ""))


# --- Comments, empty lines, places ---------------------------------------------------------------


def test_comments() -> None:
    stem = Call(Attribute(Name("self"), "stem"), (Name("x"),))
    layers = (Call(Name("conv")), Call(Name("relu")))
    body = [
        Assign((Name("x"),), stem, comment="64 x 56 x 56"),
        Return(
            stem, comment="one vector of 2048 values for each image of the batch, of which " * 2
        ),
        Assign((Name("x"),), Call(Name("chain"), layers, explode=True), comment="two"),
        Comment("the end"),
    ]
    assert (
        printed(body, 4).text
        == f"""\
    x = self.stem(x)  # 64 x 56 x 56
    # {"one vector of 2048 values for each image of the batch, of which " * 2}
    return self.stem(x)
    x = chain(
        conv(),
        relu(),
    )  # two
    # the end"""
    )


def test_a_module() -> None:
    method = Function("forward", (Parameter("self"), Parameter("x", "Tensor")), "Tensor", (
        Return(Name("x")),
    ))  # fmt: skip
    field = Text(("    width: int",))
    made = Class("A_1", (Name("Module"),), (field, method, method), '    """A."""', "noqa: N801")
    module = [
        Import("torch.nn.functional as F"),
        Import("torch", ("Tensor", "nn")),
        Comment("about"),
        made,
        Function("f", (), "int", (Return(Number("1")),)),
        Assign((Name("x"),), Call(Name("f"))),
        Blank(),
        Do(Call(Name("print"), (Name("x"),))),
    ]
    text = printed(module).text
    assert (
        text
        == '''\
import torch.nn.functional as F
from torch import Tensor, nn


# about
class A_1(Module):  # noqa: N801
    """A."""

    width: int

    def forward(self, x: Tensor) -> Tensor:
        return x

    def forward(self, x: Tensor) -> Tensor:
        return x


def f() -> int:
    return 1


x = f()

print(x)'''
    )
    if find_ruff():
        assert ruff(f"{text}\n") == f"{text}\n"


def test_places() -> None:
    conv = Call(Name("conv"), (Name("x" * 60),), origin="conv")
    norm = Call(Name("norm"), (Name("y" * 60),), origin="norm")
    long = Call(Name("conv"), (Name("x" * 60), Name("y" * 60)), origin="long")
    body = (
        Assign((Name("a"),), Call(Name("chain"), (conv, norm, long)), origin="chain"),
        Return(Call(Name("norm"), (Name("a"),), origin="norm")),
    )
    result = printed([Function("f", (), "None", body, origin="f")])
    shown = {
        origin: ["\n".join(result.lines[first - 1 : last]) for first, last in places]
        for origin, places in result.places.items()
    }
    assert shown["conv"] == [f"        conv({'x' * 60}),"]
    assert shown["norm"] == [f"        norm({'y' * 60}),", "    return norm(a)"]
    assert shown["long"] == [
        f"        conv(\n            {'x' * 60},\n            {'y' * 60},\n        ),"
    ]
    assert shown["chain"] == ["\n".join(result.lines[1:-1])]
    assert shown["f"] == [result.text]


def test_names() -> None:
    body = [
        Assign((Name("y"),), read("f(x, key=z, s='w') + a.b + g[i]")),
        For(Name("i"), Name("items"), (Augment(Name("total"), "+", Name("i")),)),
        Assign((Subscript(Name("table"), Name("k")),), String((Name("part"), "text"))),
        Return(Comprehension("[", Name("e"), Name("e"), Name("source"))),
    ]
    read_names = {*"fxzagi", "items", "total", "table", "k", "part", "source"}
    assert names(body) == read_names
    assert assigned(body) == {"y", "i", "total"}
    assert names(Text(("    def f(x):", "        return y.z + f'{w}'"))) >= {"x", "y", "w"}


# --- Against Python, and against ruff -------------------------------------------------------------

SIGNS: dict[str, ast.operator | ast.cmpop] = {
    **{"+": ast.Add(), "-": ast.Sub(), "*": ast.Mult(), "//": ast.FloorDiv(), "%": ast.Mod()},
    **{"**": ast.Pow(), "|": ast.BitOr(), "==": ast.Eq(), "<": ast.Lt()},
    **{"not in": ast.NotIn(), "is not": ast.IsNot()},
}
LOAD = ast.Load()


def tree(node: Node) -> ast.expr:
    """The syntax tree that the text of a node must have."""
    match node:
        case Name(text):
            return ast.Name(text, LOAD)
        case Number(text):
            value = ast.literal_eval(text.removeprefix("-"))
            constant = ast.Constant(value)
            return ast.UnaryOp(ast.USub(), constant) if text.startswith("-") else constant
        case String(parts) if all(isinstance(part, str) for part in parts):
            return ast.Constant("".join(part for part in parts if isinstance(part, str)))
        case String(parts):
            return ast.JoinedStr(
                [
                    ast.Constant(part)
                    if isinstance(part, str)
                    else ast.FormattedValue(tree(part), -1, None)
                    for part in parts
                ]
            )
        case Attribute(value, name):
            return ast.Attribute(tree(value), name, LOAD)
        case Subscript(value, index):
            return ast.Subscript(tree(value), tree(index), LOAD)
        case Slice(start, stop, step):
            bounds = (tree(each) if each else None for each in (start, stop, step))
            return ast.Slice(*bounds)
        case Starred(value):
            return ast.Starred(tree(value), LOAD)
        case Call(function, arguments):
            plain = [tree(each) for each in arguments if not isinstance(each, Keyword)]
            keywords = [each for each in arguments if isinstance(each, Keyword)]
            named = [ast.keyword(each.name, tree(each.value)) for each in keywords]
            return ast.Call(tree(function), plain, named)
        case Unary(operator, operand):
            return ast.UnaryOp(ast.USub() if operator == "-" else ast.Not(), tree(operand))
        case Binary(("and" | "or") as operator, left, right):
            first = tree(left)
            sign = ast.And() if operator == "and" else ast.Or()
            joined = isinstance(left, Binary) and left.operator == operator
            values = first.values if joined and isinstance(first, ast.BoolOp) else [first]
            return ast.BoolOp(sign, [*values, tree(right)])
        case Binary(operator, left, right):
            match SIGNS[operator]:
                case ast.cmpop() as comparison:
                    return ast.Compare(tree(left), [comparison], [tree(right)])
                case sign:
                    return ast.BinOp(tree(left), sign, tree(right))
        case Conditional(test, then, otherwise):
            return ast.IfExp(tree(test), tree(then), tree(otherwise))
        case Display("[", items):
            return ast.List(list(map(tree, items)), LOAD)
        case Display(_, items):
            return ast.Tuple(list(map(tree, items)), LOAD)
        case Dictionary(items):
            return ast.Dict([tree(key) for key, _ in items], [tree(value) for _, value in items])
        case Comprehension(kind, element, target, iterable):
            stored = ast.Name(flat(target), ast.Store())
            clauses = [ast.comprehension(stored, tree(iterable), [], 0)]
            made = ast.ListComp if kind == "[" else ast.GeneratorExp
            return made(tree(element), clauses)
        case Verbatim():
            raise AssertionError(node)
        case _:
            assert_never(node)


@settings(max_examples=100, database=None, deadline=None)
@example(Unary("-", Binary("**", Unary("-", Name("x")), Unary("-", Name("i")))))
@example(Binary("-", Name("x"), Binary("-", Name("x"), Name("x"))))
@given(values)
def test_precedence(node: Node) -> None:
    text = flat(node)
    assert ast.dump(ast.parse(text, mode="eval").body) == ast.dump(tree(node)), text
    assert flat(read(text)) == text


def flat_lines(statement: Statement) -> list[str]:
    """The statement with each of its lines as long as it happens to be."""
    match statement:
        case Assign() | Augment() | Return() | Raise() | Do():
            return [flat_statement(statement)]
        case If(branches):
            return [
                line
                for n, (test, body) in enumerate(branches)
                for line in [
                    f"{'elif' if n else 'if'} {flat(test)}:" if test else "else:",
                    *indented(body),
                ]
            ]
        case For(target, iterable, body):
            return [f"for {flat(target)} in {flat(iterable)}:", *indented(body)]
        case Function(name, parameters, returns, body):
            given = ", ".join(
                f"{each.name}: {each.annotation}"
                + (f" = {flat(each.default)}" if each.default else "")
                for each in parameters
            )
            return [f"def {name}({given}) -> {returns}:", *indented(body)]
        case _:
            raise AssertionError(statement)


def indented(body: Sequence[Statement]) -> list[str]:
    return [f"    {line}" for statement in body for line in flat_lines(statement)]


@needs_ruff
@settings(
    max_examples=8,
    phases=[Phase.generate],  # shrinking takes ruff for minutes
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(st.lists(statements, min_size=25, max_size=40))
def test_lines_are_those_of_ruff(batch: list[Statement]) -> None:
    source = "\n".join(
        "\n".join([f"def f{n}():", *indented([each])]) for n, each in enumerate(batch)
    )
    wanted = ruff(source).split("\ndef f")
    for n, (statement, expected) in enumerate(zip(batch, wanted, strict=True)):
        head, *lines = expected.rstrip().splitlines()
        assert head.endswith(f"{n}():")
        assert printed([statement], indent=4).lines == lines
