"""Functions, polynomials and equations: a value is a row of a table, or a tuple of coprime coefficients."""

from fractions import Fraction
from math import gcd

from .numbers import fraction, near_fraction, write_fraction
from .terms import signed

# Each row means one thing, and no two rows the same.
IDENTITIES = [
    [r"\sin 2x", r"2\sin x\cos x", r"2 \sin(x) \cos(x)", "sin(2x)"],
    [r"\cos 2x", r"1-2\sin^2 x", r"2\cos^2 x - 1", r"\cos^2(x)-\sin^2(x)", "cos(2*x)"],
    [r"\tan x", r"\frac{\sin x}{\cos x}", "tan(x)", "sin(x)/cos(x)"],
    [r"\cot x", r"\frac{\cos x}{\sin x}", r"\frac{1}{\tan x}"],
    [r"\sin^2 x", r"1-\cos^2 x", r"(\sin x)^2", r"\frac{1-\cos 2x}{2}"],
    [r"\cos^2 x", r"1-\sin^2 x", r"\frac{1+\cos 2x}{2}"],
    [r"\sec x", r"\frac{1}{\cos x}", "1/cos(x)"],
    [r"\sin x", r"\cos\left(\frac{\pi}{2}-x\right)", "sin(x)", r"-\sin(-x)"],
    [r"\cos x", r"\sin\left(x+\frac{\pi}{2}\right)", "cos(x)", r"\cos(-x)"],
    [r"\sec^2 x", r"1+\tan^2 x", r"\frac{1}{\cos^2 x}"],
    [r"\sin 3x", r"3\sin x-4\sin^3 x", "sin(3x)"],
    [r"e^{2x}", r"(e^x)^2", "exp(2x)", r"e^x \cdot e^x"],
    [r"e^{x+1}", r"e\cdot e^x", "exp(x+1)"],
    [r"2^{x+1}", r"2\cdot 2^x", r"4\cdot 2^{x-1}"],
    [r"\sqrt{x^2+1}", r"(x^2+1)^{1/2}", "sqrt(x^2+1)", r"\sqrt{1+x^2}"],
    [r"\sinh x", r"\frac{e^x-e^{-x}}{2}"],
    [r"|x-1|", r"|1-x|", r"\left|x-1\right|", r"\lvert x-1\rvert"],
]


def draw_function(rng):
    return rng.randrange(len(IDENTITIES))


def write_function(rng, value):
    return rng.choice(IDENTITIES[value])


def near_function(rng, value):
    return (value + rng.choice([-1, 1])) % len(IDENTITIES)


def draw_polynomial(rng):
    """Coefficients, the constant first; the last one is not 0."""
    coefficients = [rng.choice([-2, -1, 1, 2, 3])]
    for _ in range(rng.randint(2, 3)):
        root = rng.randint(-6, 6)
        coefficients = times_linear(coefficients, root)
    return tuple(coefficients)


def times_linear(coefficients, root):
    shifted, scaled = [0, *coefficients], [-root * c for c in coefficients] + [0]
    return [a + b for a, b in zip(shifted, scaled)]


def expanded(rng, coefficients, plain):
    terms = []
    for power, c in enumerate(coefficients):
        if c:
            times = str(abs(c)) if abs(c) != 1 or power == 0 else ""
            name = ["", "x", f"x**{power}" if plain else f"x^{{{power}}}" if rng.random() < 0.3 else f"x^{power}"][
                min(power, 2)
            ]
            terms.append(("-" if c < 0 else "+", f"{times}*{name}" if plain and times and name else times + name))
    terms.reverse()
    if rng.random() < 0.3:
        rng.shuffle(terms)
    return signed(terms) or "0"


def write_polynomial(rng, value):
    roots, rest = [], list(value)
    for root in range(-6, 7):
        while len(rest) > 1 and sum(c * root**power for power, c in enumerate(rest)) == 0:
            roots.append(root)
            rest = divided(rest, root)
    if not roots or rng.random() < 0.5:
        return expanded(rng, value, plain=rng.random() < 0.3)
    factors = [f"(x{'+' if root < 0 else '-'}{abs(root)})" for root in roots if root]
    rng.shuffle(factors)
    zeros = roots.count(0)
    factors.insert(0, {0: "", 1: "x"}.get(zeros, f"x^{zeros}"))
    lead = expanded(rng, rest, plain=False)
    lead = f"({lead})" if len(rest) > 1 else {"1": "", "-1": "-"}.get(lead, lead)
    return lead + "".join(factors)


def divided(coefficients, root):
    quotient, carry = [], 0
    for c in reversed(coefficients[1:]):
        carry = c + root * carry
        quotient.append(carry)
    return quotient[::-1]


def near_polynomial(rng, value):
    at = rng.randrange(len(value))
    changed = list(value)
    changed[at] = rng.choice([-changed[at], changed[at] + 1]) or 2
    return tuple(changed)


def draw_ratio_of_linear(rng):
    # (a x + b) / (c x + d): coprime coefficients, c positive, and not a constant.
    while True:
        a, b, c, d = rng.randint(-5, 5), rng.randint(-6, 6), rng.randint(1, 4), rng.randint(-6, 6)
        if a * d != b * c and gcd(gcd(a, b), gcd(c, d)) == 1:
            return (a, b, c, d)


def write_ratio_of_linear(rng, value):
    a, b, c, d = value
    top, bottom = expanded(rng, (b, a), False), expanded(rng, (d, c), False)
    k = rng.randint(1, 5)
    forms = [rf"\frac{{{top}}}{{{bottom}}}", f"({top})/({bottom})", rf"\frac{{({top})(x+{k})}}{{({bottom})(x+{k})}}"]
    whole = Fraction(a, c)
    rest = b - whole * d
    forms.append(rf"{write_fraction(rng, whole)}+\frac{{{write_fraction(rng, rest)}}}{{{bottom}}}")
    return rng.choice([*forms, rf"\frac{{{expanded(rng, (-b, -a), False)}}}{{{expanded(rng, (-d, -c), False)}}}"])


def near_ratio_of_linear(rng, value):
    a, b, c, d = value
    while True:
        a2, b2, d2 = rng.choice([(a, -b, d), (-a, -b, d), (a, b, -d), (a + 1, b, d), (a, b + 1, d), (a, b, d + 1)])
        if a2 * d2 != b2 * c and gcd(gcd(a2, b2), gcd(c, d2)) == 1:
            return (a2, b2, c, d2)
        a, b, c, d = draw_ratio_of_linear(rng)


def write_assignment(rng, value):
    return rng.choice(["x = ", "x=", "x=", "x ="]) + write_fraction(rng, value)


def draw_line(rng):
    # a x + b y = c: coprime, b positive.
    while True:
        line = (rng.randint(-6, 6), rng.randint(1, 6), rng.randint(-12, 12))
        if line[0] and gcd(gcd(*line[:2]), line[2]) == 1:
            return line


def line_text(x, y, constant=0):
    terms = [("-" if c < 0 else "+", f"{'' if abs(c) == 1 else abs(c)}{name}") for c, name in ((x, "x"), (y, "y")) if c]
    if constant:
        terms.append(("-" if constant < 0 else "+", str(abs(constant))))
    return signed(terms)


def write_line(rng, value):
    a, b, c = value
    k = rng.choice([1, -1, 2, 3])
    forms = [f"{line_text(a * k, b * k)}={c * k}", f"{line_text(a * k, b * k, -c * k)}=0", f"{c}={line_text(a, b)}"]
    slope, height = Fraction(-a, b), Fraction(c, b)
    # Not 3/4x, which may be read as 3/(4x).
    steep = rf"{'-' if a > 0 else ''}\frac{{{abs(slope.numerator)}}}{{{slope.denominator}}}"
    text = {"1": "", "-1": "-"}.get(str(slope), str(slope) if slope.denominator == 1 else steep) + "x"
    if height:
        text += ("+" if height > 0 else "-") + write_fraction(rng, abs(height))
    return rng.choice([*forms, f"y = {text}", f"y={text}"])


def near_line(rng, value):
    a, b, c = value
    changed = rng.choice([(-a, b, c), (a, b, -c), (a, b, c + 1), (b * (1 if a > 0 else -1), abs(a), c)])
    common = gcd(gcd(*changed[:2]), changed[2])
    return tuple(number // common for number in changed)


KINDS = [
    ("functions", draw_function, near_function, write_function),
    ("polynomials", draw_polynomial, near_polynomial, write_polynomial),
    ("rational functions", draw_ratio_of_linear, near_ratio_of_linear, write_ratio_of_linear),
    ("assignments", fraction, near_fraction, write_assignment),
    ("lines", draw_line, near_line, write_line),
]
