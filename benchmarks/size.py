"""The size meter: how long generated files and our own are, against what we allow ourselves.

    python benchmarks/size.py

Generated files are measured in lines of code, without blank lines, comments and docstrings. A file
of ours holds one idea and may be as long as that takes, but each of its functions fits on a screen.
Ends with 1 where a generated file or a function is too long.
"""

import ast
import io
import sys
import tokenize
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent
SCREEN = 50  # lines of a function, without its signature and docstring
SHOWN = 10
BUDGETS = {  # lines of code for PyTorch and for Keras; torchvision needs 138, 185 and 157
    "densenet121": {"torch": 70, "keras": 60},
    "googlenet": {"torch": 105, "keras": 85},
    "hrnet_w18": {"torch": 202, "keras": 128},  # timm needs 477, and its blocks
    "resnet50": {"torch": 64, "keras": 60},  # two lines for a sum that works in place
}
SILENT = {
    *(tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT),
    *(tokenize.ENCODING, tokenize.ENDMARKER),
}


def main() -> None:
    passed = [*generated(), *ours()]
    sys.exit(not all(passed))


def generated() -> list[bool]:
    """Print the sizes of generated files; whether each keeps to its budget."""
    print(f"{'generated, lines of code':<44} {'torch':>9} {'keras':>9}")
    passed: list[bool] = []
    folder = ROOT / "generated"
    for stem in sorted({path.stem.rpartition("_")[0] for path in folder.glob("*.py")}):
        cells: list[str] = []
        for target in ("torch", "keras"):
            path = folder / f"{stem}_{target}.py"
            lines = code_lines(path.read_text(encoding="utf-8")) if path.exists() else 0
            budget = BUDGETS.get(stem, {}).get(target)
            passed.append(budget is None or lines <= budget)
            cells.append(f"{lines} / {budget}" if budget else str(lines))
        print(f"{stem:<44} {cells[0]:>9} {cells[1]:>9}{'' if all(passed[-2:]) else '  too long'}")
    return passed


def code_lines(source: str) -> int:
    """The lines that hold code: more than a comment or a docstring."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None:
            text = node.body[0]
            docstrings |= set(range(text.lineno, (text.end_lineno or text.lineno) + 1))
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in SILENT:
            lines |= set(range(token.start[0], token.end[0] + 1))
    return len(lines - docstrings)


def ours() -> list[bool]:
    """Print the longest of our files and functions; whether every function fits on a screen."""
    texts = {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
        for path in [*(ROOT / "cnngen").rglob("*.py"), *(ROOT / "templates").rglob("*.jinja")]
    }
    files = {name: text.count("\n") for name, text in texts.items()}
    functions = {
        f"{name}: {function}": lines
        for name, text in texts.items()
        if name.endswith(".py")
        for function, lines in statements(text)
    }
    show_longest("files", files)
    modules = sorted(lines for name, lines in files.items() if name.endswith(".py"))
    print(
        f"{len(files)} files, {sum(files.values()):,} lines; half of the modules have at most ",
        end="",
    )
    print(modules[len(modules) // 2])
    too_long = sum(lines > SCREEN for lines in functions.values())
    show_longest("functions", functions, SCREEN)
    return [too_long == 0]


def show_longest(what: str, sizes: Mapping[str, int], bound: int | None = None) -> None:
    """Print the longest, and all that are longer than allowed."""
    print(f"\n{f'the {SHOWN} longest {what} of ours':<64} {'lines':>5}")
    for rank, (name, lines) in enumerate(sorted(sizes.items(), key=lambda item: -item[1])):
        is_long = bound is not None and lines > bound
        if rank < SHOWN or is_long:
            print(f"{name:<64} {lines:>5}{f'  too long, over {bound}' if is_long else ''}")


def statements(source: str) -> Iterator[tuple[str, int]]:
    """Each function with the lines of its statements: without signature and docstring."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            described = ast.get_docstring(node, clean=False) is not None
            body = node.body[1:] if described else node.body
            yield node.name, (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


if __name__ == "__main__":
    main()
