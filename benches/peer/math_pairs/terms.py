"""Sums as text."""


def signed(terms):
    """`[("+", "a"), ("-", "b")]` as `a-b`."""
    text = "".join(sign + term for sign, term in terms)
    return text.removeprefix("+")
