"""Obstacle: what keeps a fix from changing a file."""

import os
from pathlib import Path

from cnngen.locate import zoo
from cnngen.shipped import SPECS, is_here


def obstacle(path: Path) -> str | None:
    """Why no fix may change a file, as the end of a sentence that begins with its name."""
    if path.is_symlink():
        return "is a link"
    real = path.resolve()
    if not is_here() and (real.is_relative_to(SPECS.resolve()) or real in zoo().values()):
        return "ships with cnngen"
    return None if os.access(path, os.W_OK) else "cannot be written"
