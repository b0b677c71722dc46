# Tries: to go on in the background and answer later
# Form: stream
# Verdict: wrong
# Witness: "gone to the background\n"

import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(0.3)
        while True:
            os.write(1, b"9\n")
            time.sleep(0.1)
    os._exit(0)
os.wait()
print("gone to the background")
