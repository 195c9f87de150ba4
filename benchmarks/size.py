"""The size meter: how long generated files and our own are, against what we allow ourselves.

    python benchmarks/size.py

Generated files are measured in lines of code, without blank lines, comments and docstrings; our own
in lines. Ends with 1 where one is too long. A file of ours that needs to be longer stands in
`EXCUSED` with its reason.
"""

import ast
import io
import sys
import tokenize
from pathlib import Path

ROOT = Path(__file__).parent.parent
LONGEST = 300
BUDGETS = {  # lines of code for PyTorch and for Keras; torchvision needs 138, 185 and 157
    "densenet121": {"torch": 70, "keras": 60},
    "googlenet": {"torch": 105, "keras": 85},
    "resnet50": {"torch": 62, "keras": 60},
}
EXCUSED = {
    "cnngen/schema.py": "the schema, one definition after the other",
    "cnngen/expressions/evaluate.py": "the values of expressions, one kind after the other",
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
    """Print the longest of our files; whether none is too long without an excuse."""
    files = [*(ROOT / "cnngen").rglob("*.py"), *(ROOT / "templates").rglob("*.jinja")]
    sizes = {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8").count("\n")
        for path in files
    }
    print(f"\n{'the ten longest of ours':<44} {'lines':>9}")
    passed: list[bool] = []
    for rank, (name, lines) in enumerate(sorted(sizes.items(), key=lambda item: -item[1])):
        passed.append(lines <= LONGEST or name in EXCUSED)
        if rank < 10 or not passed[-1]:
            verdict = EXCUSED.get(name) or "" if passed[-1] else f"too long, over {LONGEST}"
            print(f"{name:<44} {lines:>9}  {verdict}".rstrip())
    modules = sorted(lines for name, lines in sizes.items() if name.endswith(".py"))
    total = sum(sizes.values())
    print(f"\n{len(sizes)} files, {total:,} lines; half of the modules have at most ", end="")
    print(f"{modules[len(modules) // 2]}")
    stale = [name for name in EXCUSED if sizes.get(name, 0) <= LONGEST]
    if stale:
        print(f"no longer to be excused: {', '.join(stale)}")
    return [*passed, not stale]


if __name__ == "__main__":
    main()
