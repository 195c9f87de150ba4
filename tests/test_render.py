"""How diagnostics are printed: exact texts, and what holds for any source and span."""

import json
import unicodedata
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnngen.diagnostics.codes import CODES
from cnngen.diagnostics.machine import RENDERERS, render_github, render_json, render_sarif
from cnngen.diagnostics.model import Diagnostic, Label
from cnngen.diagnostics.text import SCREEN, render_concise, render_text
from cnngen.source import Source, Span

BLOCK = Source(
    "specs/resnet.yaml",
    dedent("""\
        blocks:
          Bottleneck:
            body:
              branches:
                main:
                  - conv: {out: width, kernel: 1}
                  - batch_norm
                  - relu
                shortcut: identity
              join: add
        """),
)
BASE = Source("specs/base.yaml", "params:\n  width: 64\n")


def at(text: str, source: Source = BLOCK) -> Span:
    start = source.text.index(text)
    return Span(source, start, start + len(text))


def found(
    primary: Label,
    *secondary: Label,
    code: str = "shape-mismatch",
    message: str = "it is wrong",
    notes: tuple[str, ...] = (),
    help: str | None = None,
) -> Diagnostic:
    return Diagnostic(code, message, primary, secondary, notes, help)


def shown(*diagnostics: Diagnostic) -> str:
    return "\n" + render_text(diagnostics)


def expected(text: str) -> str:
    return dedent(text)


def test_distant_lines_notes_and_help():
    diagnostic = found(
        Label(at("add"), "`add` needs equal shapes"),
        Label(at("main"), "256 x 56 x 56"),
        Label(at("shortcut"), "64 x 56 x 56"),
        message="the branches of `add` have different shapes",
        notes=("in Bottleneck(width: 64), from stage1 (line 50)",),
        help="project the shortcut:\n  conv: {out: 256, kernel: 1}",
    )
    assert shown(diagnostic) == expected("""
        error[shape-mismatch]: the branches of `add` have different shapes
          --> specs/resnet.yaml:10:13
           |
         5 |         main:
           |         ---- 256 x 56 x 56
        ...
         9 |         shortcut: identity
           |         -------- 64 x 56 x 56
        10 |       join: add
           |             ^^^ `add` needs equal shapes
           |
           = note: in Bottleneck(width: 64), from stage1 (line 50)
           = help: project the shortcut:
                     conv: {out: 256, kernel: 1}
        """)


def test_a_single_line_between_two_is_shown():
    diagnostic = found(Label(at("relu"), "here"), Label(at("conv"), "there"))
    assert shown(diagnostic) == expected("""
        error[shape-mismatch]: it is wrong
         --> specs/resnet.yaml:8:13
          |
        6 |           - conv: {out: width, kernel: 1}
          |             ---- there
        7 |           - batch_norm
        8 |           - relu
          |             ^^^^ here
        """)


def test_labels_of_one_line_hang_below_each_other():
    diagnostic = found(
        Label(at("kernel"), "the kernel"),
        Label(at("out"), "the output"),
        Label(at("conv"), "the op"),
    )
    assert shown(diagnostic) == expected("""
        error[shape-mismatch]: it is wrong
         --> specs/resnet.yaml:6:32
          |
        6 |           - conv: {out: width, kernel: 1}
          |             ----   ---         ^^^^^^ the kernel
          |             |      |
          |             |      the output
          |             the op
        """)


def test_nested_and_equal_spans():
    diagnostic = found(
        Label(at("out"), "inner"),
        Label(at("out: width"), "outer"),
        Label(at("out"), "again"),
        Label(at("kernel")),
    )
    assert shown(diagnostic) == expected("""
        error[shape-mismatch]: it is wrong
         --> specs/resnet.yaml:6:20
          |
        6 |           - conv: {out: width, kernel: 1}
          |                    ^^^-------  ------
          |                    |
          |                    inner
          |                    outer
          |                    again
        """)


def test_a_span_of_several_lines_is_underlined_to_the_end_of_its_first():
    diagnostic = found(Label(at("branches:\n        main:"), "all this"), code="unused-block")
    assert shown(diagnostic) == expected("""
        warning[unused-block]: it is wrong
         --> specs/resnet.yaml:4:7
          |
        4 |       branches:
          |       ^^^^^^^^^ all this
        """)


def test_another_file_has_its_own_section():
    diagnostic = found(
        Label(at("width"), "used here"),
        Label(at("width", BASE), "defined here"),
        Label(at("relu")),
        code="fixed-parameter",
        help="rename it",
    )
    assert shown(diagnostic) == expected("""
        note[fixed-parameter]: it is wrong
         --> specs/resnet.yaml:6:25
          |
        6 |           - conv: {out: width, kernel: 1}
          |                         ^^^^^ used here
        7 |           - batch_norm
        8 |           - relu
          |             ----
          |
         ::: specs/base.yaml:2:3
          |
        2 |   width: 64
          |   ----- defined here
          |
          = help: rename it
        """)


def test_places_without_text():
    empty = Source("empty.yaml", "")
    assert shown(found(Label(Span(empty, 0, 0)), help="write one")) == expected("""
        error[shape-mismatch]: it is wrong
         --> empty.yaml:1:1
          |
          = help: write one
        """)
    end = len(BASE.text)
    assert shown(found(Label(Span(BASE, end, end), "it ends here"))) == expected("""
        error[shape-mismatch]: it is wrong
         --> specs/base.yaml:3:1
          |
        3 |
          | ^ it ends here
        """)


def test_tabs_and_wide_characters_keep_the_columns():
    source = Source("a.yaml", "\t網絡: e\u0301x\r\n")
    assert shown(found(Label(at("x", source), "wrong"))) == expected("""
        error[shape-mismatch]: it is wrong
         --> a.yaml:1:8
          |
        1 |     網絡: e\u0301x
          |            ^ wrong
        """)


def test_a_long_line_is_shown_around_the_span():
    source = Source("a.yaml", "x" * 120 + "HERE" + "y" * 120)
    row, carets = render_text([found(Label(at("HERE", source), "wrong"))]).splitlines()[3:5]
    assert len(row) <= SCREEN
    assert row.startswith("1 | ...xxx") and row.endswith("yyy...")
    assert row.index("HERE") == carets.index("^^^^ wrong")


def test_labels_that_are_cut_off_point_at_the_cut():
    source = Source("a.yaml", "LEFT" + " x" * 100 + "HERE" + " y" * 100 + "RIGHT")
    labels = [Label(at(word, source), word.lower()) for word in ("HERE", "LEFT", "RIGHT")]
    row, carets, _, middle, left = render_text([found(*labels)]).splitlines()[3:8]
    assert carets.index("- right") == row.rindex("...")
    assert middle.index("here") == row.index("HERE") == carets.index("^^^^")
    assert left.index("left") == row.index("...") == carets.index("-")


def test_a_line_of_a_megabyte_is_no_burden():
    source = Source("a.yaml", "\u0301" * 1_000_000)
    assert len(render_text([found(Label(Span(source, 500_000, 500_001)))] * 20)) < 20_000


def test_the_limit_counts_errors_and_the_rest_apart():
    error, warning = found(Label(at("add"))), found(Label(at("relu")), code="unused-block")
    text = render_text([*[warning] * 5, *[error] * 4], limit=3)
    assert text.count("error[") == 3
    assert text.count("warning[") == 3
    assert text.endswith("\n\n... and 3 more\n")
    assert render_concise([error] * 4, limit=3).splitlines()[3:] == ["... and 1 more"]
    assert "more" not in render_text([error] * 3, limit=3)


def test_concise():
    diagnostic = found(Label(at("add"), "`add` needs equal shapes"), Label(at("main"), "there"))
    line = "specs/resnet.yaml:10:13: error[shape-mismatch] it is wrong: `add` needs equal shapes\n"
    assert render_concise([diagnostic]) == line
    bare = found(Label(at("add")), code="unused-block")
    assert render_concise([bare]) == "specs/resnet.yaml:10:13: warning[unused-block] it is wrong\n"


@pytest.mark.parametrize("render", [render_text, render_concise])
def test_color_changes_nothing_else(render):
    diagnostic = found(Label(at("kernel"), "a"), Label(at("out"), "b"), notes=("c",), help="d")
    colored = render([diagnostic], color=True)
    assert "\x1b[1;31m" in colored
    plain = "".join(part.partition("m")[2] for part in f"m{colored}".split("\x1b["))
    assert plain == render([diagnostic])


HOSTILE = "\x1b[31m\x07\x9b\u202e\u2028\u200b\x7f\ud800\r\n::error::%"


@pytest.mark.parametrize("name", RENDERERS)
def test_nothing_untrusted_reaches_the_terminal(name: str):
    source = Source(f"{HOSTILE}.yaml", f"{HOSTILE}: x\n")
    label = Label(Span(source, 0, 5), HOSTILE)
    text = RENDERERS[name]([found(label, label, message=HOSTILE, notes=(HOSTILE,), help=HOSTILE)])
    kinds = {unicodedata.category(c) for c in text.replace("\n", "")}
    assert not kinds & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert sum(line.startswith("::") for line in text.splitlines()) == (name == "github")


# --- For any source and span

CHARACTERS = st.sampled_from(
    "ab:{ \t\r\n\u00e9\u0301\u4e2d\uff21\U0001f600\x1b\x00\u202e\u0007\ufeff"
)
TEXTS = st.text(CHARACTERS | st.integers(0, 0x10FFFF).map(chr), max_size=60)


@st.composite
def spans(draw: st.DrawFn, texts: st.SearchStrategy[str] = TEXTS) -> Span:
    text = draw(texts)
    ends = st.integers(0, len(text))
    start, end = sorted((draw(ends), draw(ends)))
    return Span(Source(draw(TEXTS), text), start, end)


@st.composite
def diagnostics(draw: st.DrawFn) -> Diagnostic:
    first = draw(spans())
    ends = st.integers(0, len(first.source.text))
    near = st.tuples(ends, ends).map(lambda e: Span(first.source, min(e), max(e)))
    labels = st.builds(Label, st.one_of(near, spans(st.text(CHARACTERS, max_size=300))), TEXTS)
    return Diagnostic(
        draw(st.sampled_from(list(CODES))),
        draw(TEXTS),
        Label(first, draw(TEXTS)),
        tuple(draw(st.lists(labels, max_size=4))),
        tuple(draw(st.lists(TEXTS, max_size=2))),
        draw(st.none() | TEXTS),
    )


@settings(max_examples=50, deadline=None)
@given(st.lists(diagnostics(), max_size=3))
def test_every_format_takes_everything(found: list[Diagnostic]):
    for render in RENDERERS.values():
        text = render(found, limit=2)
        assert all(c == "\n" or unicodedata.category(c) not in ("Cc", "Cf", "Cs") for c in text)
    assert len(json.loads(render_json(found))) == len(found)
    assert_sarif(json.loads(render_sarif(found)), found)


def cells(row: str) -> list[str]:
    """What stands in each column of the screen; a wide character fills two, marks share one."""
    columns: list[str] = []
    for character in row:
        if unicodedata.category(character) in ("Mn", "Me") and columns:
            columns[-1] += character
        elif unicodedata.east_asian_width(character) in ("W", "F"):
            columns += [character, ""]
        else:
            columns.append(character)
    return columns


WORDS = st.text(CHARACTERS.filter(lambda c: c not in "\r\n\u0301"), max_size=30)


@given(
    before=WORDS,
    after=WORDS,
    lines=st.lists(WORDS, max_size=3),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_carets_stand_under_the_span(before: str, after: str, lines: list[str], end: str):
    source = Source("a.yaml", end.join([*lines, f"{before}<網e\u0301>{after}"]) + end)
    row, carets = render_text([found(Label(at("<網e\u0301>", source), "wrong"))]).splitlines()[3:5]
    start = carets.index("^")
    assert cells(row)[start : start + 5] == ["<", "網", "", "e\u0301", ">"]
    assert carets[start:] == "^^^^^ wrong"


@given(spans(st.text(CHARACTERS.filter(lambda c: c != "\n"), min_size=100, max_size=400)))
def test_long_lines_fit_the_screen(span: Span):
    row, carets = (cells(line) for line in render_text([found(Label(span))]).splitlines()[3:5])
    assert len(row) <= SCREEN
    assert carets.count("^") >= 1 and len(carets) <= max(len(row), SCREEN)


# --- Formats for programs


def test_json():
    diagnostic = found(Label(at("add"), "here"), Label(at("width", BASE)), notes=("n",), help="h")
    assert json.loads(render_json([diagnostic])) == [
        {
            "code": "shape-mismatch",
            "severity": "error",
            "message": "it is wrong",
            "file": "specs/resnet.yaml",
            "range": {"start": {"line": 10, "column": 13}, "end": {"line": 10, "column": 16}},
            "labels": [
                {
                    "file": "specs/resnet.yaml",
                    "range": {
                        "start": {"line": 10, "column": 13},
                        "end": {"line": 10, "column": 16},
                    },
                    "text": "here",
                    "primary": True,
                },
                {
                    "file": "specs/base.yaml",
                    "range": {"start": {"line": 2, "column": 3}, "end": {"line": 2, "column": 8}},
                    "text": "",
                    "primary": False,
                },
            ],
            "notes": ["n"],
            "help": "h",
            "fix": [],
        }
    ]
    assert render_json([]) == "[]\n"


def test_github():
    source = Source("a,b:c%.yaml", "x: 1\ny: 2\n")
    inside = found(Label(at("x", source), "100%"), message="a: b, c", help="one\ntwo")
    across = found(Label(at("1\ny", source)), code="fixed-parameter")
    warning = found(Label(at("2", source)), code="unused-block")
    file = "file=a%2Cb%3Ac%25.yaml"
    assert render_github([inside, across, warning]).splitlines() == [
        f"::error title=cnngen (shape-mismatch),{file},line=1,endLine=1,col=1,endColumn=2"
        "::a: b, c: 100%25%0Ahelp: one%0Atwo",
        f"::notice title=cnngen (fixed-parameter),{file},line=1,endLine=2::it is wrong",
        f"::warning title=cnngen (unused-block),{file},line=2,endLine=2,col=4,endColumn=5"
        "::it is wrong",
    ]


def assert_sarif(log: dict, found: list[Diagnostic]) -> None:
    """What SARIF 2.1.0 requires of the properties that are used."""
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-2.1.0.json")
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"] == "cnngen"
    assert [rule["id"] for rule in driver["rules"]] == list(CODES)
    assert all(rule["shortDescription"]["text"] for rule in driver["rules"])
    assert len(run["results"]) == len(found)
    for result, diagnostic in zip(run["results"], found, strict=True):
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == diagnostic.code
        assert result["level"] in ("error", "warning", "note")
        assert isinstance(result["message"]["text"], str)
        assert len(result["locations"]) == 1
        assert len(result.get("relatedLocations", [])) == len(diagnostic.secondary)
        for location in (*result["locations"], *result.get("relatedLocations", [])):
            physical = location["physicalLocation"]
            uri = physical["artifactLocation"]["uri"]
            assert uri.isascii() and uri.isprintable() and " " not in uri
            region = physical["region"]
            assert min(region.values()) >= 1
            start, end = [(region[f"{x}Line"], region[f"{x}Column"]) for x in ("start", "end")]
            assert start <= end


def test_sarif():
    diagnostic = found(
        Label(at("add"), "here"), Label(at("width", BASE), "there"), notes=("n",), help="h"
    )
    log = json.loads(render_sarif([diagnostic]))
    assert_sarif(log, [diagnostic])
    (result,) = log["runs"][0]["results"]
    assert result["message"]["text"] == "it is wrong: here\nnote: n\nhelp: h"
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "specs/resnet.yaml", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 10, "startColumn": 13, "endLine": 10, "endColumn": 16},
    }
    assert result["relatedLocations"][0]["message"] == {"text": "there"}


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("specs/my net.yaml", "specs/my%20net.yaml"),
        ("a:b#?.yaml", "a%3Ab%23%3F.yaml"),
        ("/srv/é.yaml", "file:///srv/%C3%A9.yaml"),
        ("specs/../x.yaml", "x.yaml"),
        ("../x.yaml", "file:///srv/x.yaml"),
        ("/srv/here/x.yaml", "x.yaml"),
    ],
)
def test_sarif_uris(path: str, uri: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("os.getcwd", lambda: "/srv/here")
    diagnostic = found(Label(Span(Source(path, "x"), 0, 1)))
    (result,) = json.loads(render_sarif([diagnostic]))["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri
