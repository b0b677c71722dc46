# Tries: to fill the disk
# Form: stream
# Verdict: wrong
# Witness: "full\n"

written = 0
try:
    for number in range(64):
        with open(f"part{number}", "wb") as file:
            written += file.write(bytes(2**20))
    print("written", written)
except OSError:
    print("full")
