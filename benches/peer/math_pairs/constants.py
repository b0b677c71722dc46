"""Constants, roots, powers and logarithms: a value is a tuple of exponents and coefficients in lowest terms."""

from fractions import Fraction
from math import comb, factorial, gcd

from .numbers import fraction, near_fraction
from .terms import signed


def write_pi(rng, value):
    top, bottom, sign = abs(value.numerator), value.denominator, "-" if value < 0 else ""
    times = "" if top == 1 else str(top)
    below = "" if bottom == 1 else f"/{bottom}"
    forms = [f"{sign}{times}π{below}", f"{sign}{times}*pi{below}" if times else f"{sign}pi{below}"]
    if bottom == 1:
        return rng.choice([*forms, rf"{sign}{times}\pi", rf"{sign}{top} \cdot \pi"])
    return rng.choice([*forms, rf"{sign}\frac{{{times}\pi}}{{{bottom}}}", rf"{sign}\frac{{{top}}}{{{bottom}}}\pi"])


SQUARE_FREE = [2, 3, 5, 6, 7, 10, 11, 13, 14, 15]


def draw_radical(rng):
    # a * sqrt(b) with b free of squares.
    return (rng.choice([1, -1]) * rng.randint(1, 12), rng.choice(SQUARE_FREE))


def write_radical(rng, value):
    a, b = value
    sign, times = ("-" if a < 0 else ""), "" if abs(a) == 1 else str(abs(a))
    forms = [rf"{sign}{times}\sqrt{{{b}}}", rf"{sign}\sqrt{{{a * a * b}}}", f"{sign}{times}√{b}"]
    forms += [
        f"{sign}{times}*sqrt({b})" if times else f"{sign}sqrt({b})",
        rf"{sign}\frac{{{abs(a) * b}}}{{\sqrt{{{b}}}}}",
    ]
    return rng.choice([*forms, rf"{sign}{abs(a)} \cdot {b}^{{1/2}}"])


def near_radical(rng, value):
    a, b = value
    return rng.choice([(-a, b), (a + 1 or 2, b), (a, rng.choice(SQUARE_FREE)), (1, b)])


def draw_surd(rng):
    # (a + b sqrt(c)) / d without a common divisor, d positive, c free of squares, b not 0.
    return reduce_surd(
        rng.choice([-1, 1]) * rng.randint(1, 9),
        rng.choice([-3, -2, -1, 1, 2, 3]),
        rng.choice(SQUARE_FREE),
        rng.randint(1, 6),
    )


def reduce_surd(a, b, c, d):
    common = gcd(gcd(a, b), d)
    return (a // common, b // common, c, d // common)


def write_surd(rng, value):
    a, b, c, d = value
    root = ("" if abs(b) == 1 else str(abs(b))) + rng.choice([rf"\sqrt{{{c}}}", rf"\sqrt {{{c}}}"])
    first, second = rng.choice([(str(a), f"{'-' if b < 0 else '+'}{root}"), ("-" + root if b < 0 else root, f"{a:+d}")])
    if d == 1:
        return f"{first}{second}"
    half = rf"{'-' if b < 0 else '+'}\frac{{{root}}}{{{d}}}"
    forms = [rf"\frac{{{first}{second}}}{{{d}}}", f"({first}{second})/{d}", rf"\frac{{1}}{{{d}}}({first}{second})"]
    return rng.choice([*forms, rf"\frac{{{a}}}{{{d}}}{half}"])


def near_surd(rng, value):
    a, b, c, d = value
    changed = rng.choice([(a, -b, c, d), (-a, b, c, d), (a + 1 or 2, b, c, d), (a, b, c, d + 1), (a, b, 17, d)])
    return reduce_surd(*changed)


def write_complex(rng, value):
    real, imaginary = value
    times = "" if abs(imaginary) == 1 else str(abs(imaginary))
    sign = "-" if imaginary < 0 else "+"
    forms = [f"{real}{sign}{times}i", f"{real} {sign} {times}i", f"{'' if sign == '+' else '-'}{times}i{real:+d}"]
    return rng.choice([*forms, rf"{real} {sign} {times}\mathrm{{i}}", f"{real}{sign}{abs(imaginary)}*i"])


def draw_complex(rng):
    return (rng.choice([-1, 1]) * rng.randint(1, 15), rng.choice([-1, 1]) * rng.randint(1, 15))


def near_complex(rng, value):
    real, imaginary = value
    return rng.choice([(real, -imaginary), (-real, imaginary), (imaginary, real), (real + 1 or 1, imaginary)])


def draw_power(rng):
    # A prime and an exponent that is not 0.
    return (rng.choice([2, 3, 5, 7, 11]), rng.choice([-1, 1]) * rng.choice([3, 4, 6, 10, 12, 20, 50, 99, 100, 2024]))


def write_power(rng, value):
    base, exponent = value
    forms = [f"{base}^{{{exponent}}}", rf"{base}\cdot {base}^{{{exponent - 1}}}", f"{base}**({exponent})"]
    if exponent % 2 == 0:
        forms.append(f"{base**2}^{{{exponent // 2}}}")
    if exponent < 0:
        forms += [rf"\frac{{1}}{{{base}^{{{-exponent}}}}}", rf"\left(\frac{{1}}{{{base}}}\right)^{{{-exponent}}}"]
    elif base**exponent < 10**18:
        forms.append(str(base**exponent))
    return rng.choice(forms)


def near_power(rng, value):
    base, exponent = value
    return rng.choice([(base, exponent + 1 or 2), (base, exponent - 1 or -2), (base, -exponent)])


def draw_counted(rng):
    return rng.choice([factorial(rng.randint(3, 12)), comb(rng.randint(5, 14), rng.randint(2, 4))])


def write_counted(rng, value):
    forms = [str(value), f"{value:,}"]
    forms += [rng.choice([f"{n}!", rf"{n} \cdot {n - 1}!"]) for n in range(3, 14) if factorial(n) == value]
    for n in range(5, 15):
        forms += [
            rng.choice([rf"\binom{{{n}}}{{{k}}}", rf"\frac{{{n}!}}{{{k}!{n - k}!}}"])
            for k in (2, 3, 4)
            if comb(n, k) == value
        ]
    return rng.choice(forms)


PRIMES = [2, 3, 5]


def draw_logarithm(rng):
    # Exponents of 2, 3 and 5, not all 0: logarithms of primes are independent.
    return tuple(rng.randint(-2, 3) for _ in PRIMES[:2]) + (rng.randint(1, 2),)


def write_logarithm(rng, value):
    number = Fraction(1)
    for prime, exponent in zip(PRIMES, value):
        number *= Fraction(prime) ** exponent
    terms = []
    for prime, exponent in zip(PRIMES, value):
        if exponent:
            times = "" if abs(exponent) == 1 else str(abs(exponent))
            terms.append(("-" if exponent < 0 else "+", rf"{times}\ln {prime}"))
    rng.shuffle(terms)
    whole = str(number) if number.denominator == 1 else rf"\frac{{{number.numerator}}}{{{number.denominator}}}"
    return rng.choice([rf"\ln\left({whole}\right)", rf"\ln({number})", signed(terms), signed(terms)])


def near_logarithm(rng, value):
    at = rng.randrange(len(value))
    return rng.choice([value[:at] + (value[at] + 1,) + value[at + 1 :], tuple(-exponent for exponent in value)])


KINDS = [
    ("multiples of pi", fraction, near_fraction, write_pi),
    ("square roots", draw_radical, near_radical, write_radical),
    ("surds", draw_surd, near_surd, write_surd),
    ("complex", draw_complex, near_complex, write_complex),
    ("powers", draw_power, near_power, write_power),
    ("factorials", draw_counted, lambda rng, value: rng.choice([value + 1, value * 2]), write_counted),
    ("logarithms", draw_logarithm, near_logarithm, write_logarithm),
]
