# Tries: to be short of a processor by its own doing, so that its deadline is the machine's fault
# Form: sleep
# Verdict: time_limit

import os, time
begun = time.time()
children = []
for _ in range(14):
    child = os.fork()
    if child == 0:
        while time.time() < begun + 9:
            pass
    children.append(child)
while time.time() < begun + 0.7:
    pass
for child in children:
    os.kill(child, 9)
    os.waitpid(child, 0)
time.sleep(1000)
