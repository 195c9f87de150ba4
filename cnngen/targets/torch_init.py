"""Initial weights in PyTorch: one `init_weights` for all layers of a kind, or a wrapper where
layers of a kind differ.
"""

from cnngen.expressions.algebra import free_names, mentions_input
from cnngen.expressions.expression import Constant, Expression, Name
from cnngen.ops.initializer import INITIALIZERS
from cnngen.python.expression import python
from cnngen.semantics.network import Network
from cnngen.semantics.walk import calls
from cnngen.syntax.tree import ArgumentValue, Call, Distribution
from cnngen.targets.spelled import Printer
from cnngen.targets.spelling import Speller

DEFAULT = Constant(None)


class Initialization:
    """Decides for each kind of layer whether one rule serves all of them."""

    def __init__(self, network: Network, speller: Speller) -> None:
        self.network, self.speller = network, speller
        self.resolution = resolution = network.resolution
        bodies = [b.body for b in resolution.order] + [s.body for s in resolution.spec.stages]
        self.layers: dict[str, list[Call]] = {}
        for body in bodies:
            for call in calls(body):
                if (op := resolution.ops.get(call)) and op.drawn:
                    self.layers.setdefault(self._kind(call), []).append(call)
        self.rules: dict[str, ArgumentValue] = {}  # of each kind whose layers have one in common
        for kind, found in self.layers.items():
            values = [self._init(call) for call in found]
            if all(same(value, values[0]) for value in values) and not varies(values[0]):
                self.rules[kind] = values[0]

    def _kind(self, call: Call) -> str:
        """The class of the layer that a call makes."""
        drawn = self.resolution.ops[call].drawn
        assert drawn is not None
        vector = self.network.ranks.get(call) == "vector"
        return drawn.of_vectors if vector and drawn.of_vectors else drawn.layer

    def _init(self, call: Call) -> ArgumentValue:
        return self.resolution.arguments[call]["init"]

    def draw(self, call: Call, printer: Printer) -> str:
        """The function that draws the weights of a layer, and its arguments; nothing where the
        layers of its kind have a common rule.
        """
        op = self.resolution.ops[call]
        if op.drawn is None or self._kind(call) in self.rules or self._init(call) == DEFAULT:
            return ""
        function, _, arguments = self._statement(self._init(call), "", printer).partition("(")
        return ", ".join(part for part in (function, arguments.removesuffix(")")) if part)

    def _statement(self, value: ArgumentValue, weight: str, printer: Printer | None) -> str:
        word, _ = word_and_arguments(value)
        return self.speller.spell_init(word, {"w": weight, **init_context(value, printer)})

    def statements(self) -> list[tuple[list[str], str, str]]:
        """For each rule: the kinds of layers, the statement, and whether they have biases (all,
        some, none).
        """
        groups: list[tuple[ArgumentValue, list[str]]] = []
        for kind, value in self.rules.items():
            if value == DEFAULT:
                continue
            for known, kinds in groups:
                if same(known, value):
                    kinds.append(kind)
                    break
            else:
                groups.append((value, [kind]))
        return [
            (kinds, self._statement(value, "module.weight", None), self._biases(kinds))
            for value, kinds in groups
        ]

    def _biases(self, kinds: list[str]) -> str:
        """Whether the layers of some kinds have biases to set to zero."""
        values = {
            self.resolution.arguments[call].get("bias")
            for kind in kinds
            for call in self.layers[kind]
            if (drawn := self.resolution.ops[call].drawn) and not drawn.scale
        }
        if values <= {Constant(False)}:
            return "none"
        return "all" if kinds == ["nn.Linear"] and values == {Constant(True)} else "some"


def same(left: ArgumentValue, right: ArgumentValue) -> bool:
    if left == DEFAULT or right == DEFAULT:
        return left == right
    return word_and_arguments(left) == word_and_arguments(right)


def varies(value: ArgumentValue) -> bool:
    """Whether a distribution depends on parameters, or on the channels that a block is given."""
    if value == DEFAULT:
        return False
    _, given = word_and_arguments(value)
    numbers = [expression for name, expression in given.items() if name != "mode"]
    return any(free_names(number) or mentions_input(number) for number in numbers)


def init_context(value: ArgumentValue, printer: Printer | None) -> dict[str, str]:
    """The arguments of a distribution as code; the words among them as they are."""
    word, given = word_and_arguments(value)
    context: dict[str, str] = {}
    for argument in INITIALIZERS[word].arguments:
        expression = given.get(argument.name, Constant(argument.default))
        if argument.kind == "choice":
            context[argument.name] = (
                expression.name if isinstance(expression, Name) else argument.default
            )
        else:
            context[argument.name] = printer.code(expression) if printer else python(expression)
    return context


def word_and_arguments(value: ArgumentValue) -> tuple[str, dict[str, Expression]]:
    match value:
        case Distribution(word=word, arguments=arguments):
            return word.text, {name.text: expression for name, expression in arguments}
        case Name(name=word):
            return word, {}
        case _:
            raise AssertionError(value)
