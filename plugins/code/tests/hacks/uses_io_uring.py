# Tries: to make system calls that no filter sees
# Form: stream
# Verdict: wrong
# Witness: "refused\n"

import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    result = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(a) for a in arguments])
    return "done" if result >= 0 else "refused"

print(call(425, 8, 0))
