//! Which part of a completion is taken for the program.

use std::cell::OnceCell;

use proptest::prelude::*;

use super::{Place, assembled, extract};
use crate::suite::{Stub, Tests};

fn extracted(completion: &str, place: Place) -> Option<String> {
    extract(completion, place, &["python".to_owned(), "py".to_owned()])
}

#[test]
fn the_program_is_where_the_policy_says() {
    let table: &[(&str, Option<&str>)] = &[
        // Fences: the last closed one of the language, else the last without a label.
        ("Sure:\n```python\nprint(1)\n```\nDone.", Some("print(1)\n")),
        ("```python\na=1\n```\n```python\nb=1\n```", Some("b=1\n")),
        ("```Python\na=1\n```", Some("a=1\n")),
        ("```py title=x\na=1\n```", Some("a=1\n")),
        ("~~~python\na=1\n~~~", Some("a=1\n")),
        ("````python\n```\n````", Some("```\n")),
        ("```\na=1\n```", Some("a=1\n")),
        ("```python\na=1\n```\n```\noutput: 3\n```", Some("a=1\n")),
        ("```python\na=1\n```\n```text\noutput\n```", Some("a=1\n")),
        (
            "- so:\n  ```python\n  if x:\n    y\n  ```",
            Some("if x:\n  y\n"),
        ),
        // Cut off, in another language, or empty: no program.
        ("```python\nprint(1)\n", None),
        ("```python\na=1\n```\n```python\nb=", Some("a=1\n")),
        ("```js\na\n```", None),
        ("```python\n\n```", None),
        ("", None),
        ("  \n", None),
        // Tags.
        ("so <answer>print(1)</answer>", Some("print(1)")),
        (
            "<answer>a=1</answer> no, <answer>\nb=1\n</answer>",
            Some("b=1"),
        ),
        ("<answer>```python\na=1\n```</answer>", Some("a=1\n")),
        ("```python\na=1\n```\n<answer>b=1</answer>", Some("b=1")),
        ("<answer>a=1", Some("<answer>a=1")),
        // Thoughts.
        ("<think>```python\na=1\n```</think>", None),
        (
            "<think>```python\na=1\n```</think>\n```python\nb=1\n```",
            Some("b=1\n"),
        ),
        ("```python\na=1\n```</think>b=1", Some("b=1")),
        ("<think>```python\na=1\n```", None),
        ("Sure. <think> hm\n```python\na=1\n```", None),
        ("<think>a</think> no <think>\n```python\na=1\n```", None),
        (
            "<think>```python\na=1\n</think>\n```python\nb=1\n```",
            Some("b=1\n"),
        ),
        (
            "```python\na=1\n hm</think>\n```python\nb=1\n```",
            Some("b=1\n"),
        ),
        // Tags that are the program's own text.
        ("```python\ns='</think>'\n```", Some("s='</think>'\n")),
        (
            "<think>a</think>```python\na=1\n```\n```python\ns='<think>'\n```",
            Some("s='<think>'\n"),
        ),
        (
            "```python\n# <answer>a</answer>\n```",
            Some("# <answer>a</answer>\n"),
        ),
        (
            "<answer>\n```python\ns='</answer>'\n```\n</answer>",
            Some("s='</answer>'\n"),
        ),
        ("<answer>\n```python\na=1\n</answer>", None),
        ("<answer>\n```js\na\n```\n</answer>", None),
        (
            "<answer>```python\na=1\n```</answer>, or <answer>b=1</answer>\n```\nx\n```",
            Some("b=1"),
        ),
        // A mark of the encoding.
        ("```python\n\u{feff}a=1\n```", Some("a=1\n")),
        ("\u{feff}a=1", Some("a=1")),
        // Neither.
        ("print(1)", Some("print(1)")),
        ("    return x", Some("    return x")),
    ];
    for (completion, expected) in table {
        assert_eq!(
            extracted(completion, Place::Auto).as_deref(),
            *expected,
            "{completion:?}"
        );
    }
}

#[test]
fn a_policy_of_one_place_looks_nowhere_else() {
    let both = "```python\na=1\n```\n<answer>b=1</answer>";
    assert_eq!(extracted(both, Place::Fence).as_deref(), Some("a=1\n"));
    assert_eq!(extracted(both, Place::Answer).as_deref(), Some("b=1"));
    assert_eq!(extracted(both, Place::Raw).as_deref(), Some(both));
    assert_eq!(extracted("a=1", Place::Fence), None);
    assert_eq!(extracted("a=1", Place::Answer), None);
}

#[test]
fn a_definition_takes_the_place_of_the_stubs() {
    let tests = Tests {
        setup: "import math".into(),
        stub: Some(Stub {
            source: "y = 1\ndef f(x):\n    'Square.'".into(),
            entry_point: "f".into(),
        }),
        tests: Vec::new(),
        setup_runs: OnceCell::new(),
    };
    for (written, source) in [
        ("def f(x): 1", "import math\ny = 1\ndef f(x): 1"),
        ("def f[T](x: T): 1", "import math\ny = 1\ndef f[T](x: T): 1"),
        (
            "async def f (x): 1",
            "import math\ny = 1\nasync def f (x): 1",
        ),
        ("f = g", "import math\ny = 1\nf = g"),
        (
            "from __future__ import annotations\ndef f(x): 1",
            "from __future__ import annotations\nimport math\ny = 1\ndef f(x): 1",
        ),
        (
            "    return 1",
            "import math\ny = 1\ndef f(x):\n    'Square.'\n    return 1",
        ),
        (
            "    return f == 1",
            "import math\ny = 1\ndef f(x):\n    'Square.'\n    return f == 1",
        ),
    ] {
        assert_eq!(assembled(&tests, written.to_owned()), source, "{written}");
    }
}

proptest! {
    #[test]
    fn no_completion_panics(text in "(<think>|</think>|<answer>|</answer>|```|````|~~~|python|\n| |a|\\PC){0,40}") {
        for place in [Place::Auto, Place::Answer, Place::Fence, Place::Raw] {
            let _ = extracted(&text, place);
        }
    }
}

/// Every tag and every fence is looked at once, or this does not end.
#[test]
fn long_completions_are_read_in_one_go() {
    for part in [
        "</think>",
        "<think></think>",
        "```python\n",
        "```\n</think>",
        "```a\n```\n<answer>",
        "</answer>",
        "~~~\n```x\n",
    ] {
        let _ = extracted(&part.repeat(200_000), Place::Auto);
    }
}
