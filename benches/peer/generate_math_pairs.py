"""Pairs of mathematical answers whose verdict is known by construction, as JSON lines.

Each kind draws an exact value, writes it twice in notations drawn at random, and for a different pair writes a
neighbour instead. A value is a Python object with exactly one form for each meaning (reduced fractions, sorted sets,
coefficients, prime exponents), so two values are equal when Python says so, and no grader and no algebra system is asked
for the truth. What depends on a grader's policy (percent against a bare number, rounded decimals, the order of a list's
elements, dropped units) is not drawn.

One seed gives one file. Only the standard library is used.
"""

import argparse
import json
import random
from dataclasses import dataclass
from typing import Any, Callable

from math_pairs import KINDS


@dataclass
class Kind:
    """`draw` gives a value, `near` one that is easily taken for it, `write` a text that means it."""

    name: str
    draw: Callable[[random.Random], Any]
    near: Callable[[random.Random, Any], Any]
    write: Callable[[random.Random, Any], str]

    def pair(self, rng: random.Random, equal: bool) -> dict:
        gold = self.draw(rng)
        other = gold if equal else self.other(rng, gold)
        gold_text, answer_text = self.write(rng, gold), self.write(rng, other)
        if equal and gold_text == answer_text:
            # The same text twice tests little; a second try usually finds another notation.
            answer_text = self.write(rng, other)
        return {"kind": self.name, "gold": gold_text, "answer": answer_text, "equal": equal}

    def other(self, rng: random.Random, gold: Any) -> Any:
        while True:
            # Three neighbours to one stranger: strangers are easily told apart.
            value = self.near(rng, gold) if rng.random() < 0.75 else self.draw(rng)
            if value != gold:
                return value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--each", type=int, default=100, help="pairs of each kind, half of them equal")
    options = parser.parse_args()
    for name, draw, near, write in KINDS:
        kind = Kind(name, draw, near, write)
        # A stream for each kind, so that a new kind changes no other's pairs.
        rng = random.Random(f"{options.seed} {name}")
        for number in range(options.each):
            print(json.dumps(kind.pair(rng, equal=number % 2 == 0), ensure_ascii=False))


if __name__ == "__main__":
    main()
