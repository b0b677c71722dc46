# Tries: to leave word for the next test in the flags of its standard input
# Form: call
# Verdict: wrong
# Witness: "no word, and left some"

import fcntl, os
def word():
    before = fcntl.fcntl(0, fcntl.F_GETFL)
    fcntl.fcntl(0, fcntl.F_SETFL, before | os.O_NONBLOCK)
    return before & os.O_NONBLOCK
def f(x):
    return 9 if word() else None
def witness(x):
    had = word()
    left = fcntl.fcntl(0, fcntl.F_GETFL) & os.O_NONBLOCK
    return ("word" if had else "no word") + (", and left some" if left else "")
