"""What the measuring scripts share: threads, peak memory, times as one line of JSON on standard output."""

import json
import os
import sys
import time
from pathlib import Path

# Nothing here may reach for a hub, and a progress bar costs time.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")


def memory() -> dict[str, int]:
    """Resident memory of this process now and at its peak, in bytes, as the kernel counts it."""
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    kib = lambda name: int(fields[name].split()[0]) * 1024
    return {"now": kib("VmRSS"), "peak": kib("VmHWM")}


def read_batch(path: Path) -> dict:
    """`prompts` and `sequences` as lists of token ids, and `prompt_length`; the same file that our side reads."""
    return json.loads(path.read_text())


def timed(work) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def repeated(work, warm_up: int, repeats: int) -> list[float]:
    seconds = [timed(work) for _ in range(warm_up + repeats)]
    return seconds[warm_up:]


def report(**values) -> None:
    print(json.dumps(values))
    sys.stdout.flush()
