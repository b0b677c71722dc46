# Tries: to become root in a namespace of its own
# Form: stream
# Verdict: wrong
# Witness: "refused refused refused\n"

import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    result = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(a) for a in arguments])
    return "done" if result >= 0 else "refused"

NEWUSER, NEWNS = 0x10000000, 0x00020000
results = []
for flags in (NEWUSER, NEWNS, NEWUSER | NEWNS):
    results.append("done" if libc.unshare(flags) == 0 else "refused")
print(*results)
