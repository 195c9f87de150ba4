"""Spelling: how a target writes an op, from the target's folder of templates.

`ops/OP.jinja` gives one expression. `support/NAME.jinja` gives a class or function that a generated
file needs once; op templates ask for it with `use("NAME")`, and it defines what `name` says, for it
steps aside where the author has its name. Values arrive as code, ready to print (text, with a node
behind it): templates arrange it, and leave out what equals a default. Where there is more to
decide, a target builds nodes instead (its `spell.py`); a user's template still comes first.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import CodeType
from typing import Any

import jinja2
from jinja2.bccache import Bucket

from cnngen.expressions.expression import Expression
from cnngen.python.expression import node, support
from cnngen.python.nodes import Blank, Import, Node, Statement
from cnngen.python.printer import printed
from cnngen.python.records import Records
from cnngen.python.template_lines import laid_out
from cnngen.shipped import TEMPLATES
from cnngen.syntax.tree import Call
from cnngen.targets.code import (
    Code,
    call,
    concatenate,
    elements,
    join,
    node_of,
    operand,
    product,
    slice_of,
    squared,
    times,
    unless,
)


class Unsupported(Exception):
    """A target cannot express an op as it is used, says the message; `call` is where it is used."""

    call: Call | None = None


@contextmanager
def spelling(call: Call) -> Generator[None]:
    """What turns out to be unsupported inside is reported at this call."""
    try:
        yield
    except Unsupported as error:
        error.call = call
        raise


def unsupported(reason: str) -> str:
    """For templates of users; what ours refuse is data of the target, its `LIMITS`."""
    raise Unsupported(reason)


class Compiled(jinja2.BytecodeCache):
    """The templates that this process has compiled: each generated file has an environment of its
    own, and building a folder would compile them again for each.
    """

    def __init__(self) -> None:
        self.codes: dict[tuple[str, str], CodeType | None] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self.codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.codes[bucket.key, bucket.checksum] = bucket.code


COMPILED = Compiled()


class Environment(jinja2.Environment):
    """Jinja's, but what templates print keeps the nodes of its codes."""

    concat = staticmethod(concatenate)


class Speller:
    """Spells the ops of one generated file, and remembers the imports and the support that they
    need.
    """

    def __init__(self, target: str, folders: Sequence[Path] = ()) -> None:
        self.target = target
        self.environment = Environment(
            loader=jinja2.FileSystemLoader([*folders, TEMPLATES]),
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            bytecode_cache=COMPILED,
            optimized=False,  # each template is rendered a few times only
            lstrip_blocks=True,
            autoescape=False,  # what is printed is Python, made from checked names and numbers
        )
        functions: dict[str, Any] = {
            "call": call,
            "unless": unless,
            "product": product,
            "elements": elements,
            "operand": operand,
            "squared": squared,
            "times": times,
            "slice_of": slice_of,
            "unsupported": unsupported,
            "use": self.use,
            "imports": self.imports,
            "beside": self.beside,
            "untyped": self.note_untyped,
        }
        self.environment.globals.update(functions)
        self.environment.filters["join"] = join
        self.imported: set[tuple[str, str]] = set()
        self.support: dict[str, str] = {}  # in the order of use, each before those who use it
        self.taken: frozenset[str] = frozenset()  # the author's names
        self.records = Records()
        self.layer_words: frozenset[str] = frozenset()  # and words in those of his layers
        self.untyped = (
            False  # whether the file calls a constructor that its framework leaves untyped
        )

    def spell(self, op: str, context: Mapping[str, Any]) -> Code:
        """The expression for an op."""
        template = self.environment.get_template(f"{self.target}/ops/{op}.jinja")
        return Code(node_of(template.render(context)))

    def knows(self, op: str) -> bool:
        return self._has(f"ops/{op}")

    def knows_init(self, word: str) -> bool:
        return self._has(f"init/{word}")

    def knows_support(self, name: str) -> bool:
        return self._has(f"support/{name}")

    def _has(self, template: str) -> bool:
        try:
            self.environment.get_template(f"{self.target}/{template}.jinja")
        except jinja2.TemplateNotFound:
            return False
        return True

    def is_ours(self, template: str) -> bool:
        """Whether a template is not one of the user's."""
        found = self.environment.get_template(f"{self.target}/{template}.jinja").filename
        return found is not None and Path(found).is_relative_to(TEMPLATES)

    def support_names(self) -> set[str]:
        """The names of all the target's pieces of support."""
        folder = f"{self.target}/support/"
        found = self.environment.list_templates(extensions=["jinja"])
        return {
            name.removeprefix(folder).removesuffix(".jinja")
            for name in found
            if name.startswith(folder)
        }

    def use(self, name: str) -> str:
        """Ask for a piece of support by name."""
        if name not in self.support:
            template = self.environment.get_template(f"{self.target}/support/{name}.jinja")
            text = template.render(name=self.called(name)).strip()
            self.support[name] = "\n".join(laid_out(text))  # after what it uses itself
        return self.called(name)

    def write(self, name: str, define: Callable[[str], Statement]) -> str:
        """Ask for a piece of support that `define` makes, by what it is called, when it is first
        asked for; unless a user has a template of that name.
        """
        if self.knows_support(name):
            return self.use(name)
        if name not in self.support:
            self.support[name] = printed([define(self.called(name))]).text
        return self.called(name)

    def functions(self) -> set[str]:
        """What those pieces of support are called that are functions."""
        return {self.called(name) for name in self.support_names() if name.islower()}

    def called(self, name: str) -> str:
        """What a piece of support is called: it steps aside for names of the author."""
        while name in self.taken:
            name += "Module" if name[0].isupper() else "_"
        return name

    def beside(self, word: str) -> str:
        """What ends the name of a layer of ours that belongs to one of the author's: none of his
        ends with an underscore.
        """
        ends = (other == word or other.endswith(f"_{word}") for other in self.layer_words)
        return f"{word}_" if any(ends) else word

    def imports(self, module: str, name: str = "") -> str:
        """`import module` (also `torch.nn.functional as F`), or `from module import name`."""
        self.imported.add((module, name))
        return ""

    def node(self, expression: Expression) -> Node:
        """An expression as a node; what it needs is imported, or written into the file."""
        self.provide(expression)
        return node(expression)

    def provide(self, expression: Expression) -> None:
        """Import, or write into the file, what the code of an expression calls."""
        for need in sorted(support(expression)):
            if need == "math":
                self.imports("math")
            else:
                self.use(need)

    def define(self, records: Records) -> None:
        """Write the classes of records into the file."""
        self.records = records
        classes = [*records.classes.values()]
        if classes:
            self.imports("typing", "NamedTuple")
        if any(type is None for each in classes for _, type in each.fields):
            self.imports("typing", "Any")
        for each in classes:
            self.support[each.name] = printed([each.definition()]).text

    def spell_init(self, word: str, context: Mapping[str, Any]) -> Code:
        """The statement or expression for an initial distribution."""
        template = self.environment.get_template(f"{self.target}/init/{word}.jinja")
        return Code(node_of(template.render(context)))

    def page(self, **context: Any) -> str:
        """The whole file."""
        template = self.environment.get_template(f"{self.target}/model.jinja")
        imports = printed(self.import_lines()).text
        text = template.render(
            context, imports=imports, support=list(self.support.values()), untyped=self.untyped
        )
        return text.rstrip("\n") + "\n"

    def note_untyped(self) -> str:
        self.untyped = True
        return ""

    def import_lines(self) -> list[Statement]:
        """The import statements in the order of isort: the standard library, then the rest."""
        groups: list[list[Statement]] = [[], []]
        names: dict[str, set[str]] = {}
        for module, name in self.imported:
            names.setdefault(module, set()).add(name)
        for third_party in (False, True):
            modules = sorted(
                m for m in names if (m.split(".")[0] in ("torch", "keras", "numpy")) == third_party
            )
            lines = groups[third_party]
            lines += [Import(module) for module in modules if "" in names[module]]
            for module in modules:
                if listed := sorted(names[module] - {""}, key=_isort_key):
                    lines.append(Import(module, tuple(listed)))
        return [*groups[0], *([Blank()] if groups[0] and groups[1] else []), *groups[1]]


def _isort_key(name: str) -> tuple[int, str]:
    """Constants, then classes, then the rest."""
    return (0 if name.isupper() and len(name) > 1 else 1 if name[0].isupper() else 2, name)
