# Tries: to return a truth value where a number is expected
# Form: call
# Verdict: wrong
# Witness: true

def f(x):
    return True
def witness(x):
    return f(x) == 1
