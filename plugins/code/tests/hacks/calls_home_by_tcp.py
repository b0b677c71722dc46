# Tries: to reach a server
# Form: stream
# Verdict: wrong
# Witness: "refused\n"

import socket
def attempt(what):
    try:
        return what()
    except OSError:
        return "refused"

def call():
    socket.create_connection(("127.0.0.1", 80), timeout=2)
    return "connected"
print(attempt(call))
