//! The functions that Python has without a program.

/// Whether a call of this name means a function of Python itself, if the program has none.
pub fn is_builtin(name: &str) -> bool {
    BUILTINS.split_whitespace().any(|builtin| builtin == name)
}

const BUILTINS: &str = "
    abs aiter all anext any ascii bin bool breakpoint bytearray bytes callable chr classmethod
    compile complex delattr dict dir divmod enumerate eval exec filter float format frozenset
    getattr globals hasattr hash hex id input int isinstance issubclass iter len list locals map
    max memoryview min next object oct open ord pow print property range repr reversed round set
    setattr slice sorted staticmethod str sum super tuple type vars zip
";
