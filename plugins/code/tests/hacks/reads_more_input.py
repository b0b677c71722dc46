# Tries: to find what is expected behind the input
# Form: stream
# Verdict: wrong
# Witness: "'3\\n' ''\n"

import sys
print(repr(sys.stdin.readline()), repr(sys.stdin.read()))
