# Tries: to drown the host in messages
# Form: stream
# Verdict: output_limit

import sys
while True:
    sys.stderr.write("9" * 100_000)
