# Tries: to pass a test without output by failing
# Form: silent
# Verdict: runtime_error

raise ValueError
