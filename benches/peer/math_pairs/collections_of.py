"""Intervals, tuples, lists, sets and matrices: a value is a tuple of bounds or elements, sorted where order means nothing."""

from fractions import Fraction
from math import isqrt

from .numbers import fraction, write_fraction

INFINITY = 10**9


def draw_interval(rng):
    # low, whether it belongs, high, whether it belongs; infinity never belongs.
    low = rng.randint(-9, 6)
    high = low + rng.randint(1, 9)
    shape = rng.randrange(4)
    if shape == 0:
        return (-INFINITY, False, high, rng.random() < 0.5)
    if shape == 1:
        return (low, rng.random() < 0.5, INFINITY, False)
    return (low, rng.random() < 0.5, high, rng.random() < 0.5)


def write_interval(rng, value):
    low, low_in, high, high_in = value
    bound = lambda number: {-INFINITY: "-\\infty", INFINITY: "\\infty"}.get(number, str(number))
    left, right = "[" if low_in else "(", "]" if high_in else ")"
    if rng.random() < 0.3:
        left, right = rf"\left{left}", rf"\right{right}"
    return f"{left}{bound(low)},{rng.choice(['', ' '])}{bound(high)}{right}"


def near_interval(rng, value):
    low, low_in, high, high_in = value
    changes = []
    if abs(low) < INFINITY:
        changes += [(low, not low_in, high, high_in), (low - 1, low_in, high, high_in)]
    if abs(high) < INFINITY:
        changes += [(low, low_in, high, not high_in), (low, low_in, high + 1, high_in)]
    return rng.choice(changes)


def write_inequality(rng, value):
    low, low_in, high, high_in = value
    less = lambda closed: rng.choice(
        [r" \le ", r" \leq ", " ≤ ", "<=", r" \leqslant "] if closed else [" < ", "<", r" \lt "]
    )
    more = lambda closed: rng.choice([r" \ge ", r" \geq ", " ≥ ", ">="] if closed else [" > ", ">", r" \gt "])
    if low == -INFINITY:
        forms = [f"x{less(high_in)}{high}", f"{high}{more(high_in)}x", f"2x{less(high_in)}{2 * high}"]
        return rng.choice([*forms, f"-x{more(high_in)}{-high}"])
    if high == INFINITY:
        forms = [f"x{more(low_in)}{low}", f"{low}{less(low_in)}x", f"3x{more(low_in)}{3 * low}"]
        return rng.choice([*forms, f"x-{low}{more(low_in)}0" if low > 0 else f"-x{less(low_in)}{-low}"])
    return rng.choice([f"{low}{less(low_in)}x{less(high_in)}{high}", f"{high}{more(high_in)}x{more(low_in)}{low}"])


def draw_union(rng):
    # Two intervals with a gap between them, in order.
    low = rng.randint(-9, 0)
    ends = [low, low + rng.randint(1, 3), low + rng.randint(5, 7), low + rng.randint(8, 11)]
    return tuple(ends) + tuple(rng.random() < 0.5 for _ in ends)


def write_union(rng, value):
    a, b, c, d, *closed = value
    parts = [write_interval(rng, (a, closed[0], b, closed[1])), write_interval(rng, (c, closed[2], d, closed[3]))]
    if rng.random() < 0.4:
        parts.reverse()
    return rng.choice([r"\cup", r" \cup ", " ∪ ", " U "]).join(parts)


def near_union(rng, value):
    at = rng.randrange(8)
    changed = list(value)
    changed[at] = not changed[at] if at > 3 else changed[at] + (1 if at == 3 else -1 if at == 0 else 0)
    return tuple(changed)


def draw_tuple(rng):
    return tuple(
        fraction(rng) if rng.random() < 0.4 else Fraction(rng.randint(-12, 12)) for _ in range(rng.randint(2, 3))
    )


def write_tuple(rng, value):
    inner = rng.choice([",", ", "]).join(write_fraction(rng, element) for element in value)
    return rng.choice([f"({inner})", rf"\left({inner}\right)", f"( {inner} )"])


def near_tuple(rng, value):
    at = rng.randrange(len(value))
    changed = value[:at] + (rng.choice([-value[at], value[at] + 1]),) + value[at + 1 :]
    return rng.choice([changed, value[::-1], value[:-1] + (value[-1], Fraction(0)), value[:at] + value[at:][::-1]])


def draw_ascending(rng):
    return tuple(
        sorted({Fraction(rng.randint(-20, 20)) for _ in range(rng.randint(3, 5))} | {Fraction(1, 2), Fraction(30)})
    )


def write_list(rng, value):
    texts = [write_fraction(rng, element) for element in value]
    return rng.choice([",".join(texts), ", ".join(texts), ", ".join(texts[:-1]) + ", and " + texts[-1]])


def near_list(rng, value):
    return rng.choice([value[1:], value + (Fraction(31),), (value[0] - 1,) + value[1:]])


def write_set(rng, value):
    texts = [write_fraction(rng, element) for element in value]
    rng.shuffle(texts)
    inner = rng.choice([",", ", "]).join(texts)
    return rng.choice([rf"\{{{inner}\}}", rf"\left\{{{inner}\right\}}"])


def draw_pair_of_roots(rng):
    # a + sqrt(b) and a - sqrt(b), b no square.
    return (rng.randint(-9, 9), rng.choice([b for b in range(2, 40) if isqrt(b) ** 2 != b]))


def write_pair_of_roots(rng, value):
    a, b = value
    a = str(a) if a else ""
    plus = f"{a}+" if a else ""
    both = rf"{plus}\sqrt{{{b}}}, {a}-\sqrt{{{b}}}"
    return rng.choice([rf"{a}\pm\sqrt{{{b}}}", rf"{a} \pm \sqrt{{{b}}}", f"{a}±√{b}", both])


def near_pair_of_roots(rng, value):
    a, b = value
    return rng.choice([(-a, b), (a + 1, b), (a, 41)])


def draw_matrix(rng):
    columns = rng.randint(1, 3)
    return tuple(tuple(Fraction(rng.randint(-9, 9)) for _ in range(columns)) for _ in range(rng.randint(2, 3)))


def write_matrix(rng, value):
    space = rng.choice(["", " "])
    rows = rf"{space}\\{space}".join(
        f"{space}&{space}".join(write_fraction(rng, cell) for cell in row) for row in value
    )
    name = rng.choice(["pmatrix", "bmatrix", "array"])
    if name == "array":
        return rf"\left(\begin{{array}}{{{'c' * len(value[0])}}}{rows}\end{{array}}\right)"
    return rf"\begin{{{name}}}{space}{rows}{space}\end{{{name}}}"


def near_matrix(rng, value):
    row, column = rng.randrange(len(value)), rng.randrange(len(value[0]))
    cells = [list(cells) for cells in value]
    cells[row][column] += rng.choice([1, -1])
    return rng.choice([tuple(map(tuple, cells)), value[::-1], tuple(row[::-1] for row in value)])


KINDS = [
    ("intervals", draw_interval, near_interval, write_interval),
    ("inequalities", draw_interval, near_interval, write_inequality),
    ("unions", draw_union, near_union, write_union),
    ("tuples", draw_tuple, near_tuple, write_tuple),
    ("lists", draw_ascending, near_list, write_list),
    ("sets", draw_ascending, near_list, write_set),
    ("plus-minus", draw_pair_of_roots, near_pair_of_roots, write_pair_of_roots),
    ("matrices", draw_matrix, near_matrix, write_matrix),
]
