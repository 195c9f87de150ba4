"""Notebook: a spec as notebooks show it, with its picture and the table of `cnngen summary`.

What comes from the spec is escaped. In HTML the picture is an image of its own, so that its styles
and ids do not mix with those of the page.
"""

from base64 import b64encode
from collections.abc import Sequence
from html import escape

from cnngen.diagnostics.model import Diagnostic
from cnngen.diagnostics.text import render_text
from cnngen.draw.figures import TooLargeError
from cnngen.draw.picture import picture
from cnngen.frameworks import MissingFrameworkError
from cnngen.report.memory import activations, memory_text
from cnngen.report.summary import summarize
from cnngen.report.summary_table import buffers, left_out, summary_table
from cnngen.report.table import html
from cnngen.semantics.network import Network


def as_svg(network: Network | None) -> str | None:
    """The picture, where there is one."""
    try:
        return picture(network, "svg").decode() if network else None
    except (MissingFrameworkError, TooLargeError):
        return None


def as_html(network: Network | None, diagnostics: Sequence[Diagnostic]) -> str:
    """The diagnostics; then, where there are no errors, picture and table."""
    said = [_text(render_text(diagnostics))] if diagnostics else []
    return "\n".join([*said, *([_picture(network), _table(network)] if network else [])])


def _text(text: str) -> str:
    """Text in fixed width, so that columns are aligned as in a terminal."""
    return f'<pre style="font-family: monospace">{escape(text)}</pre>'


def _picture(network: Network) -> str:
    """An image that is no wider than the page, or a line that says why there is none."""
    try:
        data = b64encode(picture(network, "svg")).decode()
    except (MissingFrameworkError, TooLargeError) as error:
        return f"<p>no picture: {escape(str(error))}</p>"
    spec = network.resolution.spec
    alt = escape(f"{spec.name.text}: {spec.about}")
    return f'<img src="data:image/svg+xml;base64,{data}" alt="{alt}" style="max-width: 100%">'


def _table(network: Network) -> str:
    summary = summarize(network)
    notes = [memory_text(activations(network), 1), buffers(summary), left_out(summary)]
    lines = "<br>\n".join(escape(note) for note in notes if note)
    return f"{html(summary_table(network, summary, depth=1))}<p>{lines}</p>"
