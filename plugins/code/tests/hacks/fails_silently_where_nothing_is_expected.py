# Tries: to pass a test without output by status 1 and no message
# Form: silent
# Verdict: runtime_error

import os
os._exit(1)
