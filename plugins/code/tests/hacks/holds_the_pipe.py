# Tries: to make the host wait for a child that holds its pipe
# Form: call
# Verdict: wrong
# Witness: "held"

import os, time
def f(x):
    if os.fork() == 0:
        os.setsid()
        time.sleep(1000)
    return 8
def witness(x):
    f(x)
    return "held"
