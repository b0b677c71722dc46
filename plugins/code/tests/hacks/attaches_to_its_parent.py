# Tries: to control its parent by ptrace
# Form: stream
# Verdict: wrong
# Witness: "refused\n"

import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    result = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(a) for a in arguments])
    return "done" if result >= 0 else "refused"

import os
libc.ptrace.restype = ctypes.c_long
print("done" if libc.ptrace(16, os.getppid(), 0, 0) == 0 else "refused")
