"""Flat statements in, the lines of `ruff format` out."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cnngen.python.layout import layout

# Each pair: a statement in one-line spacing, and what it becomes four columns in.
TABLE = [
    # What fits stays; a comment counts.
    ("x = self.stem(x)  # 64 x 56 x 56", "x = self.stem(x)  # 64 x 56 x 56"),
    ('x = f("# (", a)', 'x = f("# (", a)'),
    ("x = (6,)", "x = (6,)"),
    (
        "x = layers.GlobalAveragePooling2D(name=name)(x)  # one vector of 2048 "
        "values for each image of the batch",
        """\
# one vector of 2048 values for each image of the batch
x = layers.GlobalAveragePooling2D(name=name)(x)""",
    ),
    # A magic trailing comma explodes its brackets, and those around them.
    (
        "self.stem = nn.Sequential(nn.Conv2d(3, 64, kernel_size=7), nn.ReLU(),)  # 64 x 112 x 112",
        """\
self.stem = nn.Sequential(
    nn.Conv2d(3, 64, kernel_size=7),
    nn.ReLU(),
)  # 64 x 112 x 112""",
    ),
    (
        "x = f(a, [b, c,])",
        """\
x = f(
    a,
    [
        b,
        c,
    ],
)""",
    ),
    (
        "def f(stages: tuple[int, ...] = (6, 12), growth: int = 32,) -> None:",
        """\
def f(
    stages: tuple[int, ...] = (6, 12),
    growth: int = 32,
) -> None:""",
    ),
    # Arguments and parameters first try one indented line; displays do not.
    (
        "return layers.Conv2D(filters, kernel, stride, padding, "
        "use_bias=False, kernel_initializer=he, name=name)",
        """\
return layers.Conv2D(
    filters, kernel, stride, padding, use_bias=False, kernel_initializer=he, name=name
)""",
    ),
    (
        "def conv(filters: int, kernel: int, stride: int = 1, padding: str = "
        '"valid", *, name: str) -> layers.Conv2D:',
        """\
def conv(
    filters: int, kernel: int, stride: int = 1, padding: str = "valid", *, name: str
) -> layers.Conv2D:""",
    ),
    (
        "def conv(a_parameter_with_a_long_name: tuple[int | None, int | None, "
        "int]) -> tuple[int, int, int, int]:",
        """\
def conv(
    a_parameter_with_a_long_name: tuple[int | None, int | None, int],
) -> tuple[int, int, int, int]:""",
    ),
    (
        "branches = [self.first_branch(x), self.second_branch(x), "
        "self.third_branch(x), self.fourth_branch(x)]",
        """\
branches = [
    self.first_branch(x),
    self.second_branch(x),
    self.third_branch(x),
    self.fourth_branch(x),
]""",
    ),
    # Of two calls the last one breaks.
    (
        "x = layers.Conv2D(filters, kernel, use_bias=False, "
        'name=f"{name}_conv")(layers.Activation("relu")(x))',
        """\
x = layers.Conv2D(filters, kernel, use_bias=False, name=f"{name}_conv")(
    layers.Activation("relu")(x)
)""",
    ),
    # Operators break in parentheses, unless brackets at an end can break instead.
    (
        "if stride != 1 or in_channels != 4 * width or projection is not None "
        "or some_other_condition_holds:",
        """\
if (
    stride != 1
    or in_channels != 4 * width
    or projection is not None
    or some_other_condition_holds
):""",
    ),
    (
        "shortcut = projection_of_the_input(x) if stride != 1 or in_channels "
        "!= 4 * width else identity(x)",
        """\
shortcut = (
    projection_of_the_input(x) if stride != 1 or in_channels != 4 * width else identity(x)
)""",
    ),
    (
        "return self.main(x) + self.shortcut_with_a_long_name(x, "
        "another_argument, and_one_more, stride=2)",
        """\
return self.main(x) + self.shortcut_with_a_long_name(
    x, another_argument, and_one_more, stride=2
)""",
    ),
    (
        "for i, (depth, width) in enumerate(zip(the_depths_of_the_stages, "
        "the_widths_of_the_stages, strict=True)):",
        """\
for i, (depth, width) in enumerate(
    zip(the_depths_of_the_stages, the_widths_of_the_stages, strict=True)
):""",
    ),
    # The last of the parameters may take all other arguments.
    (
        "def initialized(layer: nn.Module, draw: Callable[..., object], *, "
        "named: bool, **arguments: float | str) -> nn.Module:",
        """\
def initialized(
    layer: nn.Module, draw: Callable[..., object], *, named: bool, **arguments: float | str
) -> nn.Module:""",
    ),
    # Parentheses stay where they are, even needless ones.
    ("x = f(1 - (rates[-1]), (a),)", "x = f(\n    1 - (rates[-1]),\n    (a),\n)"),
    ("def f(é: int,):", "def f(\n    é: int,\n):"),
    # What cannot be read stays.
    ("x = f(a,) +", "x = f(a,) +"),
]


@pytest.mark.parametrize(("statement", "expected"), TABLE, ids=[pair[0][:40] for pair in TABLE])
def test_table(statement: str, expected: str) -> None:
    assert layout(statement, indent=4) == [f"    {line}" for line in expected.splitlines()]


def test_deep_nesting_takes_no_exponential_time() -> None:
    lines = layout(f"x = {'f(' * 50}{'y' * 80}{')' * 50}")
    assert "".join(line.strip() for line in lines) == f"x = {'f(' * 50}{'y' * 80}{')' * 50}"


# Statements of the grammar that the templates use ------------------------------------------------

names = st.sampled_from(["x", "i", "nn", "width", "channels", "in_channels", "a_rather_long_name"])
strings = st.sampled_from(
    ['"same"', 'f"{name}_conv_0"', "'a \"quoted\" (word, '", '"# [not a comment"']
)
constants = st.sampled_from(["0", "1", "-1", "1e-5", "None", "False", "2048"])
attributes = st.sampled_from([".relu", ".conv", ".shape", ".BatchNormalization"])
types = st.sampled_from(
    ["int", "Tensor", "tuple[int, ...]", "int | tuple[int, int]", "keras.Model"]
)
operators = st.sampled_from(
    [" + ", " - ", " * ", " // ", " == ", " != ", " and ", " or ", " not in "]
)


def between(left: str, items: list[str], right: str, *, magic: bool = False) -> str:
    return left + ", ".join(items) + ("," if magic and items else "") + right


def rarely() -> st.SearchStrategy[bool]:
    return st.sampled_from([False] * 9 + [True])


def compounds(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    keywords = st.tuples(st.sampled_from(["kernel_size=", "stride=", "name="]), inner)
    arguments = st.builds(
        lambda plain, named, magic: between(
            "(", plain + [key + value for key, value in dict(named).items()], ")", magic=magic
        ),
        st.lists(inner, max_size=4),
        st.lists(keywords, max_size=3),
        rarely(),
    )
    subscripts = st.sampled_from(["[0]", "[-1]", "[1:]", "[i, 1]"])
    # Only one attribute of what has brackets: several are a chain that ruff breaks at its dots.
    dotted = st.builds("{}{}".format, names, st.lists(attributes, max_size=2).map("".join))
    trailers = st.lists(st.one_of(arguments, arguments, subscripts), max_size=2).map("".join)
    chains = st.builds("{}{}".format, dotted, trailers)
    chains |= st.builds("{}{}{}".format, chains, attributes, arguments)
    several = st.lists(inner, min_size=2, max_size=4)
    displays = st.one_of(
        st.builds(lambda items, magic: between("[", items, "]", magic=magic), several, rarely()),
        st.builds(lambda items, magic: between("(", items, ")", magic=magic), several, rarely()),
        st.builds(lambda item: f"({item},)", inner),
        st.builds(lambda key, value: f"{{{key}: {value}, **x}}", strings, inner),
        st.builds(lambda item, source: f"[{item} for i in {source}]", inner, chains),
    )
    operands = st.one_of(chains, chains, displays, constants)
    operations = st.builds(
        lambda first, rest: f"{first}{''.join(a + b for a, b in rest)}",
        operands,
        st.lists(st.tuples(operators, operands), min_size=1, max_size=3),
    )
    conditions = st.builds(lambda a, b, c: f"{a} if not {b} else {c}", chains, chains, operations)
    grouped = st.builds(lambda a, b: f"({a}) * {b}", operations, chains)
    return st.one_of(chains, chains, chains, displays, operations, conditions, grouped)


leaves = st.one_of(names, strings, constants)
values = compounds(compounds(leaves) | leaves)
parameters = st.lists(st.tuples(types, st.none() | constants), max_size=5).map(
    lambda items: [
        f"parameter_{n}: {kind}" + (f" = {default}" if default else "")
        for n, (kind, default) in enumerate(sorted(items, key=lambda item: item[1] is not None))
    ]
)
statements = st.one_of(
    st.builds("x = {}".format, values),
    st.builds("self.{} = {}".format, names, values),
    st.builds("{}, x = {}, {}".format, names, values, values),
    st.builds("channels += {}".format, values),
    st.builds("return {}".format, values),
    st.builds("self.append({})".format, values),
    st.builds("if {}:".format, values),
    st.builds("for i, x in {}:".format, values),
    st.builds(
        lambda items, magic, kind: between("def forward(", items, f") -> {kind}:", magic=magic),
        parameters,
        rarely(),
        types,
    ),
)


def in_function(lines: list[str]) -> str:
    body = "\n".join([*lines, "        pass"] if lines[-1].endswith(":") else lines)
    return f"def function():\n{body}\n"


def find_ruff() -> str | None:
    beside = Path(sys.executable).with_name("ruff")
    return shutil.which("ruff") or (str(beside) if beside.exists() else None)


@pytest.mark.skipif(find_ruff() is None, reason="ruff is not installed")
@settings(
    max_examples=8,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(st.lists(statements, min_size=25, max_size=40))
def test_ruff_leaves_the_lines_alone(batch: list[str]) -> None:
    blocks: list[str] = []
    for statement in batch:
        block = in_function(layout(statement, indent=4))
        flat = in_function([f"    {statement}"])
        assert ast.dump(ast.parse(block)) == ast.dump(ast.parse(flat)), statement
        blocks.append(block)
    source = "\n\n".join(blocks)
    command = [find_ruff() or "ruff", "format", "--isolated", "--line-length", "100"]
    done = subprocess.run(
        [*command, "--target-version", "py311", "-"],
        input=source,
        capture_output=True,
        text=True,
        check=True,
    )
    # A nested `def` gets blank lines, which are no concern of a statement's lines.
    printed = [line for line in done.stdout.splitlines() if line]
    assert printed == [line for line in source.splitlines() if line]
