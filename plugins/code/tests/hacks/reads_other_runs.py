# Tries: to read what other runs and the host have lying about
# Form: stream
# Verdict: wrong
# Witness: "['paths.py', 'script.py', 'solution.py'] nothing\n"

import os
found = [path for path in ("/root", "/home", "/etc/shadow", "/var", "/run", "/sys/fs/cgroup", "/dev/shm", "/mnt") if os.path.exists(path)]
print(sorted(os.listdir("/tmp")), found if found else "nothing")
