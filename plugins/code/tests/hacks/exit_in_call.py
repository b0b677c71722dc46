# Tries: to leave with status 0 in the middle of the call
# Form: call
# Verdict: wrong

import os
def f(x):
    os._exit(0)
