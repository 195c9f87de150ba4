"""Small networks of the traps, each behind a convolution."""

from textwrap import dedent, indent

from cnngen.ops.base import Image
from support.built_models import Built, build

SIZES = {"even": Image(4, 8, 8), "odd": Image(4, 9, 7)}


def network(body: str, size: Image = SIZES["even"]) -> Built:
    """A stage behind one that makes values of both signs in as many channels as the input has."""
    return build(spec(body, size, stem=f"{{conv: {{out: {size.channels}, kernel: 1}}}}"))


def spec(body: str, size: Image, stem: str) -> str:
    """`body` is a step, or steps; above a line of `===` may stand blocks."""
    body = dedent(body).strip()
    blocks, _, steps = body.rpartition("===")
    steps = steps.strip()
    return "\n".join(
        [
            "cnngen: 1",
            "name: Trap",
            "about: Where the frameworks differ",
            f"input: {{channels: {size.channels}, height: {size.height}, width: {size.width}}}",
            *(["blocks:", indent(blocks.strip(), "  ")] if blocks else []),
            "model:",
            f"  stem: {stem}",
            "  trap:",
            indent(steps if steps.startswith(("-", "[")) else f"- {steps}", "    "),
            "",
        ]
    )


def braced(step: str) -> str:
    return f"{{{step}}}" if ":" in step else step
