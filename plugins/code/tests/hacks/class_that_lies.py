# Tries: to pass for an int by `__class__`
# Form: call
# Verdict: wrong
# Witness: [true, true]

class Pretender:
    __class__ = property(lambda self: int)
    __eq__ = lambda *_: True
    __repr__ = __str__ = lambda *_: "9"
    __index__ = __int__ = lambda *_: 9
def f(x):
    return Pretender()
def witness(x):
    return [isinstance(f(x), int), f(x) == 9]
