"""The pictures of the documentation are what `cnngen draw` makes, `docs/zoo` is what `zoo_pages.py`
makes, and the picture of the compiler is what `architecture_picture.py` draws.

A picture stands on a page below its command:

    | `cnngen draw unet --expand Up` |
    | --- |
    | ![U-Net](pictures/unet.svg) |

`python tests/test_pictures.py --update` writes all of them.
"""

import re
import shlex
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from support import architecture_picture, zoo_pages
from support.built_models import build
from support.documentation_pages import PAGES, ROOT

from cnngen.cli import cli
from cnngen.files import write_file
from cnngen.locate import zoo

TABLE = re.compile(r"^(\| `cnngen draw .*)\n\|[ |:-]+\|\n(\|.*)$", re.MULTILINE)
COMMAND = re.compile(r"`cnngen (draw [^`]+)`")
ARCHITECTURE = ROOT / "docs/pictures/architecture.svg"
IMAGE = re.compile(r"!\[[^\]]+\]\(([^)]+\.svg)\)")


def pictures() -> dict[Path, str]:
    """The pictures of the pages, and the command of each."""
    drawn: dict[Path, str] = {}
    for page in PAGES:
        for commands, images in TABLE.findall(page.read_text(encoding="utf-8")):
            files = [(page.parent / name).resolve() for name in IMAGE.findall(images)]
            drawn |= dict(zip(files, COMMAND.findall(commands), strict=True))
    return drawn


def draw(command: str) -> str:
    done = CliRunner().invoke(cli, shlex.split(command))
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.parametrize(
    ("file", "command"), [pytest.param(*each, id=each[1]) for each in pictures().items()]
)
def test_a_picture_is_fresh(file: Path, command: str):
    pytest.importorskip("pygraphviz")
    assert file.read_text(encoding="utf-8") == draw(command)


def test_every_picture_has_its_command():
    shown = {
        (page.parent / name).resolve()
        for page in PAGES
        for name in IMAGE.findall(page.read_text(encoding="utf-8"))
    }
    assert shown == {*pictures(), ARCHITECTURE}
    assert {*(ROOT / "docs/pictures").glob("*")} == {
        f for f in shown if f.parent != zoo_pages.FOLDER
    }


def test_the_picture_of_the_compiler_is_fresh():
    """Its passes are named after functions. What has no function must have a folder."""
    drawn = architecture_picture.picture()
    assert ARCHITECTURE.read_text(encoding="utf-8") == drawn
    folders = re.findall(r">(\w+)/<", drawn)
    assert len(folders) == 8
    assert [name for name in folders if not (ROOT / "cnngen" / name).is_dir()] == []


@pytest.mark.parametrize("name", zoo())
def test_a_page_of_the_zoo_is_fresh(name: str):
    """If not: `python tests/test_pictures.py --update`."""
    pytest.importorskip("pygraphviz")
    files = zoo_pages.files(name, build(name).network)
    assert [file for file, text in files.items() if found(file) != text] == []


def test_the_index_of_the_zoo_is_fresh():
    assert found("README.md") == zoo_pages.index({name: build(name).network for name in zoo()})


def found(file: str) -> str:
    path = zoo_pages.FOLDER / file
    return path.read_text(encoding="utf-8") if path.exists() else ""


def test_every_page_of_the_zoo_has_its_spec():
    expected = {"README.md", *(f"{name}.{kind}" for name in zoo() for kind in ("md", "svg"))}
    assert {path.name for path in zoo_pages.FOLDER.iterdir()} == expected


def test_every_link_of_the_zoo_leads_somewhere():
    for page in zoo_pages.FOLDER.glob("*.md"):
        text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
        for target in re.findall(r"\]\((?!https?:)([^)]*)\)", text):
            assert (page.parent / target).exists(), (page.name, target)


@pytest.mark.parametrize(
    ("text", "fence"),
    [("a", "```"), ("a `b`\n", "```"), ("```\n", "````"), ("x ``````\n", 7 * "`")],
)
def test_nothing_in_a_spec_ends_its_block(text: str, fence: str):
    assert zoo_pages.fenced("yaml", text) == f"{fence}yaml\n{text.rstrip()}\n{fence}\n"


def update() -> None:
    """Write what is drawn now."""
    for file, command in pictures().items():
        write_file(file, draw(command).encode())
    write_file(ARCHITECTURE, architecture_picture.picture().encode())
    networks = zoo_pages.networks()
    texts = {"README.md": zoo_pages.index(networks)}
    for name, network in networks.items():
        texts |= zoo_pages.files(name, network)
    for name, text in texts.items():
        write_file(zoo_pages.FOLDER / name, text.encode())
    for path in zoo_pages.FOLDER.iterdir():
        if path.name not in texts:
            path.unlink()


if __name__ == "__main__":
    if sys.argv[1:] != ["--update"]:
        sys.exit(__doc__)
    update()
