# Tries: to be suspended and wait for ever
# Form: sleep
# Verdict: time_limit

import os, signal
os.kill(os.getpid(), signal.SIGSTOP)
import time
time.sleep(1000)
