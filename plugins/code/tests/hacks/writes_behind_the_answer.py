# Tries: to add to the channel when the answer has been given
# Form: call
# Verdict: wrong
# Witness: "quiet"

import os, threading
def f(x):
    posix = __import__("posix")
    leave = posix._exit
    def late(status):
        os.write(3, b"ri9;.")
        leave(status)
    posix._exit = late
    return 8
def witness(x):
    return "quiet"
