# Tries: to have the answer somewhere in what is printed
# Form: stream
# Verdict: wrong
# Witness: "0 1 2 3 4 5 6 7 8 9 10 11\n"

print(*range(12))
