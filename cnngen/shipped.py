"""The folders of templates and of the zoo: beside the package in a checkout, inside of it in a
wheel.
"""

from pathlib import Path

_PACKAGE = Path(__file__).parent


def _shipped(folder: str) -> Path:
    """A top-level folder of the project, which the wheel carries as `cnngen/_FOLDER`."""
    inside = _PACKAGE / f"_{folder}"
    return inside if inside.is_dir() else _PACKAGE.parent / folder


def is_here() -> bool:
    """Whether somebody works in a checkout of cnngen, where the zoo is theirs to change."""
    inside = (_PACKAGE / "_specs").is_dir()
    return not inside and Path.cwd().resolve().is_relative_to(_PACKAGE.parent.resolve())


TEMPLATES = _shipped("templates")
SPECS = _shipped("specs")
