//! Well-formed answers are read, and nothing else is.

use proptest::prelude::*;

use super::{Answer, read};
use crate::value::Value;

#[test]
fn what_the_runner_writes_is_read() {
    let returned = Answer::Returned;
    let int = |number: i64| Value::Int(number.into());
    let table: Vec<(&[u8], Vec<Answer>)> = vec![
        (b"rn.", vec![returned(Value::None)]),
        (
            b"rtrf.",
            vec![returned(Value::Bool(true)), returned(Value::Bool(false))],
        ),
        (b"ri-ff;x.", vec![returned(int(-255)), Answer::Raised]),
        (b"rd-1.5e-07;.", vec![returned(Value::Float(-1.5e-7))]),
        (b"rdinf;.", vec![returned(Value::Float(f64::INFINITY))]),
        (
            b"rs2:\xc3\xa9.",
            vec![returned(Value::Text("\u{e9}".into()))],
        ),
        (b"rb3:.:;.", vec![returned(Value::Bytes(b".:;".to_vec()))]),
        (
            b"rl2:i1;u1:e0:.",
            vec![returned(Value::List(vec![
                int(1),
                Value::Tuple(vec![Value::Set(vec![])]),
            ]))],
        ),
        (
            b"rm1:s1:ai1;.",
            vec![returned(Value::Dict(vec![(
                Value::Text("a".into()),
                int(1),
            )]))],
        ),
    ];
    for (bytes, expected) in table {
        assert_eq!(read(bytes, expected.len()), Some(expected), "{bytes:?}");
    }
}

#[test]
fn what_deviates_in_the_least_is_no_answer() {
    let nested = [b"r".as_slice(), &b"l1:".repeat(100_000), b"n."].concat();
    let table: Vec<(&[u8], usize)> = vec![
        (b"", 1),
        (b".", 1),
        (b"rn", 1),
        (b"rn.", 0),
        (b"rn.", 2),
        (b"rnrn.", 1),
        (b"rn..", 1),
        (b"rn.\n", 1),
        (b"rn.rn.", 1),
        (b" rn.", 1),
        (b"ri;.", 1),
        (b"ri0x9;.", 1),
        (b"ri9.", 1),
        (b"rd;.", 1),
        (b"rs9:abc.", 1),
        (b"rs-1:.", 1),
        (b"rs1:\xff.", 1),
        (b"rl2:n.", 1),
        (b"rl18446744073709551615:n.", 1),
        (b"rl99999999999999999999999:.", 1),
        (b"rb18446744073709551615:.", 1),
        (b"r?.", 1),
        (b"PASSED", 1),
        (&nested, 1),
    ];
    for (bytes, calls) in table {
        assert_eq!(
            read(bytes, calls),
            None,
            "{:?}",
            &bytes[..bytes.len().min(40)]
        );
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), calls in 0_usize..4) {
        let _ = read(&bytes, calls);
    }

    #[test]
    fn no_letters_of_the_grammar_panic(text in "[rxntfidsblue0-9:;.-]{0,80}", calls in 0_usize..4) {
        let _ = read(text.as_bytes(), calls);
    }
}
