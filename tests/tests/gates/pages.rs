//! The page about gates has a row for every code.

use std::path::Path;

use segue::gate::About;

#[test]
fn every_code_is_described() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/gates.md");
    let page = std::fs::read_to_string(path).expect("the page");
    let described: Vec<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(code, _)| code)
        .collect();
    let codes: Vec<&str> = About::ALL.iter().map(|about| about.code()).collect();
    assert_eq!(described, codes);
}
