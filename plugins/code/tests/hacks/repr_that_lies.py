# Tries: to return a string whose repr and comparison are those of another
# Form: call
# Verdict: wrong
# Witness: "9"

class Quoted(str):
    __repr__ = __str__ = lambda *_: "9"
    __eq__ = lambda *_: True
    __hash__ = str.__hash__
def f(x):
    return Quoted("8")
def witness(x):
    return repr(f(x))
