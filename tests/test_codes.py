"""Codes: templates see them as text, and the nodes behind them reach the printer."""

from pathlib import Path

import pytest

from cnngen.python.construct import suffixed
from cnngen.python.flat import flat
from cnngen.python.nodes import Binary, Call, Keyword, Name, Node, Number, String, Verbatim
from cnngen.python.verbatim import read
from cnngen.targets.code import Code, call, elements, operand, product, slice_of, times
from cnngen.targets.spelling import Speller

X: Node = Call(Name("stem"), (Name("x"),), origin="the stem")
NAME: Node = String((Name("name"), "_conv"))


def spelled(template: str, folder: Path, **context: object) -> Code:
    """What a template of a user gives."""
    (folder / "torch" / "ops").mkdir(parents=True, exist_ok=True)
    (folder / "torch" / "ops" / "mine.jinja").write_text(template, encoding="utf-8")
    return Speller("torch", [folder]).spell("mine", context)


LAYER = Call(Name("Layer"), (Name("width"), Keyword("name", NAME)))


@pytest.mark.parametrize(
    ("template", "text", "node"),
    [
        ("{{ x }}", "stem(x)", X),
        ("{# a comment #}\n  {{ x }}\n", "stem(x)", X),
        ("{% set y = x %}{{ y | trim }}", "stem(x)", X),
        ('{{ call("Layer", width, name=name)(x) }}', None, Call(LAYER, (X,))),
        ('{% set y %}{{ call("Layer", width, name=name) }}{% endset %}{{ y }}', None, LAYER),
        (
            '{% macro made(n) %}{{ call("Layer", n, name=name) }}{% endmacro %}{{ made(width) }}',
            None,
            LAYER,
        ),
        ("Layer({{ width }}, name={{ name }})", None, LAYER),
        ("{{ [x, x] | join(' + ') }}", "stem(x) + stem(x)", Binary("+", X, X)),
        ("{{ x }}\n  + 1", "stem(x) + 1", Binary("+", X, Number("1"))),
        ("(  {{ x }})", "(  stem(x))", Verbatim(("(  ", X, ")"))),
        ("{{ 'one' if width.isdigit() else 'name' }}", "name", Name("name")),
        ("{{ 'same' if width == 'width' else 'other' }}", "same", Name("same")),
        ("{{ '-' ~ operand(width) }}", "-width", None),
    ],
)
def test_nodes_come_through_templates(
    template: str, text: str | None, node: Node | None, tmp_path: Path
) -> None:
    context = {"x": Code(X), "width": Code(Name("width")), "name": Code(NAME)}
    code = spelled(template, tmp_path, **context)
    assert code == text if text else True
    assert code.node == node if node else True


def test_origins_come_through_templates(tmp_path: Path) -> None:
    code = spelled('{{ call("Layer")(x) }}', tmp_path, x=Code(X))
    match code.node:
        case Call(_, (Call(origin=origin),)):
            assert origin == "the stem"
        case _:
            raise AssertionError(code.node)


def test_text_and_codes_give_the_same() -> None:
    total = Binary("-", Name("depth"), Number("1"))
    for code in ("depth - 1", Code(total)):
        assert operand(code) == "(depth - 1)"
        assert product("width", code) == "width * (depth - 1)"
        assert product("1", code) == "depth - 1"
        assert times(2, code) == "2 * (depth - 1)"
        assert slice_of("0", code) == ": depth - 1"
        assert call("f", code, x=code, y="") == "f(depth - 1, x=depth - 1)"
    assert times(3, "0.1") == "0.3"
    assert elements("(0, f(a, b), (1,))") == ["0", "f(a, b)", "(1,)"]
    assert flat(suffixed(read('f"{name}_0"'), "_pad")) == 'f"{name}_0_pad"'
    assert flat(suffixed(read('"stem_0"'), "_pad")) == '"stem_0_pad"'
    assert flat(suffixed(Name("name"), "_pad")) == 'f"{name}_pad"'
