"""Chosen units: a class or a function that a parameter says, which is called as any of them is."""

from collections.abc import Sequence

from cnngen.python.signature import Argument

REST = Argument("*", "")  # what stands behind it is given by keyword


def shared_arguments(signatures: Sequence[Sequence[Argument]]) -> list[Argument]:
    """The arguments by which any of several can be called: those that begin all of them, and then
    others, which do not stand at one place. A default is one if all have it.
    """
    named = [{argument.name: argument for argument in each} for each in signatures]
    first = signatures[0]
    together = 0
    while all(each[together : together + 1] for each in signatures) and all(
        each[together].name == first[together].name for each in signatures
    ):
        together += 1
    rest = [name for each in named for name in each if name not in _names(first[:together])]
    order = [*_names(first[:together]), REST.name, *dict.fromkeys(rest)]
    return [
        REST if name == REST.name else _any_of([each[name] for each in named if name in each])
        for name in order
    ]


def _names(arguments: Sequence[Argument]) -> list[str]:
    return [argument.name for argument in arguments]


def _any_of(found: Sequence[Argument]) -> Argument:
    first, *others = found
    same = all((o.default, o.code) == (first.default, first.code) for o in others)
    return first if same else Argument(first.name, first.annotation, None, first.about)
