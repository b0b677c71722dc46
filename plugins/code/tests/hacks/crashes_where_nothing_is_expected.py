# Tries: to pass a test without output by a signal
# Form: silent
# Verdict: runtime_error

import os, signal
os.kill(os.getpid(), signal.SIGKILL)
