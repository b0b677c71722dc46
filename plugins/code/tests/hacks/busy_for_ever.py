# Tries: to keep a core busy
# Form: stream
# Verdict: time_limit

while True:
    pass
