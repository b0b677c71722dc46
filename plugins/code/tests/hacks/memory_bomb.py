# Tries: to take all memory
# Form: stream
# Verdict: memory_limit

hoard = []
while True:
    hoard.append(bytearray(b"x" * 2**22))
