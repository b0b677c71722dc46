# Tries: to leave with status 0 before anything is asked
# Form: call
# Verdict: wrong

import sys
sys.exit(0)
