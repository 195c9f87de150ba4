"""Records: the classes of rows that a file needs."""

from collections.abc import Iterator

from cnngen.python.records import Records, records_of
from cnngen.semantics.resolve import Resolution
from cnngen.semantics.types import Types, types_of
from cnngen.semantics.walk import steps
from cnngen.syntax.tree import Each


def file_records(resolution: Resolution) -> Records:
    """The classes of the records of a spec; both targets call them the same."""
    spec, blocks = resolution.spec, resolution.order
    own = [parameter for block in blocks for parameter in block.parameters]
    name = spec.name.text
    taken = {name, f"{name}Outputs", *(block.name.text for block in blocks)}
    return records_of((*spec.parameters, *own), _loops(resolution), taken)


def _loops(resolution: Resolution) -> Iterator[tuple[Each, Types]]:
    """All loops over lists, with the types of the parameters there."""
    spec = resolution.spec
    for part in (*resolution.order, *spec.stages):
        own = part.parameters if part in resolution.order else ()
        types = types_of((*spec.parameters, *own))
        for step in steps(part.body):
            if isinstance(step, Each):
                yield step, types
