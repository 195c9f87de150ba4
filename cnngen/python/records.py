"""Records: the classes of rows in a generated file, and expressions with what they are called."""

from collections.abc import Collection, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from cnngen.expressions.expression import (
    Apply,
    Expression,
    Field,
    RecordOf,
    children,
    with_children,
)
from cnngen.expressions.fields import is_list
from cnngen.python.nodes import Class, Text
from cnngen.python.nodes import Name as PythonName
from cnngen.semantics.types import Types
from cnngen.syntax.default_type import common, default_type
from cnngen.syntax.naming import BUILT_IN
from cnngen.syntax.tree import Each, Parameter, ParameterType

Fields = frozenset[str]

ANNOTATIONS: dict[ParameterType, str] = {
    "int": "int",
    "float": "float",
    "bool": "bool",
    "ints": "tuple[int, ...]",
    "floats": "tuple[float, ...]",
    "bools": "tuple[bool, ...]",
    "size": "int | tuple[int, int]",
}
OF_FILES = frozenset(["Any", "Callable", "KerasTensor", "NamedTuple", "OrderedDict", "Tensor"])


@dataclass(frozen=True, slots=True)
class RecordClass:
    """A named tuple. A type is None where what a loop says of its rows does not tell."""

    name: str
    about: str
    fields: tuple[tuple[str, ParameterType | None], ...]

    def definition(self) -> Class:
        types = [(name, ANNOTATIONS[type] if type else "Any") for name, type in self.fields]
        lines = [f"    {name}: {annotation}" for name, annotation in types]
        about = f'    """{self.about}"""'
        return Class(self.name, (PythonName("NamedTuple"),), (Text(tuple(lines)),), about)


@dataclass(frozen=True, slots=True)
class Records:
    """The classes of a file. Records with the same fields are of one class, wherever they stand."""

    classes: Mapping[Fields, RecordClass] = field(default_factory=dict[Fields, RecordClass])

    @property
    def names(self) -> frozenset[str]:
        return frozenset(each.name for each in self.classes.values())

    def annotation(self, parameter: Parameter) -> str:
        if parameter.type != "records":
            return ANNOTATIONS[parameter.type]
        fields = frozenset(name for name, _ in parameter.fields)
        return f"tuple[{self.classes[fields].name}, ...]"

    def named(self, expression: Expression, types: Types) -> Expression:
        """An expression whose records have the names of their classes, and whose fields say whether
        they are columns.
        """
        if not self.classes:
            return expression
        parts = [self.named(part, types) for part in children(expression)]
        match with_children(expression, parts):
            case RecordOf(fields) as record:
                made = self.classes[frozenset(name for name, _ in fields)]
                values = dict(fields)
                ordered = tuple((name, values[name]) for name, _ in made.fields)
                return replace(record, fields=ordered, name=made.name)
            case Field(record) as part:
                lists = {name for name, type in types.items() if type == "records"}
                return replace(part, column=is_list(record, lists))
            case Apply("len", (Field(of, column=True),)):
                return Apply("len", (of,))
            case whole:
                return whole


def records_of(
    parameters: Iterable[Parameter], loops: Iterable[tuple[Each, Types]], taken: Collection[str]
) -> Records:
    """The classes of the records that parameters are, and that loops list themselves; `taken` are
    names of other classes.
    """
    found: dict[Fields, RecordClass] = {}
    names = set(taken)
    for name, about, fields in (*_of_parameters(parameters), *_of_loops(loops)):
        key = frozenset(fields)
        if key not in found:
            called = _class_name(name, names)
            names.add(called)
            found[key] = RecordClass(called, about, tuple(fields.items()))
        else:
            known = found[key].fields
            both = tuple((field, _wider(type, fields[field])) for field, type in known)
            found[key] = replace(found[key], fields=both)
    return Records(found)


Source = tuple[str, str, Mapping[str, ParameterType | None]]
"""What a class is called after, what it is, and its fields."""


def _of_parameters(parameters: Iterable[Parameter]) -> Iterator[Source]:
    for parameter in parameters:
        if parameter.type == "records":
            name = parameter.name.text
            yield name, f"A row of `{name}`.", dict(parameter.fields)


def _of_loops(loops: Iterable[tuple[Each, Types]]) -> Iterator[Source]:
    for step, types in loops:
        for variable, values in step.lists:
            for record in _written(values):
                fields: dict[str, ParameterType | None] = {}
                for name, value in record.fields:
                    fields[name] = default_type(value, types)
                yield variable.text, "What a loop goes through.", fields


def _written(values: Expression) -> list[RecordOf]:
    """The records that stand in an expression."""
    if isinstance(values, RecordOf):
        return [values]
    return [record for part in children(values) for record in _written(part)]


def _wider(a: ParameterType | None, b: ParameterType | None) -> ParameterType | None:
    return common(a, b) if a and b else None


def _class_name(name: str, taken: Container[str]) -> str:
    """`Stage` for the rows of `stages`."""
    single = name.removesuffix("s") if not name.endswith("ss") else name
    word = "".join(part[:1].upper() + part[1:] for part in single.split("_"))
    while word in taken or word in BUILT_IN or word in OF_FILES:
        word += "_" if word.endswith("Row") else "Row"
    return word
