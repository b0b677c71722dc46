# Tries: to replace the functions by which the runner answers
# Form: call
# Verdict: wrong
# Witness: "replaced"

import builtins, posix, sys
write = posix.write
def f(x):
    posix.write = lambda fd, data: write(fd, b"rt.") and len(data)
    builtins.type = lambda *_: int
    sys.modules["__main__"].run = lambda: None
    return 8
def witness(x):
    posix.write = lambda fd, data: write(fd, data.replace(b"genuine.", b"replaced"))
    return "genuine."
