//! Texts that Python packed: `base64.b64encode(zlib.compress(pickle.dumps(text, protocol)))`.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

use super::unpacked;

const TESTS: &str = r#"[{"input": "3", "output": "9", "testtype": "functional"}]"#;

#[test]
fn every_protocol_is_read() {
    for packed in [
        "eJyLsGRgYIiuVsrMKygtUbJSUDJW0lFQyi8tgXItQdyS1OKSksqCVJBAWmlecklmfl5ijlJtbCGDHgBMeBMh",
        "eJxrYIqwZGBgiK5WyswrKC1RslJQMlbSUVDKLy2Bci1B3JLU4pKSyoJUkEBaaV5ySWZ+XmKOUm1sIYMeAG5+E6M=",
        "eJxrYI6wZGBgiK5WyswrKC1RslJQMlbSUVDKLy2Bci1B3JLU4pKSyoJUkEBaaV5ySWZ+XmKOUm1sIYMeAG7AE6Q=",
        "eJxrYJlqywABPZbR1UqZeQWlJUpWCkrGSjoKSvmlJVCuJYhbklpcUlJZkAoSSCvNSy7JzM9LzFGqjZ2iBwCizxTO",
        "eJxrYJ1qywABPZbR1UqZeQWlJUpWCkrGSjoKSvmlJVCuJYhbklpcUlJZkAoSSCvNSy7JzM9LzFGqjZ2iBwCjFhTP",
    ] {
        assert_eq!(unpacked(packed).unwrap(), TESTS);
    }
    // A length of four bytes, and a text so long that it has no frame.
    let long = unpacked("eJxrYJkqyM4ABhFcQIZSTKmBQarlKDlKjpKj5Cg5So5MUmmKHgA0KCFT");
    assert_eq!(long.unwrap(), format!("\"{}\"", r"\u00e9".repeat(300)));
    let huge = unpacked(
        "eJztwTENACAMALAtmR70TAonFwoQgFRscLRd1XdnTAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAOBbZzzaUyh/",
    );
    assert_eq!(huge.unwrap(), "x".repeat(100_000));
}

#[test]
fn all_else_is_refused() {
    for (packed, says) in [
        ("[1", "neither JSON nor base64"),
        ("aGVsbG8=", "not compressed by zlib"),
        // os.system("true"); a list; a text that is cut off; nothing.
        (
            "eJxrYJkqzwABPawF+cWZFVN62Iori0tSc6dMntLDUlJUmjqldUrQFD0AA2gOlA==",
            "no pickle of one text",
        ),
        ("eJxrYJnKwQABsVN6GBOnJOoBACKxBCQ=", "no pickle of one text"),
        (
            "eJxrYJlqywABPZbR1UqZeQWlJUpWCkrGSjoKSvmlJVCuJYhbklpcUlJZkAoSSCvNSy7JBAD0mRFm",
            "no pickle of one text",
        ),
        ("eJwDAAAAAAE=", "no pickle of one text"),
    ] {
        let said = unpacked(packed).unwrap_err().to_string();
        assert!(said.contains(says), "{packed}: {said}");
    }
}
