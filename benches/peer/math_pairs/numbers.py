"""Rational numbers: a value is a reduced `Fraction` (or an integer), or what says why it is the only form."""

from fractions import Fraction


def integer(rng, low=-999, high=999):
    return rng.randint(low, high)


def fraction(rng, top=40, bottom=24):
    return Fraction(rng.randint(-top, top) or 1, rng.randint(2, bottom))


def write_integer(rng, value):
    sign, digits = ("-" if value < 0 else ""), str(abs(value))
    return rng.choice(
        [f"{sign}{digits}", f"{sign}{digits}.0", f"{sign}{{{digits}}}", f"{sign}{digits}."]
        + ([f"−{digits}", f"- {digits}"] if sign else [f"+{digits}", rf"\left({digits}\right)"])
    )


def near_integer(rng, value):
    return rng.choice([value + 1, value - 1, -value, value * 10, value + 10, int(str(abs(value))[::-1])])


def write_fraction(rng, value):
    sign, top, bottom = ("-" if value < 0 else ""), abs(value.numerator), value.denominator
    if bottom == 1:
        return f"{sign}{top}"
    scale = rng.choice([1, 1, 1, 2, 3])
    top, bottom = top * scale, bottom * scale
    forms = [rf"{sign}\frac{{{top}}}{{{bottom}}}", rf"{sign}\dfrac{{{top}}}{{{bottom}}}"]
    forms += [f"{sign}{top}/{bottom}", rf"{sign}\tfrac{{{top}}}{{{bottom}}}", rf"\frac{{{sign}{top}}}{{{bottom}}}"]
    if top < 10 and bottom < 10:
        forms.append(rf"{sign}\frac{top}{bottom}")
    if sign:
        forms.append(rf"\frac{{{top}}}{{-{bottom}}}")
    return rng.choice(forms)


def near_fraction(rng, value):
    top, bottom = value.numerator, value.denominator
    return rng.choice([Fraction(bottom, top), -value, Fraction(top + 1, bottom), Fraction(top, bottom + 1), value + 1])


def draw_mixed(rng):
    bottom = rng.randint(2, 12)
    return rng.choice([1, -1]) * (rng.randint(1, 20) + Fraction(rng.randint(1, bottom - 1), bottom))


def write_mixed(rng, value):
    if abs(value) < 1 or value.denominator == 1:
        return write_fraction(rng, value)
    sign, whole = ("-" if value < 0 else ""), abs(value).numerator // value.denominator
    rest = abs(value) - whole
    top, bottom = rest.numerator, rest.denominator
    forms = [rf"{sign}{whole}\frac{{{top}}}{{{bottom}}}", f"{sign}{whole} {top}/{bottom}", write_fraction(rng, value)]
    if top < 10 and bottom < 10:
        forms.append(rf"{sign}{whole}\frac{top}{bottom}")
    return rng.choice(forms)


def near_mixed(rng, value):
    sign = -1 if value < 0 else 1
    return rng.choice([value + 1, -value, value - 2 * (value % 1), sign * (abs(value) % 1), value + Fraction(1, 60)])


def draw_decimal(rng):
    return Fraction(rng.randint(-99999, 99999), 10 ** rng.randint(1, 4))


def decimal_digits(value):
    """The shortest decimal writing of a fraction whose denominator divides a power of ten."""
    places = 0
    while (value * 10**places).denominator != 1:
        places += 1
    digits = str(abs(value * 10**places).numerator).rjust(places + 1, "0")
    text = digits if places == 0 else f"{digits[:-places]}.{digits[-places:]}"
    return ("-" if value < 0 else "") + text


def write_decimal(rng, value):
    text = decimal_digits(value)
    forms = [text, f"{text}0" if "." in text else f"{text}.0", text.replace("0.", ".", 1) if abs(value) < 1 else text]
    return rng.choice([*forms, write_fraction(rng, value)])


def near_decimal(rng, value):
    return rng.choice([value * 10, value / 10, -value, value + Fraction(1, 10000), value + 1])


def draw_repeating(rng):
    return Fraction(rng.randint(1, 98), rng.choice([3, 7, 9, 11, 99, 6, 12]))


def write_repeating(rng, value):
    if rng.random() < 0.4:
        return write_fraction(rng, value)
    whole, rest = divmod(value.numerator, value.denominator)
    digits, seen = "", {}
    while rest and rest not in seen:
        seen[rest] = len(digits)
        digit, rest = divmod(rest * 10, value.denominator)
        digits += str(digit)
    if not rest:
        return f"{whole}.{digits}" if digits else str(whole)
    return rf"{whole}.{digits[:seen[rest]]}\overline{{{digits[seen[rest]:]}}}"


def near_repeating(rng, value):
    return rng.choice([value + Fraction(1, 10), Fraction(int(value * 100), 100), value / 10, value + 1])


def write_thousands(rng, value):
    sign, plain = ("-" if value < 0 else ""), f"{abs(value):,}"
    forms = [plain, plain.replace(",", ""), plain.replace(",", "{,}"), plain.replace(",", ",\\!")]
    return sign + rng.choice([*forms, plain.replace(",", "\\,")])


def draw_percent(rng):
    return Fraction(rng.randint(1, 999), rng.choice([1, 1, 2, 4, 10]))


def write_percent(rng, value):
    number = rng.choice([decimal_digits, lambda value: write_mixed(rng, value)])(value)
    return number + rng.choice(["\\%", "%", " \\%", " percent", "\\text{ percent}"])


def near_percent(rng, value):
    return rng.choice([value * 10, value + 1, value + Fraction(1, 2), value * 100])


def draw_scientific(rng):
    # A mantissa that ends in no zero, and an exponent: one pair for each number.
    mantissa = rng.randint(11, 99)
    return (mantissa + (mantissa % 10 == 0), rng.randint(-12, 12))


def write_scientific(rng, value):
    mantissa, exponent = value
    number = f"{mantissa // 10}.{mantissa % 10}" if mantissa % 10 else str(mantissa // 10)
    raised = "".join("⁰¹²³⁴⁵⁶⁷⁸⁹"[int(c)] if c != "-" else "⁻" for c in str(exponent))
    forms = [rf"{number}\times10^{{{exponent}}}", rf"{number} \cdot 10^{{{exponent}}}", f"{number}e{exponent}"]
    forms += [f"{number} × 10{raised}", f"{number}*10^{{{exponent}}}", rf"{number} \times 10^{{{exponent}}}"]
    return rng.choice([*forms, decimal_digits(Fraction(mantissa, 10) * Fraction(10) ** exponent)])


def near_scientific(rng, value):
    mantissa, exponent = value
    changed = mantissa + (2 if mantissa % 10 == 9 else 1)
    return rng.choice([(changed if changed < 100 else 11, exponent), (mantissa, exponent + 1), (mantissa, -exponent)])


def draw_tiny(rng):
    # 1, and a difference from 1 that is a power of ten.
    return Fraction(1) + rng.choice([0, 1, -1]) * Fraction(1, 10 ** rng.choice([9, 12, 20, 30, 40]))


def write_tiny(rng, value):
    forms = [f"{value.numerator}/{value.denominator}", rf"\frac{{{value.numerator}}}{{{value.denominator}}}"]
    zeros = len(str(value.denominator)) - 1
    if value != 1:
        forms.append(rf"1 {'+' if value > 1 else '-'} 10^{{-{zeros}}}")
    return rng.choice([*forms, decimal_digits(value)])


def near_tiny(rng, value):
    return rng.choice([Fraction(1), 2 - value, 1 + (value - 1) / 10])


KINDS = [
    ("integers", integer, near_integer, write_integer),
    ("fractions", fraction, near_fraction, write_fraction),
    ("mixed numbers", draw_mixed, near_mixed, write_mixed),
    ("decimals", draw_decimal, near_decimal, write_decimal),
    ("repeating decimals", draw_repeating, near_repeating, write_repeating),
    (
        "thousands",
        lambda rng: integer(rng, 1000, 9_999_999),
        lambda rng, v: rng.choice([v + 1, v * 10, v + 1000]),
        write_thousands,
    ),
    ("percent", draw_percent, near_percent, write_percent),
    ("scientific", draw_scientific, near_scientific, write_scientific),
    ("tiny differences", draw_tiny, near_tiny, write_tiny),
]
