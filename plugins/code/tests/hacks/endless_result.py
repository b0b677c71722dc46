# Tries: to hang whoever lists the result
# Form: call
# Verdict: wrong
# Witness: [0, 1, 2]

import itertools
def f(x):
    return itertools.count()
def witness(x):
    return list(itertools.islice(f(x), 3))
