# Tries: to end the grader
# Form: stream
# Verdict: wrong
# Witness: "nobody else to be seen\n"

import os, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
seen = 0
for process in [os.getppid()] + list(range(3, 400)):
    if process in (0, 1, os.getpid()):
        continue
    try:
        os.kill(process, signal.SIGTERM)
        seen += 1
    except OSError:
        pass
print("nobody else to be seen" if seen == 0 else seen)
