"""A spec of any content, analysed within limits of time and memory."""

import sys
import time
from pathlib import Path

from cnngen.analysis import analyse_file
from cnngen.diagnostics.model import Report
from cnngen.diagnostics.text import render_concise, render_text
from cnngen.ops.base import UNKNOWN
from cnngen.semantics.network import Network

HEAD = "cnngen: 1\nname: Net\nabout: A.\ninput: {channels: 3, height: 32, width: 32}\n"
SECONDS = (
    20  # of processor time; less than three on a busy machine, and what has no bound takes for ever
)
MEGABYTES = 64
LONGEST_OUTPUT = 60_000


def check(text: str | bytes, folder: Path) -> tuple[Network | None, Report]:
    """Analyse a spec, and make sure that this ends soon, with either a network or an error."""
    path = folder / "spec.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode(errors="surrogatepass"))
    report = Report()
    start, memory = time.process_time(), most_memory()
    network = analyse_file(path, report)
    printed = render_text(list(report)) + render_concise(list(report))
    assert time.process_time() - start < SECONDS
    assert most_memory() - memory < MEGABYTES
    assert len(printed) < LONGEST_OUTPUT
    assert "Traceback" not in printed and "UNDETERMINED" not in printed
    assert (network is None) == report.failed, "neither a network nor an error"
    if network:
        assert all(layer.output is not UNKNOWN for layer in network.layers.values())
        assert all(tensor.shape is not UNKNOWN for tensor in network.stages.values())
    return network, report


def most_memory() -> int:
    """The most memory that this process has used, in megabytes; 0 where it is unknown."""
    if sys.platform != "linux":
        return 0
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def codes(text: str, folder: Path) -> set[str]:
    return {diagnostic.code for diagnostic in check(text, folder)[1]}
