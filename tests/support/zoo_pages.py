"""The pages of `docs/zoo`: the picture, the table, the spec and both sources of each network."""

import re
from collections.abc import Mapping

from cnngen.analysis import analyse_file
from cnngen.diagnostics.model import Report
from cnngen.diagnostics.terminal import one_line
from cnngen.draw.picture import picture
from cnngen.locate import zoo
from cnngen.report.catalogue import catalogue_table, entry_of, escaped, in_order, paper_link
from cnngen.report.summary import summarize
from cnngen.report.summary_table import left_out, summary_table
from cnngen.report.table import Table, markdown
from cnngen.semantics.network import Network
from support.documentation_pages import ROOT

FOLDER = ROOT / "docs/zoo"
FRAMEWORKS = {"torch": "PyTorch", "keras": "Keras"}
INDEX = """\
# The zoo

The networks that ship with cnngen. The page of each has its picture, the table of `cnngen summary`,
its spec, and the sources that `cnngen build` makes of it. [How to read the pictures](../draw.md).

`cnngen list` prints this table, and the other commands take each name for its spec:
`cnngen build resnet50`.

{table}"""
PAGE = """\
# {title}

{about}

{paper}![{title}, block by block]({name}.svg)

{table}
{notes}## Spec

[specs/{name}.yaml](../../specs/{name}.yaml){extends}:

{spec}
## Sources

What `cnngen build {name}` writes.
{sources}"""
SOURCE = """
<details>
<summary>{framework}: generated/{file}</summary>

{source}
</details>
"""


def networks() -> dict[str, Network]:
    """The zoo, by name."""
    found = {name: analyse_file(path, Report()) for name, path in zoo().items()}
    return {name: network for name, network in found.items() if network}


def files(name: str, network: Network) -> dict[str, str]:
    """The picture and the page of a network, by file name."""
    return {f"{name}.svg": picture(network, "svg").decode(), f"{name}.md": page(name, network)}


def page(name: str, network: Network) -> str:
    summary = summarize(network)
    spec = zoo()[name].read_text(encoding="utf-8")
    base = re.search(r"^extends: *(\w+)\.yaml", spec, re.MULTILINE)
    note = left_out(summary)
    return PAGE.format(
        name=name,
        title=network.resolution.spec.name.text,
        about=escaped(one_line(network.resolution.spec.about)),
        paper=paper(network),
        table=markdown(summary_table(network, summary, depth=1)),
        notes=f"{note[0].upper()}{note[1:]}.\n\n" if note else "",
        extends=f", which extends [{base[1]}]({base[1]}.md)" if base else "",
        spec=fenced("yaml", spec),
        sources="".join(source(f"{name}_{target}.py", target) for target in FRAMEWORKS),
    )


def paper(network: Network) -> str:
    """A paragraph about the paper: who, what and when."""
    found = network.resolution.spec.paper
    if not found:
        return ""
    authors, year = (escaped(one_line(text)) for text in (found.authors, found.year))
    return f"{authors}: {paper_link(found.title, found.url)}, {year}.\n\n"


def source(file: str, target: str) -> str:
    text = (ROOT / "generated" / file).read_text(encoding="utf-8")
    return SOURCE.format(framework=FRAMEWORKS[target], file=file, source=fenced("python", text))


def fenced(language: str, text: str) -> str:
    """A block of code, with a fence longer than any in it."""
    fence = "`" * max([3, *(len(run) + 1 for run in re.findall("`+", text))])
    text = text.removesuffix("\n")
    return f"{fence}{language}\n{text}\n{fence}\n"


def index(networks: Mapping[str, Network]) -> str:
    """A row for each network, with links to its page and its picture."""
    entries = in_order(map(entry_of, networks.values()))
    table = catalogue_table(entries, "markdown")
    rows = [
        (f"[{entry.name}]({entry.name}.md)", *row[1:-1], f"[svg]({entry.name}.svg)", row[-1])
        for entry, row in zip(entries, table.rows, strict=True)
    ]
    head = (*table.head[:-1], "picture", table.head[-1])
    return INDEX.format(table=markdown(Table(head, rows, numbers=table.numbers)))
