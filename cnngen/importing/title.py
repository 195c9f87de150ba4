"""Title: what a spec is called, after a model."""

import re

from cnngen.syntax.naming import LONGEST_NAME, can_be_called

WORDS = re.compile(r"[A-Za-z0-9]+")
NET = "Net"


def title_of(name: str) -> str:
    """`densenet121` -> `Densenet121`, `resnet50.a1` -> `Resnet50A1`, `UNet` -> `UNet`."""
    words: list[str] = WORDS.findall(name)
    title = ""
    for word in words:
        apart = title[-1:].isdigit() and word[0].isdigit()  # two numbers are not one
        title += ("_" if apart else "") + word[0].upper() + word[1:]
    title = title.lstrip("0123456789_")[:LONGEST_NAME].rstrip("_")
    title = title[:1].upper() + title[1:]
    return title if can_be_called(title, "spec") else f"{title[: LONGEST_NAME - len(NET)]}{NET}"


def stem_of(title: str) -> str:
    """A name for a file of that spec: `Densenet121` -> `densenet121`."""
    return title.lower()
