"""A function of a Keras file in the making."""

from dataclasses import dataclass, field

from cnngen.python.code import Code
from cnngen.python.signature import Argument
from cnngen.targets.spelled import Printer


@dataclass(frozen=True, slots=True)
class KerasFunction:
    """A function of the generated file, ready for the page."""

    name: str
    about: str
    arguments: tuple[Argument, ...]
    tensors: tuple[str, ...]
    code: Code


@dataclass(slots=True)
class Frame:
    """The function being written; `tensors` has the variable of each tensor that can be read by
    name.
    """

    printer: Printer
    code: Code
    taken: set[str]
    tensors: dict[str, str] = field(default_factory=dict[str, str])

    def fresh(self, name: str) -> str:
        free, count = name if name not in self.taken else f"{name}_out", 2
        while free in self.taken:
            free, count = f"{name}_{count}", count + 1
        self.taken.add(free)
        return free


def fold_return(code: Code, value: str) -> None:
    """`return value`, in one line with its assignment where that is the line before."""
    if code.lines and code.lines[-1][0] == 0 and code.lines[-1][1].startswith(f"{value} = "):
        code.lines[-1] = (0, "return " + code.lines[-1][1].removeprefix(f"{value} = "))
    else:
        code.add(f"return {value}")
