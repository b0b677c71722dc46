# Tries: to pass by an empty answer
# Form: stream
# Verdict: wrong
# Witness: ""

input()
