# Tries: to return an object that equals everything
# Form: call
# Verdict: wrong
# Witness: [true, true]

class Chameleon:
    __eq__ = lambda *_: True
    __ne__ = lambda *_: False
    __hash__ = lambda *_: 9
def f(x):
    return Chameleon()
def witness(x):
    return [f(x) == 9, 9 == f(x)]
