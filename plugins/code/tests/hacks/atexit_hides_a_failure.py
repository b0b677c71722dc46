# Tries: to turn an exception into status 0 by an exit handler
# Form: stream
# Verdict: wrong
# Witness: "failed, and hid it\n"

import atexit, os, sys
def hide():
    sys.stdout.write("failed, and hid it\n")
    sys.stdout.flush()
    os._exit(0)
atexit.register(hide)
raise ValueError("the program has failed")
