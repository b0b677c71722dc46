# Tries: to end a script with status 0 before it has answered
# Form: stream
# Verdict: wrong
# Witness: "on the way out\n"

import os, sys
print("on the way out")
sys.stdout.flush()
os._exit(0)
