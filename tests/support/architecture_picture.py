"""The picture of `docs/architecture.md`: the passes of the compiler, and what each makes.

What stands beside an arrow is a pass: where it is a function here, its name and its folder are taken
from it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from html import escape

from cnngen.draw.metrics import width
from cnngen.plan.lower import lower
from cnngen.semantics.elaborate import elaborate
from cnngen.semantics.resolve import resolve
from cnngen.syntax.parse import parse
from cnngen.syntax.read import read

STYLE = """\
text { font-family: Helvetica, Arial, "Liberation Sans", sans-serif; font-size: 12px; fill: #1a1a1a; text-anchor: middle; }
.paper { fill: #fff; }
.title { font-weight: bold; }
.small { font-size: 10px; fill: #444; }
.pass { font-style: italic; }
.own { text-anchor: start; }
.box { stroke-width: 1.2; }
.text { fill: #f2f2f2; stroke: #777; }
.syntax { fill: #d6eaf8; stroke: #0072b2; }
.semantics { fill: #d1f0e4; stroke: #009e73; }
.plan { fill: #fdebd0; stroke: #d55e00; }
.target { fill: #f3e3f0; stroke: #aa4499; }
.panel { fill: #fafafa; stroke: #ccc; }
.arrow { fill: none; stroke: #444; stroke-width: 1.1; marker-end: url(#tip); }
.tip { fill: #444; }
.aside { stroke-dasharray: 4 3; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .paper { fill: #0d1117; }
  .small { fill: #b1bac4; }
  .text { fill: #21262d; stroke: #8b949e; }
  .syntax { fill: #10304a; stroke: #56b4e9; }
  .semantics { fill: #0c3a2d; stroke: #2ac39a; }
  .plan { fill: #4a2a10; stroke: #e69f5a; }
  .target { fill: #43203b; stroke: #cc79a7; }
  .panel { fill: #161b22; stroke: #484f58; }
  .arrow { stroke: #b1bac4; }
  .tip { fill: #b1bac4; }
}
"""
WIDTH, HEIGHT = 720, 744
BOX = (190, 40)
FIRST, STEP = 16, 84  # where boxes begin, and how far apart they are
MAIN, LEFT, RIGHT, BESIDE = 300, 160, 440, 605  # the middles of columns


@dataclass(frozen=True)
class Form:
    """What a pass is given or makes: a box."""

    kind: str
    title: str
    about: str
    row: float
    column: int = MAIN
    size: tuple[int, int] = BOX

    @property
    def top(self) -> float:
        return FIRST + STEP * self.row

    @property
    def bottom(self) -> float:
        return self.top + self.size[1]


TEXT = Form("text", "text", "thicket.yaml", 0)
NODES = Form("syntax", "YAML nodes", "what the file says, and where", 1)
TREE = Form("syntax", "tree", "blocks, stages, steps, expressions", 2)
RESOLUTION = Form("semantics", "resolution", "what each name means", 3)
NETWORK = Form("semantics", "network", "a graph of layers, with shapes", 4)
PROGRAM = Form("plan", "program", "units, loops, joins; channels as symbols", 5, size=(230, 40))
PLANS = [
    Form("target", "plan of PyTorch", "Sequential or forward", 6, LEFT),
    Form("target", "plan of Keras", "explicit pads, late strides", 6, RIGHT),
]
CODE = [
    Form("target", "Python nodes", "classes, statements", 7, LEFT),
    Form("target", "Python nodes", "functions, statements", 7, RIGHT),
]
FILES = [
    Form("text", "text of 100 columns", "thicket_torch.py", 8, LEFT),
    Form("text", "text of 100 columns", "thicket_keras.py", 8, RIGHT),
]
ASIDES = [
    Form("panel", "diagnostics", "place, excerpt, remedy", 2, BESIDE, (190, 40)),
    Form("panel", "what shows a network", "summary, sizes, draw, diff, ...", 4, BESIDE, (190, 40)),
]


def picture() -> str:
    """The picture as SVG."""
    forms = [TEXT, NODES, TREE, RESOLUTION, NETWORK, PROGRAM, *PLANS, *CODE, *FILES, *ASIDES]
    arrows = [
        passed(TEXT, NODES, read),
        passed(NODES, TREE, parse),
        passed(TREE, RESOLUTION, resolve),
        passed(RESOLUTION, NETWORK, elaborate),
        passed(NETWORK, PROGRAM, lower),
        *(split(PROGRAM, plan) for plan in PLANS),
        *(arrow(plan, code) for plan, code in zip(PLANS, CODE, strict=True)),
        *(arrow(code, file) for code, file in zip(CODE, FILES, strict=True)),
        *(reported(form, ASIDES[0]) for form in (NODES, TREE, RESOLUTION, NETWORK)),
        shown(NETWORK, ASIDES[1]),
    ]
    notes = [
        note("shared", MAIN, between(PLANS[0]), "lower", "targets/"),
        note("shared", MAIN, between(CODE[0]), "emit", "targets/"),
        note("shared", MAIN, between(FILES[0]), "print", "python/"),
    ]
    return "".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
            f'viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="title about">\n',
            '<title id="title">The passes of cnngen</title>\n',
            '<desc id="about">From the text of a spec, by way of YAML nodes, tree, resolution, ',
            "network and program, to the plans, Python nodes and texts of both targets.</desc>\n",
            f"<style>\n{STYLE}</style>\n",
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" ',
            'markerHeight="6" orient="auto"><path class="tip" d="M0 0 L8 4 L0 8 z"/></marker></defs>',
            '\n<rect class="paper" width="100%" height="100%"/>\n',
            *arrows,
            *map(box, forms),
            *notes,
            "</svg>\n",
        ]
    )


def box(form: Form) -> str:
    wide, high = form.size
    return (
        f'<rect class="box {form.kind}" x="{form.column - wide / 2:g}" y="{form.top:g}" '
        f'width="{wide}" height="{high}" rx="4"/>\n'
        + text("title", form.column, form.top + 17, form.title, 12, bold=True)
        + text("small", form.column, form.top + 32, form.about, 10)
    )


def text(kind: str, x: float, y: float, words: str, size: float, bold: bool = False) -> str:
    """A text as long as it is in Helvetica, whatever font there is."""
    length = width(words, size, bold)
    return (
        f'<text class="{kind}" x="{x:g}" y="{y:g}" textLength="{length:.1f}" '
        f'lengthAdjust="spacingAndGlyphs">{escape(words)}</text>\n'
    )


def passed(before: Form, after: Form, function: Callable[..., object]) -> str:
    """An arrow, and the function that leads along it."""
    folder = f"{function.__module__.split('.')[1]}/"
    return arrow(before, after) + note("own", MAIN + 8, between(after), function.__name__, folder)


def note(kind: str, x: float, y: float, name: str, folder: str) -> str:
    """A pass, beside its `own` arrow or between those that `shared` it."""
    return text(f"{kind} pass", x, y - 2, name, 12) + text(f"{kind} small", x, y + 10, folder, 10)


def between(after: Form) -> float:
    """The middle of the way to a form."""
    return after.top - (STEP - BOX[1]) / 2


def arrow(before: Form, after: Form) -> str:
    return path(f"M{after.column},{before.bottom:g} L{after.column},{after.top - 1:g}")


def split(before: Form, after: Form) -> str:
    at, aside = between(after), 60 if after.column > before.column else -60
    start = before.column + aside
    return path(
        f"M{start},{before.bottom:g} C{start},{at + 8:g} {after.column},{at - 12:g} "
        f"{after.column},{after.top - 1:g}"
    )


def reported(made: Form, after: Form) -> str:
    """From the pass that makes a form to what it has to say."""
    start, end = made.column + 70, after.column - after.size[0] / 2
    y, to = between(made), after.top + after.size[1] / 2
    middle = (start + end) / 2 + 20
    return path(f"M{start:g},{y:g} C{middle:g},{y:g} {middle:g},{to:g} {end - 1:g},{to:g}", "aside")


def shown(before: Form, after: Form) -> str:
    start, end = before.column + before.size[0] / 2, after.column - after.size[0] / 2
    y = before.top + before.size[1] / 2
    return path(f"M{start:g},{y:g} L{end - 1:g},{y:g}", "aside")


def path(d: str, kind: str = "") -> str:
    return f'<path class="{f"arrow {kind}".rstrip()}" d="{d}"/>\n'
