# Tries: to ignore the signal that says that time is over
# Form: stream
# Verdict: time_limit

import resource, signal
signal.signal(signal.SIGXCPU, signal.SIG_IGN)
soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
resource.setrlimit(resource.RLIMIT_CPU, (hard, hard))
while True:
    pass
