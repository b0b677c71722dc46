# Tries: to hang or crash whoever looks into the result
# Form: call
# Verdict: wrong
# Witness: true

def f(x):
    nested = []
    nested.append(nested)
    return nested
def witness(x):
    return f(x)[0][0][0] is not None
