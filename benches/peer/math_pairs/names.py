"""Quantities with a unit, ratios, times, choices and words: a value is a number with a name, or a name."""

from math import gcd

UNITS = {
    "cm": ["cm", r"\text{ cm}", r"\,\mathrm{cm}", " centimeters", " cm"],
    "m": [" m", r"\text{ m}", r"\text{ meters}", " meters"],
    "cm^2": [r"\text{ cm}^2", " cm^2", r"\text{ square centimeters}", " cm²"],
    "hours": [" hours", r"\text{ hours}", r"\text{ hr}"],
    "minutes": [" minutes", r"\text{ minutes}", r"\text{ min}"],
    "km/h": [" km/h", r"\text{ km/h}", r"\ \mathrm{km/h}"],
    "degrees": [r"^\circ", "°", r"^{\circ}", " degrees", r"\text{ degrees}"],
    "kg": [" kg", r"\text{ kg}", r"\,\mathrm{kg}", " kilograms"],
}


def draw_quantity(rng):
    # Under 60, so that no other unit says the same: 120 minutes are 2 hours.
    return (rng.randint(2, 59), rng.choice(sorted(UNITS)))


def write_quantity(rng, value):
    return f"{value[0]}{rng.choice(UNITS[value[1]])}"


def near_quantity(rng, value):
    other = {"cm": "m", "m": "cm", "hours": "minutes", "minutes": "hours"}.get(value[1], value[1])
    return rng.choice([(value[0] + 1, value[1]), (value[0] * 10, value[1]), (value[0], other)])


def write_money(rng, value):
    text = f"{value / 100:.2f}"
    plain = text.removesuffix(".00")
    forms = [rf"\${text}", f"${text}", rf"\${plain}", f"{plain} dollars", rf"{plain}\text{{ dollars}}"]
    return rng.choice([*forms, rf"\${value / 100:,.2f}"])


def near_money(rng, value):
    return rng.choice([value + 1, value * 10, value + 100, value + 90])


def draw_ratio(rng):
    a, b = rng.randint(1, 12), rng.randint(1, 12)
    return (a // gcd(a, b), b // gcd(a, b))


def write_ratio(rng, value):
    return rng.choice(["{}:{}", "{} : {}", r"{}\text{{ to }}{}", "{} to {}"]).format(*value)


def write_time(rng, value):
    hour, minute, half = value
    text = f"{hour}:{minute:02d}"
    return text + rng.choice({"am": [" AM", " a.m.", r"\text{ a.m.}"], "pm": [" PM", " p.m.", r"\text{ PM}"]}[half])


def near_time(rng, value):
    hour, minute, half = value
    return rng.choice(
        [(hour, minute, {"am": "pm", "pm": "am"}[half]), (hour % 12 + 1, minute, half), (hour, (minute + 5) % 60, half)]
    )


def write_choice(rng, value):
    forms = ["{}", "({})", r"\text{{{}}}", r"\text{{({})}}", r"\textbf{{({})}}", r"\mathrm{{{}}}"]
    return rng.choice(forms).format(value)


WORDS = [
    "even",
    "odd",
    "Monday",
    "Thursday",
    "ellipse",
    "hyperbola",
    "parabola",
    "yes",
    "no",
    "increasing",
    "decreasing",
]
WORDS += ["Evelyn", "Carla", "isosceles", "parallel", "perpendicular", "red", "west", "neither"]


def write_word(rng, value):
    return rng.choice(["{}", r"\text{{{}}}", r"\mathrm{{{}}}", r"\text{{ {} }}"]).format(
        rng.choice([value, value.capitalize()])
    )


def among(options):
    return lambda rng: rng.choice(options)


def neighbour(options):
    return lambda rng, value: options[(options.index(value) + 1) % len(options)]


KINDS = [
    ("units", draw_quantity, near_quantity, write_quantity),
    ("money", lambda rng: rng.choice([25, 50, 75, 100]) * rng.randint(1, 9999), near_money, write_money),
    (
        "ratios",
        draw_ratio,
        lambda rng, value: rng.choice([value[::-1], (value[0] * value[1] + 1, value[1])]),
        write_ratio,
    ),
    (
        "times",
        lambda rng: (rng.randint(1, 12), 5 * rng.randint(0, 11), rng.choice(["am", "pm"])),
        near_time,
        write_time,
    ),
    ("choices", among("ABCDE"), neighbour("ABCDE"), write_choice),
    ("words", among(WORDS), neighbour(WORDS), write_word),
]
