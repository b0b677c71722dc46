# Tries: to let a child answer as well
# Form: call
# Verdict: wrong
# Witness: "one"

import os
def f(x):
    if os.fork() == 0:
        return 9
    os.wait()
    return 9
def witness(x):
    if os.fork() == 0:
        os._exit(0)
    os.wait()
    return "one"
