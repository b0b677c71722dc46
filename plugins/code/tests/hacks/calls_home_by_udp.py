# Tries: to send a datagram
# Form: stream
# Verdict: wrong
# Witness: "refused\n"

import socket
def attempt(what):
    try:
        return what()
    except OSError:
        return "refused"

def send():
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"9?", ("192.0.2.1", 53))
    return "sent"
print(attempt(send))
