# Calls a function of the program and writes what it returned, as plain data.
#
# It shares the interpreter with the program, which may read and change all of this. That
# earns it nothing: the expected values are not here. Whatever arrives is the program's
# answer, and the host compares it with values that the program has never seen.
#
# No module is imported that the interpreter does not already have: start-up is most of the
# time of a short test.


def run():
    import builtins, posix, sys

    def exit(code=None):
        raise SystemExit(code)

    # `site` is not imported, and programs end with what it adds.
    builtins.exit = builtins.quit = exit
    with open("calls.py", encoding="utf-8") as file:
        channel, paths, calls = eval(file.read())
    sys.path.extend(paths)

    def send(data):
        while data:
            data = data[posix.write(channel, data) :]

    def answer(value):
        parts = []
        encode(value, parts.append, 0)
        return b"".join(parts)

    def encode(value, put, depth):
        # By the exact type, and by its own methods: what a subclass says of itself is not asked.
        if depth > 64:
            raise ValueError("the answer is nested more than 64 deep")
        kind = type(value)
        if value is None:
            put(b"n")
        elif kind is bool:
            put(b"t" if value else b"f")
        elif kind is int:
            put(b"i%x;" % value if value >= 0 else b"i-%x;" % -value)
        elif kind is float:
            put(b"d%s;" % repr(value).encode())
        elif kind is str:
            text = value.encode()
            put(b"s%d:" % len(text))
            put(text)
        elif kind is bytes or kind is bytearray:
            put(b"b%d:" % len(value))
            put(bytes(value))
        elif kind in sequences:
            put(b"%s%d:" % (sequences[kind], len(value)))
            for item in kind.__iter__(value):
                encode(item, put, depth + 1)
        elif kind is dict or kind in dictionaries():
            put(b"m%d:" % dict.__len__(value))
            for key, item in dict.items(value):
                encode(key, put, depth + 1)
                encode(item, put, depth + 1)
        else:
            raise TypeError("the answer contains a %s, which is no plain data" % kind.__name__)

    # What a test may make of a result before it compares.
    views = {view.__name__: view for view in (bool, frozenset, list, set, sorted, tuple)}
    sequences = {list: b"l", tuple: b"u", set: b"e", frozenset: b"e"}

    def dictionaries():
        # What Python takes for equal to a dictionary with the same entries.
        known = sys.modules.get("collections")
        return (known.defaultdict, known.Counter, known.OrderedDict) if known else ()

    with open("solution.py", encoding="utf-8") as file:
        source = file.read()
    # A module that can be found, because dataclasses look theirs up.
    module = sys.modules["solution"] = type(sys)("solution")
    module.__file__ = "solution.py"
    exec(compile(source, "solution.py", "exec"), module.__dict__)
    for entry, arguments, named, view in calls:
        try:
            function = module
            for name in entry.split("."):
                if isinstance(function, type):
                    function = function()
                function = getattr(function, name)
            result = function(*arguments, **named)
            if view:
                result = views[view](result)
        except BaseException:
            sys.excepthook(*sys.exc_info())
            send(b"x")
            continue
        try:
            send(b"r" + answer(result))
        except Exception as error:
            sys.stderr.write("%s\n" % error)
            send(b"w")
    send(b".")
    # Threads and exit handlers of the program would have the last word otherwise.
    posix._exit(0)


run()
