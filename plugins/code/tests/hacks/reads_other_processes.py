# Tries: to read the grader's memory and files by /proc
# Form: stream
# Verdict: wrong
# Witness: "nothing\n"

import os
found = []
for process in ("1", str(os.getppid()), "self"):
    for name in ("environ", "cmdline", "mem", "maps"):
        try:
            open(f"/proc/{process}/{name}", "rb").read(1)
            found.append((process, name))
        except OSError:
            pass
print(found if found else "nothing")
