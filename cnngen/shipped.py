"""The folders of templates and of the zoo: beside the package in a checkout, inside of it in a
wheel.
"""

from pathlib import Path

_PACKAGE = Path(__file__).parent


def _shipped(folder: str) -> Path:
    """A top-level folder of the project, which the wheel carries as `cnngen/_FOLDER`."""
    inside = _PACKAGE / f"_{folder}"
    return inside if inside.is_dir() else _PACKAGE.parent / folder


TEMPLATES = _shipped("templates")
SPECS = _shipped("specs")
