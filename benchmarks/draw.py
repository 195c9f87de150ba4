"""How long pictures take: making them, and using the page to explore a network in a browser.

    python benchmarks/draw.py

Prints two tables and ends with 1 where a time exceeds a second. The first has times of whole
processes, the second what a user waits for in headless Chromium, which must be installed with its
driver: from an event until the page has changed and is drawn.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from support.browser import browser

RUNS = 5
LIMIT = 1.0  # seconds
PICTURES = [
    ("densenet121", "--depth", "1"),
    ("resnet1202_cifar10", "--depth", "0"),
    ("inception_resnet_v2", "--depth", "0"),
]
PAGES = ["densenet264", "preact_resnet1001_cifar10"]  # of 1,061 and 3,669 layers
LAST = {"densenet264": "head.2", "preact_resnet1001_cifar10": "features.2.110.add"}

# What an event costs until the browser has drawn what came of it.
TIMED = """
const done = arguments[arguments.length - 1];
const start = performance.now();
{event}
requestAnimationFrame(() => requestAnimationFrame(() => done((performance.now() - start) / 1000)));
"""
EVENTS = {
    "open a block": "toggle(boxes.find(({box}) => box.inside !== null));",
    "open all": "openAll(true);",
    "choose a layer": "choose(boxes[boxes.length - 2]);",
    "zoom": "zoom(1.25);",
    "search a letter": "find('e');",
    "go to a layer": "find('LAST'); arrive(hits[0]);",
    "close all": "openAll(false);",
}


def main() -> int:
    slow = False
    print(f"{'picture':40} seconds")
    for spec, *options in PICTURES:
        taken = median(draw(spec, *options) for _ in range(RUNS))
        slow |= taken > LIMIT
        print(f"{' '.join((spec, *options)):40} {taken:7.2f}")
    with browser() as driver, tempfile.TemporaryDirectory() as folder:
        for spec in PAGES:
            file = Path(folder, f"{spec}.html")
            made = draw(spec, "-o", str(file))
            print(f"\n{spec}.html ({file.stat().st_size / 1e6:.1f} MB, made in {made:.1f} s)")
            for event, taken in events(driver, file, spec):
                slow |= taken > LIMIT
                print(f"  {event:38} {taken:7.2f}")
    return int(slow)


def draw(spec: str, *options: str) -> float:
    start = time.perf_counter()
    command = [sys.executable, "-m", "cnngen", "draw", spec, *options]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def events(driver, file: Path, spec: str) -> Iterator[tuple[str, float]]:
    start = time.perf_counter()
    driver.get(file.as_uri())
    driver.execute_async_script(TIMED.replace("{event}", ""))
    yield "load the page", time.perf_counter() - start
    for name, event in EVENTS.items():
        script = TIMED.replace("{event}", event.replace("LAST", LAST[spec]))
        yield name, driver.execute_async_script(script)


if __name__ == "__main__":
    sys.exit(main())
