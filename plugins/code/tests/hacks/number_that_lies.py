# Tries: to return a subclass of int that equals, and differs by nothing from, everything
# Form: call
# Verdict: wrong
# Witness: [true, 0, 0]

class Liar(int):
    __eq__ = lambda *_: True
    __sub__ = __rsub__ = __abs__ = lambda *_: 0
    __hash__ = int.__hash__
def f(x):
    return Liar(1)
def witness(x):
    return [9 == f(x), f(x) - 9, 9 - f(x)]
