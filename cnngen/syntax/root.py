"""Root: the folder out of which `extends` must not lead. Without YAML, as the cache asks, too."""

import os
from pathlib import Path

ROOT_MARKS = ("pyproject.toml", ".git")


def root_folder(spec: Path) -> Path:
    """The nearest folder above a resolved path that is marked as a project's, or its own."""
    marked = (f for f in spec.parents if any(os.path.exists(f / mark) for mark in ROOT_MARKS))
    return next(marked, spec.parent)
