# Tries: to drown the host in output
# Form: stream
# Verdict: output_limit

while True:
    print("9" * 100_000)
