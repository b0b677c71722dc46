# Tries: to change the runner's variables by a trace function
# Form: call
# Verdict: wrong
# Witness: true

import sys
seen = []
def trace(frame, event, argument):
    seen.append(frame.f_code.co_name)
    if "expected" in frame.f_locals:
        seen.append(frame.f_locals["expected"])
    return trace
def f(x):
    sys.settrace(trace)
    frame = sys._getframe(1)
    frame.f_trace = trace
    return [name for name in list(seen) if type(name) is int]
def witness(x):
    sys.settrace(trace)
    (lambda: None)()
    sys.settrace(None)
    return seen.count("<lambda>") > 0
