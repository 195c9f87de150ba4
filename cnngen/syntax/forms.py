"""The words of steps that are neither ops nor blocks, and what may stand beside each."""

JOINS = ("concat", "add", "multiply", "mean", "max")

FORMS: dict[str, tuple[str, ...]] = {
    "repeat": ("do", "name", "from"),
    "each": ("do", "between", "name", "from"),
    "when": ("do", "else", "name", "from"),
    "branches": ("join", "name", "from"),
}
AROUND = ("name", "from")
FORM_PARTS = ("do", "else", "between", "join")  # nothing else has their names
PARTS = frozenset(key for keys in FORMS.values() for key in keys)
