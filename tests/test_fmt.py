"""`cnngen fmt`: `formatted.md` has pairs of before and after; specs written anew by seed have laws.

`python tests/test_fmt.py --update` writes into the pairs what a spec becomes now.
"""

import re
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
import yaml
from click.testing import CliRunner, Result
from support.damaged_specs import KINDS
from support.documentation_pages import PAGES, blocks
from support.random_formatting import disarranged
from support.random_specs import random_spec

from cnngen.cli import cli
from cnngen.diagnostics.model import Report
from cnngen.formatting.format import format_source
from cnngen.shipped import SPECS
from cnngen.source import Source
from cnngen.syntax import builder as reader

Run = Callable[..., Result]

PAGE = Path(__file__).parent / "formatted.md"
PAIR = re.compile(
    r"^## (?P<title>.+)\n\n(?P<prose>(?:(?!```|#).+\n)+)\n"
    r"```yaml\n(?P<before>(?:.*\n)*?)```\n\n```yaml\n(?P<after>(?:.*\n)*?)```\n",
    re.MULTILINE,
)
PAIRS = list(PAIR.finditer(PAGE.read_text(encoding="utf-8")))
COMMENT = re.compile(r"#\s*\d+ (?:above|behind) \S+")
DOCUMENTED = ("yaml spec", "yaml change", "yaml whole")
LOADERS = [yaml.SafeLoader, *([yaml.CSafeLoader] if yaml.__with_libyaml__ else [])]


def formatted(text: str) -> str:
    report = Report()
    found = format_source(Source("net.yaml", text), report)
    assert found is not None, [diagnostic.message for diagnostic in report]
    return found


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    Path("pyproject.toml").touch()

    def run(*arguments: str, input: str | bytes | None = None) -> Result:
        return CliRunner().invoke(cli, arguments, input=input)

    return run


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair["title"])
def test_pair(pair: re.Match[str]) -> None:
    assert formatted(pair["before"]) == pair["after"]
    assert formatted(pair["after"]) == pair["after"]


def test_every_heading_has_a_pair() -> None:
    rest = PAIR.sub("", PAGE.read_text(encoding="utf-8"))
    assert not re.findall("^## (.+)$", rest, re.MULTILINE)


@pytest.mark.parametrize("path", sorted(SPECS.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_zoo_is_formatted(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert formatted(text) == text


def test_the_documentation_is_formatted() -> None:
    specs = [b for page in PAGES for b in blocks(page) if b.kind in DOCUMENTED]
    shown = [b for b in specs if b.file != "untidy.yaml"]
    assert shown
    assert [str(b) for b in shown if formatted(b.text) != b.text] == []


@pytest.mark.parametrize("arguments", [["net"], ["net", "--from", "resnet50"]], ids=" ".join)
def test_new_specs_are_formatted(arguments: list[str], run: Run) -> None:
    assert run("new", *arguments).exit_code == 0
    assert run("fmt", "--check", ".").exit_code == 0


@pytest.fixture(params=LOADERS, ids=lambda loader: loader.__name__)
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "LOADER", request.param)


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.usefixtures("loader")
def test_a_spec_however_it_is_written(seed: int) -> None:
    zoo = sorted(SPECS.glob("*.yaml"))
    spec = zoo[seed % len(zoo)].read_text("utf-8") if seed % 2 else random_spec(seed).text
    text = disarranged(spec, seed)
    after = formatted(text)
    assert values(after) == values(text) == values(spec)
    assert formatted(after) == after
    assert not re.search(r"[ \t]$", after, re.MULTILINE)
    assert after.endswith("\n") and "\n\n\n" not in after
    assert sorted(COMMENT.findall(after)) == sorted(COMMENT.findall(text))
    assert misplaced(after) == []


def values(text: str) -> object:
    return yaml.load(text, yaml.BaseLoader)


def whole(lines: list[str]) -> str:
    """The last line, and those before it on which its brackets were opened."""
    *before, last = (line.partition("#")[0] for line in lines)
    while before and len(re.findall(r"[]}]", last)) > len(re.findall(r"[[{]", last)):
        last = before.pop() + last
    return last


def misplaced(text: str) -> list[str]:
    """Comments that do not stand where they say: above or behind a key or the item of a list."""
    found: list[str] = []
    lines = text.splitlines()
    for i, line in enumerate(lines):
        for place, of in re.findall(r"# *\d+ (above|behind) (\w+)", line):
            own = line.lstrip().startswith("#")
            rest = (
                each for each in lines[i:] if each.strip() and not each.lstrip().startswith("#")
            )
            item = next(rest, "").partition("#")[0] if own else whole(lines[: i + 1])
            if ":" in item and of not in re.split(r"\W+", item):
                found.append(f"{line} -> {item} ({place})")
    return found


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("{a:: , b: -}", '"a:":\nb: "-"\n'),
        ("{... a: 1}", '"... a": 1\n'),
        ("{\\:: }", "'\\:':\n"),
        ('? "a\\\n  b"\n: 1', "ab: 1\n"),
        ('? "a\\n  b"\n: 1', '"a\\n  b": 1\n'),
        ("? |\n  a\n: 1", '"a\\n": 1\n'),
        ("a: [b: , {c}, {d: }]", "a: [b: , {c}, {d}]\n"),
        ("a:\n  |+\nb: |2\n   c\nd: |+\n  e\n\n\n", 'a: ""\nb: " c\\n"\nd: "e\\n\\n\\n"\n'),
        (
            "a: [{b: 1}, 'c, d': 1,  # e\n  f: ]",
            "a:\n  - {b: 1}\n  - c, d: 1  # e\n  - f:\n",
        ),
        ("a: |\n  b", "a: |-\n  b\n"),
        ("a: |\n    b  \n\n      c \n", "a: |\n  b  \n\n    c \n"),
        ('a: "b \n  c\\ \n  d"\n', 'a: "b\n  c\\ \n  d"\n'),
        ("a: 'b''s  \n\n  c'", "a: 'b''s\n\n  c'\n"),
    ],
)
@pytest.mark.usefixtures("loader")
def test_rare_yaml(before: str, after: str) -> None:
    assert formatted(before) == after
    assert formatted(after) == after


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_specs_are_formatted_if_they_are_yaml(kind: str) -> None:
    for seed in range(60):
        text = KINDS[kind](Random(seed)).decode(errors="replace")
        report = Report()
        after = format_source(Source("net.yaml", text), report)
        assert (after is None) == report.failed
        if after is not None:
            assert formatted(after) == after


def test_line_ends_and_a_byte_order_mark_stay() -> None:
    before, after = "cnngen:  1\n\n\nname:  Net", "cnngen: 1\n\nname: Net\n"
    assert formatted(before.replace("\n", "\r\n")) == after.replace("\n", "\r\n")
    assert formatted("\ufeff" + before) == "\ufeff" + after


@pytest.mark.parametrize(
    ("old", "new"),
    [("64", "63"), ("# few", ""), ("}  # few", "  # few\n}"), ("null", '"null"'), (", 64", "")],
)
def test_a_result_that_says_something_else_is_a_bug(
    old: str, new: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "params: {width: 32}  # few\nmodel: {stem: [null, 64]}\n"

    def lay_out(root: object) -> str:
        return text.replace(old, new)

    monkeypatch.setattr("cnngen.formatting.format.lay_out", lay_out)
    Path("net.yaml").write_text(text)
    result = run("fmt", "net.yaml")
    assert result.exit_code == 70 and "this is a bug in cnngen" in result.stderr
    assert Path("net.yaml").read_text() == text


def test_what_would_not_be_read_again_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    report = Report()
    assert format_source(Source("net.yaml", f"? {'k' * 1001}\n: 1\n"), report) is None
    monkeypatch.setattr("cnngen.formatting.format.MAX_SIZE", 11)
    assert format_source(Source("net.yaml", "a: {b: [1]}"), report) is None
    assert [d.code for d in report] == ["too-large", "too-large"]
    assert format_source(Source("net.yaml", "a: {b: 1}"), report) == "a: {b: 1}\n"


UNTIDY = "cnngen:  1\nname: Net # a net\n"
TIDY = "cnngen: 1\nname: Net  # a net\n"


def test_files_are_written(run: Run) -> None:
    Path("specs").mkdir()
    Path("specs/a.yaml").write_text(UNTIDY)
    Path("specs/a.yaml").chmod(0o640)
    Path("specs/b.yaml").write_text(TIDY)
    result = run("fmt")
    assert (result.exit_code, result.output) == (0, "formatted specs/a.yaml\n")
    assert Path("specs/a.yaml").read_text() == TIDY
    assert stat.S_IMODE(Path("specs/a.yaml").stat().st_mode) == 0o640
    assert run("fmt", "specs").output == ""


def test_check_and_diff_write_nothing(run: Run) -> None:
    Path("a.yaml").write_text(UNTIDY)
    Path("b.yaml").write_text(TIDY)
    diff = (
        "--- a.yaml\n+++ a.yaml\n@@ -1,2 +1,2 @@\n"
        "-cnngen:  1\n-name: Net # a net\n+cnngen: 1\n+name: Net  # a net\n"
    )
    result = run("fmt", "--check", ".")
    assert (result.exit_code, result.stdout) == (1, "a.yaml would change\n")
    result = run("fmt", "--diff", ".")
    assert (result.exit_code, result.stdout, result.stderr) == (0, diff, "")
    result = run("fmt", "--check", "--diff", ".")
    assert (result.exit_code, result.stdout) == (1, diff)
    assert result.stderr == "a.yaml would change\n"
    assert Path("a.yaml").read_text() == UNTIDY
    assert run("fmt", "--check", "--diff", "b.yaml").output == ""


def test_a_spec_with_wrong_yaml_is_left_alone(run: Run) -> None:
    wrong = "cnngen: 1\nname:  [Net\n"
    Path("a.yaml").write_text(UNTIDY)
    Path("wrong.yaml").write_text(wrong)
    result = run("fmt", ".")
    assert result.exit_code == 1 and result.stdout == "formatted a.yaml\n"
    assert "error[yaml-syntax]: `[` is never closed" in result.stderr
    assert Path("wrong.yaml").read_text() == wrong
    Path("bytes.yaml").write_bytes(b"\xff")
    assert run("fmt", ".").exit_code == 2


def test_a_spec_with_other_mistakes_is_formatted(run: Run) -> None:
    Path("a.yaml").write_text("modle: {stem:  [cnov]}\n")
    assert run("fmt", "a.yaml").exit_code == 0
    assert Path("a.yaml").read_text() == "modle: {stem: [cnov]}\n"


def test_links_and_the_zoo_are_left_alone(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("a.yaml").write_text(UNTIDY)
    Path("link.yaml").symlink_to("a.yaml")
    result = run("fmt", "link.yaml")
    assert result.exit_code == 2 and "`link.yaml` is a link" in result.stderr
    monkeypatch.setattr("cnngen.obstacle.SPECS", Path.cwd())
    result = run("fmt", "a.yaml")
    assert result.exit_code == 2 and "`a.yaml` ships with cnngen" in result.stderr
    assert Path("a.yaml").read_text() == UNTIDY


def test_who_works_on_cnngen_formats_the_zoo(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """In a checkout, where its specs are those of the folder, as for any project."""
    checkout = tmp_path / "checkout"
    (checkout / "cnngen").mkdir(parents=True)
    (checkout / "specs").mkdir()
    (checkout / "specs" / "a.yaml").write_text(UNTIDY)
    monkeypatch.setattr("cnngen.shipped._PACKAGE", checkout / "cnngen")
    monkeypatch.setattr("cnngen.obstacle.SPECS", checkout / "specs")
    assert run("fmt", str(checkout / "specs")).exit_code == 2
    assert (checkout / "specs" / "a.yaml").read_text() == UNTIDY
    monkeypatch.chdir(checkout)
    assert run("fmt", "specs").exit_code == 0
    assert (checkout / "specs" / "a.yaml").read_text() == TIDY
    (checkout / "cnngen" / "_specs").mkdir()  # as in a wheel, though somebody stands beside it
    (checkout / "specs" / "a.yaml").write_text(UNTIDY)
    assert run("fmt", "specs").exit_code == 2


def test_the_standard_input(run: Run) -> None:
    result = run("fmt", "-", input=UNTIDY)
    assert (result.exit_code, result.stdout) == (0, TIDY)
    marked = b"\xef\xbb\xbf" + UNTIDY.replace("\n", "\r\n").encode()
    result = run("fmt", "-", input=marked)
    assert result.stdout_bytes == b"\xef\xbb\xbf" + TIDY.replace("\n", "\r\n").encode()
    result = run("fmt", "-", "--check", input=UNTIDY)
    assert (result.exit_code, result.stdout) == (1, "<stdin> would change\n")
    result = run("fmt", "-", input="name: [Net")
    assert result.exit_code == 1 and result.stdout == "" and "<stdin>:1:7" in result.stderr
    assert run("fmt", "-", input="").stdout == ""
    assert run("fmt", "-", "a.yaml").exit_code == 2


def update() -> None:
    """Write into each pair what its first listing becomes now."""
    text = PAGE.read_text(encoding="utf-8")
    for pair in reversed(PAIRS):
        start, end = pair.span("after")
        text = text[:start] + formatted(pair["before"]) + text[end:]
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:] != ["--update"]:
        sys.exit(__doc__)
    update()
