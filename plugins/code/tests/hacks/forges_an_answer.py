# Tries: to write to the channel itself
# Form: call
# Verdict: wrong
# Witness: "forged"

import os
def f(x):
    os.write(3, b"rt.")
    os._exit(0)
def witness(x):
    os.write(3, b"rs6:forged.")
    os._exit(0)
