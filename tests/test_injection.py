"""Texts and names of a spec cannot become code, nor deceive who reads the generated file."""

import ast
import io
import tokenize
from pathlib import Path

import pytest
from support.untrusted_specs import HEAD, check, codes

from cnngen.diagnostics.text import render_text
from cnngen.targets.registry import find_target

TEXTS = [
    "it stops. It has layers.Dense and ops.relu",  # which imports nothing
    '"""\nimport os\n"""',
    "'''; raise SystemExit; '''",
    'ends with a quote"',
    "ends with a backslash\\",
    '\\"\\"\\" \\N{BULLET} \\x41 \\u0041 \\',
    '"' * 7,
    "a\n    b = 1\n\nc",
    "a\r\nb\tc",
    "{{ 7 * 7 }} {% for i in [] %} {# comment #} {%- raw %}",
    "${x} {0} {name} %s %(name)s f'{x}'",
    "# noqa  # type: ignore  # fmt: off",
    "soft\xadhyphen\u200dzero\u2060width \U000e0041",
    "\N{SNOWMAN} \N{CJK UNIFIED IDEOGRAPH-4E2D} \N{COMBINING ACUTE ACCENT}\u0301",
    "x" * 400,
]
SPEC = """\
cnngen: 1
name: Net
about: {text}
paper: {{title: {text}, authors: {text}, year: {text}, url: {text}}}
params:
  classes: 10 # {line}
input: {{channels: 3, height: 32, width: 32}}
blocks:
  Block:
    about: {text}
    params:
      out: int # {line}
    body:
      branches: {{left: {{conv: {{out: out, kernel: 1}}}}, right: identity}}
      join: concat
model:
  stem: {{Block: {{out: 8}}}}
  head: [global_avg_pool, flatten, {{linear: {{out: classes}}}}]
"""


def quoted(text: str) -> str:
    """A text in YAML's double quotes."""
    return '"' + "".join(c if c.isalnum() else f"\\U{ord(c):08x}" for c in text) + '"'


def spec_with(text: str) -> str:
    line = "".join(c if c.isprintable() else " " for c in text)
    return SPEC.format(text=quoted(text), line=line)


def bare(source: str) -> str:
    """A module without its docstrings, as its tree."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(
            node
        ):
            node.body = node.body[1:]
    return ast.dump(tree)


def comments(source: str) -> list[str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return [token.string for token in tokens if token.type == tokenize.COMMENT]


@pytest.mark.parametrize("target", ["torch", "keras"])
@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_texts_get_into_docstrings_only(text: str, target: str, tmp_path: Path):
    render = find_target(target).render
    sources: list[str] = []
    for about in ("innocent", text):
        network, report = check(spec_with(about), tmp_path)
        assert network, render_text(list(report))
        sources.append(render(network))
    innocent, hostile = sources
    assert bare(hostile) == bare(innocent)
    assert comments(hostile) == comments(innocent)
    assert all(c == "\n" or c.isprintable() for c in hostile), "nothing is hidden from a reader"
    assert "49" not in hostile


def test_templates_see_braces_as_text(tmp_path: Path):
    network, _ = check(spec_with("{{ 7 * 7 }}"), tmp_path)
    assert network
    for target in ("torch", "keras"):
        assert "{{ 7 * 7 }}" in find_target(target).render(network)


@pytest.mark.parametrize(
    "character", "\0\x07\x0b\x1b\x1c\x7f\x85\u061c\u200e\u2028\u2029\u202e\u2066\ufeff\ufffe\ud800"
)
@pytest.mark.parametrize("escaped", [True, False])
def test_hidden_characters_are_refused(character: str, escaped: bool, tmp_path: Path):
    given = f'"\\u{ord(character):04x}"' if escaped else f"a{character}b"
    found = codes(HEAD.replace("A.", given) + "model: {stem: relu}\n", tmp_path)
    assert found <= {"yaml-syntax", "unreadable"} and found


@pytest.mark.parametrize(
    "name",
    [
        "a-b",
        "a b",
        "a.b",
        "a'",
        "a;b",
        "__class__",
        "é",
        "\N{KELVIN SIGN}",
        "a\\nb",
        "9a",
        "a" * 41,
        "",
    ],
)
@pytest.mark.parametrize(
    "place",
    [
        "params: {{{name}: 1}}\nmodel: {{stem: relu}}\n",
        "model: {{{name}: relu}}\n",
        "model: {{stem: [{{relu: , name: {name}}}]}}\n",
        "model: {{stem: {{branches: {{{name}: relu, other: relu}}, join: add}}}}\n",
        "model: {{stem: {{each: {{{name}: [1]}}, do: relu}}}}\n",
        "model: {{stem: relu}}\noutputs: {{{name}: stem}}\n",
        "blocks: {{{name}: {{about: B., body: relu}}}}\nmodel: {{stem: relu}}\n",
        "model: {{stem: {name}}}\n",
        "model: {{stem: relu, head: {{from: {name}, relu: }}}}\n",
        "model: {{stem: {{conv: {{{name}: 1}}}}}}\n",
    ],
)
def test_what_is_no_name_is_refused(name: str, place: str, tmp_path: Path):
    assert check(HEAD + place.format(name=f'"{name}"'), tmp_path)[1].failed


@pytest.mark.parametrize(
    "expression",
    [
        "__import__('os')",
        "().__class__",
        "open",
        "lambda: 1",
        "print(1)",
        "a := 1",
        "f'{1}'",
        "1; 2",
        "{1}",
        "`id`",
        "yield",
        "exec(1)",
        "1 if 1",
        "\\u0031",
    ],
)
def test_what_is_no_arithmetic_is_refused(expression: str, tmp_path: Path):
    value = "'" + expression.replace("'", "''") + "'"
    found = codes(f"{HEAD}model: {{stem: {{conv: {{out: {value}, kernel: 1}}}}}}\n", tmp_path)
    assert found & {"bad-expression", "unknown-name"}
