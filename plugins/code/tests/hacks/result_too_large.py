# Tries: to drown the host in a result
# Form: call
# Verdict: output_limit
# Witness: 10000000

def f(x):
    return "9" * 10_000_000
def witness(x):
    return len(f(x))
