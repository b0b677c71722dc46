# Tries: to see another part of the machine
# Form: stream
# Verdict: wrong
# Witness: "refused\n"

import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    result = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(a) for a in arguments])
    return "done" if result >= 0 else "refused"

print("done" if libc.mount(b"/", b"/box", None, 4096, None) == 0 else "refused")
