"""Waiting: what a long run is doing, on stderr, at a terminal or in the log of a CI job."""

import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

import click

from cnngen.diagnostics.terminal import safe

PATIENCE = 5.0  # seconds without a word
STILL = 30.0  # seconds until the same is said again


@dataclass(slots=True)
class Waiting:
    """Says what is being done: at a terminal in one line that changes, elsewhere in a line each.

    Elsewhere, phases that end within `PATIENCE` seconds of the last line are not mentioned.
    """

    label: str
    terminal: bool = field(default_factory=lambda: bool(sys.stderr) and sys.stderr.isatty())
    started: float = field(default_factory=lambda: time.monotonic())
    place: str = ""  # of several, where the same phases follow each other
    phase: str = ""
    said: tuple[str, float] = ("", 0.0)  # the last phase that was said, and when
    over: threading.Event = field(default_factory=threading.Event)

    def __call__(self, phase: str) -> None:
        self.phase = ", ".join([self.place, phase] if self.place else [phase])
        self.say()

    def say(self) -> None:
        now = time.monotonic() - self.started
        if self.terminal:
            click.echo(f"\r\x1b[K{safe(self._line(now))}", nl=False, err=True)
            return
        phase, last = self.said
        if now - last >= (STILL if phase == self.phase else PATIENCE):
            self.said = self.phase, now
            click.echo(safe(self._line(now)), err=True)

    def _line(self, seconds: float) -> str:
        minutes, seconds = divmod(round(seconds), 60)
        return f"{self.label}: {self.phase} ({minutes}:{seconds:02})"

    def watch(self) -> None:
        """Repeat what is being done while it takes long."""
        while not self.over.wait(1.0):
            if self.phase:
                self.say()


@contextmanager
def waiting(label: str) -> Generator[Waiting]:
    """Say what `label` is doing, until the block ends."""
    found = Waiting(label)
    thread = threading.Thread(target=found.watch, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        found.over.set()
        thread.join()
        if found.terminal:
            click.echo("\r\x1b[K", nl=False, err=True)
