# Tries: to use no time by its own clocks
# Form: stream
# Verdict: time_limit

import time
time.time = time.monotonic = time.perf_counter = time.process_time = lambda: 0.0
while time.process_time() < 1:
    pass
