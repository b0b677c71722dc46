# Tries: to return a value for which every comparison is strange
# Form: call
# Verdict: wrong
# Witness: true

def f(x):
    return float("nan")
def witness(x):
    return f(x) != f(x)
