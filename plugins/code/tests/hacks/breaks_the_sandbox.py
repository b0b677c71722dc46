# Tries: to be lost and not judged, by limiting the process that watches over it
# Form: call
# Verdict: wrong
# Witness: ["EPERM", "EPERM"]

import errno, os, resource
def said(what, *arguments):
    try:
        what(*arguments)
        return "done"
    except OSError as error:
        return errno.errorcode[error.errno]
def attack():
    return [said(resource.prlimit, 1, resource.RLIMIT_CPU, (0, 0)), said(os.sched_setaffinity, 1, {0})]
def f(x):
    attack()
witness = lambda x: attack()
