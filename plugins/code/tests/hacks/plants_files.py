# Tries: to leave files that change the next run
# Form: stream
# Verdict: wrong
# Witness: "planted where nothing was\n"

import os
names = ["conftest.py", "sitecustomize.py", "usercustomize.py", "pytest.ini", "json.py", "encodings.py", "runner.py"]
before = [name for name in names if os.path.exists(name)]
for name in names:
    with open(name, "w") as file:
        file.write("import os; os._exit(0)")
print("planted", "beside " + str(before) if before else "where nothing was")
