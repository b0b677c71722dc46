# Tries: to leave word for the next test, or for other runs, in locks
# Form: call
# Verdict: wrong
# Witness: ["EPERM", "ENOSYS", "ENOSYS"]

import errno, fcntl, os, struct
def said(what, *arguments):
    try:
        what(*arguments)
        return "locked"
    except OSError as error:
        return errno.errorcode[error.errno]
def lock():
    file = os.open("/dev/null", os.O_RDWR)
    one = struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 1000, 1, 0)
    return [said(fcntl.flock, file, fcntl.LOCK_EX), said(fcntl.fcntl, file, 37, one), said(fcntl.fcntl, 0, 37, one)]
def f(x):
    return 9 if "locked" in lock() else None
witness = lambda x: lock()
