# Tries: to change the standard library for the next run
# Form: stream
# Verdict: wrong
# Witness: "read-only\n"

import os
directory = os.path.dirname(os.__file__)
try:
    open(directory + "/encodings/__init__.py", "a")
    print("writable")
except OSError:
    print("read-only")
