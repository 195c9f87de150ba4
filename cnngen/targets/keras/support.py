"""Support: functions of a Keras file whose parameters follow from the uses of an op."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cnngen.python.construct import text
from cnngen.python.nodes import Assign, Function, Name, Node, Number, Parameter, Statement
from cnngen.python.printer import printed
from cnngen.targets.keras.construct import KERAS_TENSOR
from cnngen.targets.keras.use import Common, Given, boolean
from cnngen.targets.spelling import Speller

KEYWORDS_ONLY = Parameter("*")
NAME = Parameter("name", "str")


@dataclass(frozen=True, slots=True)
class Signature:
    """The parameters of a support function, of which those that all uses agree on are left out."""

    common: Common

    def of(self, name: str, annotation: str = "", default: Node | None = None) -> Parameter:
        """A parameter whatever all uses agree on: a size, if nothing else is said."""
        return Parameter(name, annotation or self.common.size, default)

    def size(self, name: str, default: int) -> Parameter | None:
        return self._varied(name, self.common.size, default)

    def count(self, name: str, default: int) -> Parameter | None:
        return self._varied(name, "int", default)

    def number(self, name: str, default: str) -> Parameter | None:
        given = name in self.common.values
        return None if given else Parameter(name, "float", Number(default))

    def flag(self, name: str, default: bool) -> Parameter | None:
        return None if name in self.common.values else Parameter(name, "bool", boolean(default))

    def initializer(self, name: str, default: str = "glorot_uniform") -> Parameter | None:
        if name in self.common.initializers:
            return None
        return Parameter(name, "str | keras.Initializer", text(default))

    def _varied(self, name: str, annotation: str, default: int) -> Parameter | None:
        given = name in self.common.values
        return None if given else Parameter(name, annotation, Number(str(default)))


def own_initial(common: Common, *names: str) -> list[Statement]:
    """The lines that make initializers for this layer alone: Keras gives equal weights to layers
    that share one.
    """
    made = {name: common.initializers.get(name) for name in names}
    return [Assign((Name(name),), node) for name, node in made.items() if node is not None]


def initial(common: Common, name: str) -> Node | None:
    """The initializer of a layer in a support function; None where Keras' own stays."""
    unset = name in common.initializers and common.initializers[name] is None
    return None if unset else Name(name)


def function(
    name: str,
    parameters: Sequence[Parameter | None],
    about: str,
    body: Sequence[Statement],
) -> Function:
    kept = tuple(parameter for parameter in parameters if parameter is not None)
    given = (Parameter("x", KERAS_TENSOR), *kept)
    return Function(name, given, KERAS_TENSOR, tuple(body), f'    """{about}"""')


def use(
    name: str,
    given: Given,
    define: Callable[[Given], Function | Assign],
) -> str:
    """Ask for a piece of support, which is made when it is asked for the first time."""
    speller: Speller = given.scope.speller
    if name not in speller.support:
        made = define(given)
        speller.support[name] = printed([made]).text
    return name
