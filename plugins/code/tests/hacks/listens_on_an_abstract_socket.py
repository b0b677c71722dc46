# Tries: to meet other runs at a name that no directory holds
# Form: stream
# Verdict: wrong
# Witness: "refused\n"

import socket
def attempt(what):
    try:
        return what()
    except OSError:
        return "refused"

def bind():
    meeting = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    meeting.bind("\0farthing")
    return "bound"
print(attempt(bind))
