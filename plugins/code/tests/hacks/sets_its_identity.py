# Tries: to become another user
# Form: stream
# Verdict: wrong
# Witness: "refused\n"

import os
try:
    os.setuid(0)
    print("root")
except OSError:
    print("refused")
