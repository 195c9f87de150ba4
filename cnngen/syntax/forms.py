"""The words of steps that are neither ops, blocks nor attributes, and the keys that each allows
beside it.
"""

from cnngen.syntax.metrics import METRICS

APART = "list"  # the join that leaves maps apart
JOINS = ("concat", "add", "subtract", "multiply", "mean", "max", APART)

FORMS: dict[str, tuple[str, ...]] = {
    "repeat": ("do", "name", "from"),
    "each": ("do", "between", "name", "from"),
    "when": ("do", "else", "name", "from"),
    "branches": ("join", "name", "from"),
    "use": ("name", "from"),
}
AROUND = ("name", "from")
LOOPS = ("repeat", "each")
NOTHING = "nothing"  # behind the `else` of a branch that may be absent
FORM_PARTS = ("do", "else", "between", "join")  # nothing else has their names
PARTS = frozenset(key for keys in FORMS.values() for key in keys)

SPEC = (
    *("cnngen", "name", "about", "paper", "results", "extends", "params"),
    *("input", "inputs", "defaults", "blocks", "model", "outputs"),
)
PAPER = ("title", "authors", "year", "url")
RESULT = ("dataset", *METRICS, "protocol", "source")
TEXTS: dict[str, tuple[str, ...]] = {  # whose values are texts
    "about": (*SPEC, "body"),
    **dict.fromkeys(("title", "authors", "url"), PAPER),
    **dict.fromkeys(("dataset", "protocol", "source"), RESULT),
}
