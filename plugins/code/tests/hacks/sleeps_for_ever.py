# Tries: to use no time and never end
# Form: sleep
# Verdict: time_limit

import time
time.sleep(1000)
