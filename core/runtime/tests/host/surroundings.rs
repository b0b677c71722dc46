//! What plugins say of the machine, asked by `inspect`.

use std::path::Path;

use farthing_runtime::{commands::plugins::inspection_text, host::inspect};
use farthing_sdk::Surrounding;

use crate::{frozen::frozen, libraries::library};

#[test]
fn a_plugin_that_looks_around_is_listed_with_what_it_found() {
    let inspection = inspect(&library("good"), None, None);
    assert_eq!(
        inspection.surroundings,
        [
            Surrounding::on("air", "breathable"),
            Surrounding::off("water", "there is none; bring your own"),
        ]
    );
    let text = inspection_text(&inspection);
    assert!(
        text.contains("  on  air                  breathable\n"),
        "{text}"
    );
    assert!(
        text.contains("  OFF water                there is none"),
        "{text}"
    );
    let data = serde_json::to_value(&inspection).unwrap();
    assert_eq!(data["surroundings"][1]["on"], false);
}

#[test]
fn a_panic_while_looking_around_costs_nothing_else() {
    let inspection = inspect(&library("panics"), None, None);
    assert!(inspection.is_loadable());
    assert!(!inspection.components.is_empty());
    let [found] = &inspection.surroundings[..] else {
        panic!("{:?}", inspection.surroundings);
    };
    assert!(!found.on);
    assert!(found.detail.contains("looking around"), "{}", found.detail);
}

/// Libraries from before the question have no answer, and load.
#[test]
fn older_plugins_and_plugins_that_do_not_look_have_nothing_to_say() {
    let silent = [library("another_good")].into_iter().chain(frozen());
    for file in silent {
        let inspection = inspect(Path::new(&file), None, None);
        assert!(inspection.is_loadable(), "{}", file.display());
        assert_eq!(inspection.surroundings, []);
    }
}
