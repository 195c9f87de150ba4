"""Specs with random changes are checked without a traceback, and built if they are good."""

import ast
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_cases import cases
from untrusted import check

from cnngen.targets.registry import find_target

SPECS = sorted((Path(__file__).parent.parent / "specs").glob("*.yaml"))
BASES = [*(path.read_text(encoding="utf-8") for path in SPECS), *(case.spec for case in cases())]
WORDS = sorted(
    {word for text in BASES for word in re.findall(r"[\w.]+|[^\w\s]+", text)}
    | {"\t", "\n", " ", "*", "&a", "!x", "<<", "~", "null", "\u2028", "10**9"}
)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A spec with a few letters, words or lines changed."""
    text = draw(st.sampled_from(BASES))
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(["letter", "word", "line", "swap", "cut", "indent"]))
        lines = text.splitlines(keepends=True)
        at = draw(st.integers(0, max(0, len(text) - 1)))
        row = draw(st.integers(0, max(0, len(lines) - 1)))
        if kind == "letter":
            text = text[:at] + draw(st.characters(exclude_categories=["Cs"])) + text[at + 1 :]
        elif kind == "word":
            spans = [found.span() for found in re.finditer(r"[\w.]+|[^\w\s]+", text)]
            if spans:
                start, end = draw(st.sampled_from(spans))
                text = text[:start] + draw(st.sampled_from(WORDS)) + text[end:]
        elif kind == "line" and lines:
            other = draw(st.sampled_from(lines))
            text = "".join([*lines[:row], other, *lines[row + draw(st.integers(0, 1)) :]])
        elif kind == "swap" and lines:
            other = draw(st.integers(0, len(lines) - 1))
            lines[row], lines[other] = lines[other], lines[row]
            text = "".join(lines)
        elif kind == "cut":
            text = text[:at] + text[at + draw(st.integers(1, 40)) :]
        elif kind == "indent" and lines:
            lines[row] = draw(st.sampled_from(["  ", " ", "", "- "])) + lines[row].lstrip(" ")
            text = "".join(lines)
    return text


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(mutated())
def test_changed_specs_are_checked_without_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, text: str
):
    network, _ = check(text, tmp_path_factory.getbasetemp())
    if network and len(network.layers) < 2000:
        for target in ("torch", "keras"):
            ast.parse(find_target(target).render(network))
