"""Check: everything that there is to say about a spec; commands, the API and tests all ask here.

A spec is analysed. Where it has errors, what is said of them is then made better: fixes stay only
if `--fix` would keep them, a help names sizes of the input or edits that were seen to work, and a
mistake that shows in an extended spec is moved to the line that made it.
"""

from pathlib import Path
from typing import NamedTuple

from cnngen.analysis import DEFAULTS, Options, analyse_file
from cnngen.diagnostics.model import Diagnostic, Report
from cnngen.semantics.network import Network
from cnngen.syntax.load import Reader


class Checked(NamedTuple):
    """The network of a spec, None where it has errors; and all diagnostics, in their order."""

    network: Network | None
    diagnostics: list[Diagnostic]


def check(path: Path, options: Options = DEFAULTS, reader: Reader | None = None) -> Checked:
    """Check the spec in a file. `reader` reads it and what it extends; fixes and remedies are tried
    on copies of their own.
    """
    report = Report()
    network = analyse_file(path, report, options, reader)
    found = list(report)
    return Checked(network, found if network else _advise(path, options, found))


def _advise(path: Path, options: Options, found: list[Diagnostic]) -> list[Diagnostic]:
    from cnngen.blame import blame  # late: most specs have no errors
    from cnngen.fix import keep_promises
    from cnngen.remedy import propose_remedies
    from cnngen.sizes.advice import propose_sizes

    for improve in (keep_promises, propose_sizes, propose_remedies, blame):
        found = improve(path, options, found)
    return found
