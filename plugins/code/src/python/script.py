# Runs the program as a script that finds the configured packages, and the two names that `site` adds for people who end
# their programs with them.
def run():
    import builtins, sys

    def exit(code=None):
        raise SystemExit(code)

    builtins.exit = builtins.quit = exit
    sys.argv[0] = globals()["__file__"] = "solution.py"
    with open("paths.py", encoding="utf-8") as file:
        sys.path.extend(eval(file.read()))
    with open("solution.py", encoding="utf-8") as file:
        return compile(file.read(), "solution.py", "exec")


exec(run())
