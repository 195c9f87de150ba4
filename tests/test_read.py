"""Reading: text to YAML nodes, with both loaders of PyYAML."""

import time
from collections.abc import Iterator

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cnngen.diagnostics.codes import CODES
from cnngen.diagnostics.model import Diagnostic, Report
from cnngen.source import Source
from cnngen.syntax import builder as reader
from cnngen.syntax.builder import MAX_DEPTH
from cnngen.syntax.read import MAX_SIZE, read
from cnngen.syntax.yaml_nodes import Broken, Mapping, Node, Scalar, Sequence

LOADERS = [yaml.SafeLoader, *([yaml.CSafeLoader] if yaml.__with_libyaml__ else [])]


@pytest.fixture(autouse=True, params=LOADERS, ids=lambda loader: loader.__name__)
def _loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(reader, "LOADER", request.param)
    yield


def found(text: str) -> tuple[Mapping | None, list[Diagnostic]]:
    report = Report()
    return read(Source("net.yaml", text), report), list(report)


def node(text: str) -> Mapping:
    root, diagnostics = found(text)
    assert root and not diagnostics, diagnostics
    return root


def only(text: str) -> Diagnostic:
    _, diagnostics = found(text)
    assert len(diagnostics) == 1, [d.message for d in diagnostics]
    return diagnostics[0]


def plain(node: Node) -> object:
    match node:
        case Scalar():
            return node.text
        case Sequence():
            return [plain(item) for item in node.items]
        case Mapping():
            return {key.text: plain(value) for key, value in node.entries}
        case Broken():
            return ...


def spans(node: Node) -> Iterator[str]:
    yield node.span.original.text
    for child in _children(node):
        yield from spans(child)


def _children(node: Node) -> Iterator[Node]:
    match node:
        case Sequence():
            yield from node.items
        case Mapping():
            for key, value in node.entries:
                yield key
                yield value
        case _:
            pass


def test_nothing_is_typed() -> None:
    text = "a: no\nb: 1e-5\nc: 010\nd: [~, null, 2001-01-01, 3:30]\n'yes': \"true\"\nf:\n"
    assert plain(node(text)) == {
        "a": "no",
        "b": "1e-5",
        "c": "010",
        "d": ["~", "null", "2001-01-01", "3:30"],
        "yes": "true",
        "f": "",
    }


def test_quotes_are_told_apart() -> None:
    values = [value for _, value in node("a: x\nb: 'x'\nc: \"x\"\nd: |\n  x\n").entries]
    assert [isinstance(v, Scalar) and v.plain for v in values] == [True, False, False, False]


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_spans_are_exact(mark: str, end: str) -> None:
    lines = ["# ü 😀", "é: 😀a  # b", "list:", "  - x", "  - {k: [1, 2] }", "", "last: 'q ü'", ""]
    assert list(spans(node(mark + end.join(lines))))[1:] == [
        *("é", "😀a", "list"),
        end.join(["- x", "  - {k: [1, 2] }"]),
        *("x", "{k: [1, 2] }", "k", "[1, 2]", "1", "2", "last", "'q ü'"),
    ]


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("a:\n  b: 1\n\n# comment\nc: 2\n", "b: 1"),
        ("a:\n  b: 1  # comment\n", "b: 1"),
        ("a:\n- x\n- y\n\nc: 2\n", "- x\n- y"),
        ("a: {b: 1, # comment\n }\nc: 2", "{b: 1, # comment\n }"),
        ("a: [b: 1 ]\n", "[b: 1 ]"),
        ("a: |\n  one\n  two\n\nc: 2\n", "|\n  one\n  two"),
    ],
)
def test_a_collection_ends_with_its_last_child(text: str, span: str) -> None:
    assert node(text).entries[0][1].span.text == span


@pytest.mark.parametrize(
    ("text", "code", "span", "help"),
    [
        ("a: &x 1", "unsupported-yaml", "&x", "a parameter, a block"),
        ("a: *growth", "unsupported-yaml", "*growth", "`n * growth`"),
        ("a: {out: *growth }", "unsupported-yaml", "*growth", "`n * growth`"),
        ("a: *growth * 2", "unsupported-yaml", "*growth", "`n * growth`"),
        ("a: !training", "unsupported-yaml", "!training", "`not training`"),
        ("a: !!int 3", "unsupported-yaml", "!!int", "values tell their types"),
        ("a: !t!x 3", "unsupported-yaml", "!", "`not`"),
        ("<<: {a: 1}", "unsupported-yaml", "<<", "a block"),
        ("a: 1\n---\nb: 2", "unsupported-yaml", "---", "a file of its own"),
        ("[a]: 1", "unsupported-yaml", "[a]", "single word"),
        ("a: {{x}}", "unsupported-yaml", "{x}", "no braces"),
        ("a: 1\nb: 2\na: 3", "duplicate-key", "a", "remove or rename"),
        ("a: {out: min(a, b), kernel: 3}", "unbalanced-expression", "min(a, b)", '"min(a, b)"'),
        ("a: {o: 2 *\n max(b, 3)}", "unbalanced-expression", "2 *\n max(b, 3)", '"2 * max(b, 3)"'),
        ("a: [f(1, g(2, 3)), 4]", "unbalanced-expression", "f(1, g(2, 3))", '"f(1, g(2, 3))"'),
        ("a: {out: widths[0]}", "unbalanced-expression", "widths[0]", '"widths[0]"'),
        ("a: {o: sum([1, 2]), k: 1}", "unbalanced-expression", "sum([1, 2])", '"sum([1, 2])"'),
        ("a: [1, 2] * 2  # x", "unbalanced-expression", "[1, 2] * 2", '"[1, 2] * 2"'),
        ("a: * 2", "yaml-syntax", "*", "`n * growth`"),
        ("a:\n\tb: 1", "yaml-syntax", "\t", "spaces"),
        ("about: Net: deep", "yaml-syntax", ":", '"Net: deep"'),
        ("a: > 1", "yaml-syntax", ">", "`stride > 1`"),
        ("a: >= 1", "yaml-syntax", ">", "`stride > 1`"),
        ("a: 'b", "yaml-syntax", "'", "put `'` behind"),
        ('a: "\\q"', "yaml-syntax", "\\", "single quotes"),
        ("a: {b: 1", "yaml-syntax", "{", "add a `}`"),
        ("a: {b: 1\nc: 2", "yaml-syntax", "{", "add a `}`"),
        ("a: {b: 1 c: 2}", "yaml-syntax", ":", "comma"),
        ("a: {b: 1}}", "yaml-syntax", "}", "remove it"),
        ("a: @b", "yaml-syntax", "@", '"@b"'),
        ("a: - b", "yaml-syntax", "-", "next line"),
        ("a: 1\n  b: 2", "yaml-syntax", ":", "alike"),
        ("a:\n    b: 1\n  c: 2", "yaml-syntax", "c", "alike"),
        (": b", "yaml-syntax", ":", "`key: value`"),
        ("%YAML 3.0\n---\na: 1", "yaml-syntax", "%", "remove"),
        ("a: b\x07", "yaml-syntax", "\x07", "remove"),
        ("a: b\u202e", "yaml-syntax", "\u202e", "remove"),
        ("a: b\rc: d", "yaml-syntax", "\r", "remove"),
        ('a: "\\u202e"', "yaml-syntax", '"\\u202e"', "remove"),
        ("", "wrong-kind", "", "cnngen: 1"),
        ("- a", "wrong-kind", "- a", "cnngen: 1"),
        ("a:1", "wrong-kind", "a:1", "space"),
    ],
)
def test_one_mistake_one_message(text: str, code: str, span: str, help: str) -> None:
    diagnostic = only(text)
    assert (diagnostic.code, diagnostic.primary.span.text) == (code, span)
    assert diagnostic.help and help in diagnostic.help
    assert diagnostic.message[0] == diagnostic.message[0].lower() and diagnostic.message[-1] != "."


def test_both_places_of_a_duplicate_key_are_shown() -> None:
    diagnostic = only("a: 1\nb: {c: 1, c: 2}")
    assert diagnostic.primary.span.start == 15
    assert [label.span.start for label in diagnostic.secondary] == [9]


def test_independent_mistakes_are_all_found() -> None:
    root, diagnostics = found("a: *x\nb: {c: 1, c: 2, d: f(1, 2)}\ne: !t 1\nf: ok\n")
    assert [d.code for d in diagnostics] == [
        *("unsupported-yaml", "duplicate-key", "unbalanced-expression", "unsupported-yaml")
    ]
    assert root and plain(root) == {"a": ..., "b": {"c": ..., "d": "f(1, 2)"}, "e": ..., "f": "ok"}


def test_parentheses_in_a_title_are_no_expression() -> None:
    assert plain(node("a: {title: Nets (deep), year: (2015}")) == {
        "a": {"title": "Nets (deep)", "year": "(2015"}
    }


DEEP = MAX_DEPTH + 1
BOMB = "a: &a [x, x]\n" + "".join(
    f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdef", "bcdefg", strict=True)
)


@pytest.mark.parametrize(
    "text",
    [
        "a: " + "[" * DEEP,
        "a: " + "[" * 100_000,
        "a: " + "{x: " * 100_000,
        "- " * 100_000,
        "? " * 100_000,
        "".join(" " * i + "a:\n" for i in range(DEEP)),
        "a: " + "x" * MAX_SIZE,
        "a: [" + "f(1,2)," * 10_000 + "]",
        "a: [" + "(," * 10_000 + "*x]",
        "a: " + '"' * 100_001,
        "[" * 900 + "]" * 900 + ": x\n",
        "&a " * 50_000,
        "!a " * 50_000,
        BOMB,
    ],
    ids=range(14),
)
def test_hostile_files_end_quickly(text: str) -> None:
    start = time.perf_counter()
    _, diagnostics = found(text)
    assert diagnostics
    assert time.perf_counter() - start < 30


def test_the_number_of_values_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_NODES", 10)
    node("a: [1, 2, 3, 4, 5, 6, 7]")
    assert only("a: [1, 2, 3, 4, 5, 6, 7, 8]").code == "too-large"


def test_the_deepest_nesting_is_read() -> None:
    levels = MAX_DEPTH - 1
    node("a: " + "[" * levels + "]" * levels)
    assert only("a: " + "[" * (levels + 1) + "]" * (levels + 1)).code == "too-large"


YAML_PIECES = st.sampled_from(
    [
        *(
            "a",
            "b",
            "out",
            ": ",
            ":",
            "\n",
            "\n  ",
            "\n- ",
            "- ",
            "{",
            "}",
            "[",
            "]",
            ", ",
            ",",
            "? ",
            "# c",
        ),
        *(
            "'",
            '"',
            "&x ",
            "*x",
            "!t ",
            "!!int ",
            "<<",
            "---\n",
            "...\n",
            "|\n  ",
            ">",
            "%",
            "@",
            "`",
            "\\",
        ),
        *(
            "\t",
            "\r\n",
            "\ufeff",
            "é",
            "😀",
            "(",
            ")",
            "1e-5",
            "\x00",
            "\ud800",
            "\u2028",
            "~",
            "null",
            "%YAML 1.",
        ),
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(YAML_PIECES, max_size=40).map("".join) | st.text(max_size=60))
@example('"\\UFFFFFFFF": x')
@example("%YAML 1." + "9" * 5000 + "\n---\na: b")
@example("a: !<" + "%" * 100 + "> b")
@example("a: 'b\n...\n")
def test_any_text_gives_nodes_or_diagnostics(text: str) -> None:
    root, diagnostics = found(text)
    assert root or diagnostics
    for diagnostic in diagnostics:
        assert diagnostic.code in CODES
        for label in (diagnostic.primary, *diagnostic.secondary):
            assert 0 <= label.span.start <= label.span.end <= max(1, len(text))
    if root:
        assert all(span in text for span in spans(root))


@pytest.mark.skipif(len(LOADERS) < 2, reason="needs libyaml")
@settings(max_examples=300, deadline=None)
@given(st.lists(YAML_PIECES, max_size=30).map("".join))
def test_the_loaders_agree(text: str) -> None:
    results: list[list[tuple[object, list[str]]]] = []
    for loader in LOADERS:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(reader, "LOADER", loader)
            root, diagnostics = found(text)
        if root and not diagnostics:
            results.append([(plain(root), [s for s in spans(root) if s])])
    assert len(results) < 2 or results[0] == results[1]
