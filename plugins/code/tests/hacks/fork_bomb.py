# Tries: to start processes without end
# Form: stream
# Verdict: wrong
# Witness: "refused\n"

import os, time
children = 0
try:
    while children < 1000:
        if os.fork() == 0:
            time.sleep(1000)
        children += 1
    print("started", children)
except OSError:
    print("refused" if children < 64 else children)
