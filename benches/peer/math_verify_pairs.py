"""math-verify's verdict and time for each pair of answers: JSON lines in (`gold`, `answer`), JSON lines out.

Each pair is parsed on both sides and verified, with its timeouts on, as a reward would do it. An error or a timeout is the
verdict `null`. LaTeX is recognised only where delimiters say so, so `--wrap` puts both answers between dollars or into a
box, unless they are already; `none` leaves them as they are. Dollars around everything served it best.
"""

import argparse
import json
import logging
import re
import sys
import time

from math_verify import parse, verify
from math_verify.errors import TimeoutException

WRAPS = {"none": "{}", "dollars": "${}$", "boxed": "\\boxed{{{}}}"}
DELIMITED = re.compile(r"(?<!\\)\$.*(?<!\\)\$|\\\(|\\\[|\\boxed")


def wrapped(text: str, wrap: str) -> str:
    return text if DELIMITED.search(text) else WRAPS[wrap].format(text)


def judged(gold: str, answer: str) -> bool | None:
    try:
        # Both raise at a timeout or an error that they would otherwise log and call a difference.
        return verify(parse(gold, raise_on_error=True), parse(answer, raise_on_error=True), raise_on_error=True)
    except (Exception, TimeoutException):  # the latter is none of the former
        return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wrap", choices=sorted(WRAPS), default="dollars")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    pairs = [json.loads(line) for line in sys.stdin]
    texts = [(wrapped(pair["gold"], options.wrap), wrapped(pair["answer"], options.wrap)) for pair in pairs]
    # The first pair of a process pays for imports and tables.
    judged("$\\frac{1}{2}$", "$x^2+1$")
    for gold, answer in texts:
        started = time.perf_counter()
        verdict = judged(gold, answer)
        print(json.dumps({"equal": verdict, "seconds": time.perf_counter() - started}))


if __name__ == "__main__":
    main()
