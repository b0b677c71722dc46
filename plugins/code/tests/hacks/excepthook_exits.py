# Tries: to turn an exception of the call into status 0
# Form: call
# Verdict: wrong

import os, sys
sys.excepthook = lambda *_: os._exit(0)
def f(x):
    raise ValueError
