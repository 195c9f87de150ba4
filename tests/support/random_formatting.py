"""The same spec in another form: each seed draws brackets, quotes, indentation and comments."""

from itertools import zip_longest
from random import Random
from typing import TypeAlias

import yaml

Tree: TypeAlias = "str | list[Tree] | dict[str, Tree]"
DASH = "-"


def disarranged(text: str, seed: int) -> str:
    """A spec of the same meaning, whose comments say which key they stand above or behind."""
    return _Writer(Random(seed)).spec(yaml.load(text, yaml.BaseLoader))


def _items(tree: "list[Tree] | dict[str, Tree]") -> list[tuple[str, Tree]]:
    return list(tree.items()) if isinstance(tree, dict) else [(DASH, item) for item in tree]


class _Writer:
    def __init__(self, random: Random) -> None:
        self.random = random
        self.comments = random.choice([0, 0.1, 0.4])
        self.brackets = random.choice([0.1, 0.5, 0.9])
        self.count = 0

    def maybe(self, chance: float) -> bool:
        return self.random.random() < chance

    def pick(self, *choices: str) -> str:
        return self.random.choice(choices)

    def spec(self, tree: dict[str, Tree]) -> str:
        head = self.pick("", "", "---\n", "%YAML 1.1\n---  # start\n", "\n\n")
        tail = self.pick("", "\n", "\n\n\n", "\n...\n", "\n   ")
        return head + self.block(tree, 0).rstrip("\n") + tail

    def comment(self, place: str, key: str) -> str:
        self.count += 1
        return f"#{self.pick(' ', '', '  ')}{self.count} {place} {key}"

    def above(self, key: str, indent: int) -> str:
        """Blank lines and comments before an item; some are not indented as it is."""
        lines = ""
        while self.maybe(self.comments):
            lines += self.pick("", "", "\n", "\n\n\n") + " " * self.random.choice([indent, 0])
            lines += self.comment("above", key) + self.pick("\n", "  \n")
        return lines + self.pick("", "", "", "", "\n", "\n\n")

    def behind(self, key: str) -> str:
        if self.maybe(self.comments):
            return self.pick(" ", "  ", "      ") + self.comment("behind", key)
        return self.pick("", "", " ")

    def block(self, tree: "list[Tree] | dict[str, Tree]", indent: int) -> str:
        """The lines of a mapping or a list."""
        lines = ""
        for key, value in _items(tree):
            start = DASH if isinstance(tree, list) else f"{self.key(key)}:"
            lines += self.above(key, indent) + " " * indent + start
            lines += self.value(value, indent, key)
        return lines

    def value(self, value: Tree, indent: int, key: str) -> str:
        """What follows a key or a dash."""
        if isinstance(value, str):
            first, *rest = self.scalar(value, indent + 1, flow=False).split("\n", 1)
            if first.startswith(("|", ">")):
                return f" {first}{self.behind(key)}\n{rest[0]}\n"
            return " " + "\n".join([first, *rest]) + self.behind(key) + "\n"
        if value and not self.maybe(self.brackets):
            return self.below(value, indent, key)
        gap = " "
        if self.maybe(self.comments / 3):
            gap = f" {self.comment('behind', key)}\n{' ' * (indent + 1)}"
        return gap + self.bracketed(value, indent + 1) + self.behind(key) + "\n"

    def below(self, value: "list[Tree] | dict[str, Tree]", indent: int, key: str) -> str:
        """A block below its key or behind its dash."""
        deeper = indent + self.random.choice([1, 2, 2, 4])
        if key != DASH and isinstance(value, list) and self.maybe(0.3):
            deeper = indent
        block = self.block(value, deeper)
        on_line = deeper > indent + 1 and not block.lstrip(" ").startswith(("#", "\n"))
        if key == DASH and on_line and self.maybe(0.8):
            return block[indent + 1 :]
        return self.behind(key) + "\n" + block

    def bracketed(self, tree: Tree, indent: int) -> str:
        if isinstance(tree, str):
            return self.scalar(tree, indent, flow=True)
        items = _items(tree)
        breaks = self.maybe(0.3)
        text = self.pick("", " ")
        for (key, value), after in zip_longest(items, [key for key, _ in items[1:]]):
            text += self.entry(key, value, indent, bare=isinstance(tree, list))
            text += self.pick(",", ",", " ,") if after or self.maybe(0.2) else ""
            if breaks and self.maybe(0.6):
                lines = [self.behind(key)]
                if after and self.maybe(self.comments):
                    lines.append(" " * indent + self.comment("above", after))
                text += "\n".join([*lines, " " * indent])
            else:
                text += self.pick("", " ", "  ")
        return f"{{{text}}}" if isinstance(tree, dict) else f"[{text}]"

    def entry(self, key: str, value: Tree, indent: int, *, bare: bool) -> str:
        """An entry of a mapping, or an item of a list, which may be `bare` of its braces."""
        if not bare:
            return f"{self.key(key)}: {self.bracketed(value, indent)}"
        if isinstance(value, dict) and len(value) == 1 and self.maybe(0.6):
            return "".join(f"{self.key(k)}: {self.bracketed(v, indent)}" for k, v in value.items())
        return self.bracketed(value, indent)

    def key(self, key: str) -> str:
        return self.pick(key, key, key, f"'{key}'", f'"{key}"')

    def scalar(self, text: str, indent: int, *, flow: bool) -> str:
        """A value without quotes where that is safe in any place, or in some way with them."""
        margin = f"\n{' ' * (indent + 1)}"
        plain = text[:1].isalnum() and not set(text) & set(",[]{}?#:'\"\\\n")
        if plain and self.maybe(0.7):
            return text.replace(" ", margin, 1) if self.maybe(0.1) else text
        if text and not flow and self.maybe(0.2):
            return self.pick(">-", "|-") + margin + text
        if set(text) & set("'\\\n") or self.maybe(0.7):
            return yaml.dump(text, default_style='"', width=10_000, allow_unicode=True).strip()
        return f"'{text}'"
