//! What each checker accepts and rejects.

use super::{Checker, Named};
use crate::value::Tolerance;

const EXACT: Checker = Checker::Named(Named::Exact);
const TOKENS: Checker = Checker::Named(Named::Tokens);
const UNORDERED: Checker = Checker::Named(Named::Unordered);
const CLOSE: Checker = Checker::Close(Tolerance {
    relative: 1e-6,
    absolute: 1e-9,
});

#[test]
fn each_checker_draws_its_line() {
    let table: &[(Checker, &str, &str, bool)] = &[
        (EXACT, "9\n", "9\n", true),
        (EXACT, "9\n", "9", true),
        (EXACT, "9", "9 \r\n\n\n", true),
        (EXACT, "a b\nc\n", "a b  \nc\n", true),
        (EXACT, "9\n", " 9\n", false),
        (EXACT, "9\n", "\n9\n", false),
        (EXACT, "a b\n", "a  b\n", false),
        (EXACT, "a\nb\n", "a\n\nb\n", false),
        (EXACT, "9\n", "9\n9\n", false),
        (EXACT, "9\n", "99\n", false),
        (EXACT, "9\n", "", false),
        (EXACT, "", "", true),
        (EXACT, "", "\n", true),
        (EXACT, "", "0", false),
        (EXACT, "9", "9.0", false),
        (EXACT, "Yes", "yes", false),
        (TOKENS, "1 2\n3\n", "1\n2   3", true),
        (TOKENS, "1 2 3", "1 2", false),
        (TOKENS, "1 2", "1 2 3", false),
        (TOKENS, "12", "1 2", false),
        (UNORDERED, "a\nb\nb\n", "b\na \nb\n", true),
        (UNORDERED, "a\nb\nb\n", "b\na\na\n", false),
        (UNORDERED, "a b", "b a", false),
        (UNORDERED, "a\n\nb", "b\na\n\n", true),
        (UNORDERED, "a\nb", "\nb\na\n", true),
        (CLOSE, "1e400", "1e400", true),
        (CLOSE, "1e400", "1e500", false),
        (CLOSE, "-1e400", "-2e999", false),
        (CLOSE, "0.333333333", "0.3333333331", true),
        (CLOSE, "0.5", "5e-1", true),
        (CLOSE, "3.0", "3", true),
        (CLOSE, "0.5", "0.50001", false),
        (CLOSE, "1000000007", "1000000008", false),
        (CLOSE, "3", "3.0", false),
        (CLOSE, "1.0 x", "1.0 y", false),
        (CLOSE, "1.0", "nan", false),
        (CLOSE, "1.0", "inf", false),
        (CLOSE, "1.0", "1e999", false),
        (CLOSE, "1.0", "", false),
        (CLOSE, "1.0", "1.0 1.0", false),
        (CLOSE, "nan", "nan", true),
    ];
    for (checker, expected, printed, accepted) in table {
        assert_eq!(
            checker.accepts(expected.as_bytes(), printed.as_bytes()),
            *accepted,
            "{checker:?}: expected {expected:?}, printed {printed:?}"
        );
    }
}

#[test]
fn what_is_no_text_is_compared_as_bytes() {
    assert!(EXACT.accepts(b"\xff\n", b"\xff"));
    assert!(!EXACT.accepts(b"\xff", b"\xfe"));
    assert!(!CLOSE.accepts(b"1.0", b"1.0\xff"));
}
