# Tries: to allow itself more
# Form: stream
# Verdict: wrong
# Witness: "refused refused refused\n"

import resource
results = []
for limit in (resource.RLIMIT_CPU, resource.RLIMIT_FSIZE, resource.RLIMIT_NPROC):
    try:
        resource.setrlimit(limit, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        results.append("raised")
    except (OSError, ValueError):
        results.append("refused")
print(*results)
