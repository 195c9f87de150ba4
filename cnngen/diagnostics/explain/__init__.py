"""Explanations: the page of each diagnostic code, `CODE.md` in this folder."""

from pathlib import Path

from cnngen.diagnostics.codes import CODES


def explain(code: str) -> str | None:
    """The page of a code: what it means, a spec that fails, what is printed, the spec mended."""
    if code not in CODES:
        return None
    return Path(__file__).with_name(f"{code}.md").read_text(encoding="utf-8")


def summary_of(page: str) -> str:
    """What a page says before its example, without its title; a line for each paragraph."""
    _, *paragraphs = page.partition("\n\nExample:\n")[0].split("\n\n")
    return "\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
