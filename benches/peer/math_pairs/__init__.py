"""The kinds of answers that `generate_math_pairs.py` draws: how each is drawn, mistaken, and written.

A kind is a row of `KINDS`: name, `draw(rng)`, `near(rng, value)`, `write(rng, value)`. Values compare equal exactly when
they mean the same; a comment beside a `draw` says why its form is the only one where that is not plain.
"""

from . import algebra, collections_of, constants, names, numbers

KINDS = numbers.KINDS + constants.KINDS + algebra.KINDS + collections_of.KINDS + names.KINDS
