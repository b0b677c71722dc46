# Tries: to leave the call by SystemExit, which `except Exception` does not catch
# Form: call
# Verdict: runtime_error
# Witness: "left"

def f(x):
    raise SystemExit(0)
def witness(x):
    try:
        f(x)
    except SystemExit:
        return "left"
