//! How many cases a random test runs, and from which seed: both can be given, and are printed.

use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// A runner of `cases` cases, or of `ORACLE_TIMES` times as many, from the seed `ORACLE_SEED`.
///
/// Without a seed it is always the same one: a red build is then the fault of the change in it.
#[must_use]
pub fn runner(test: &str, cases: u32) -> TestRunner {
    let seed = number("ORACLE_SEED").unwrap_or(1);
    let times = times();
    let cases = cases.saturating_mul(times);
    println!("{test}: {cases} cases, ORACLE_SEED={seed}");
    let mut bytes = [0_u8; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

/// `ORACLE_TIMES`: how many times as much as usual is done.
#[must_use]
pub fn times() -> u32 {
    u32::try_from(number("ORACLE_TIMES").unwrap_or(1)).unwrap_or(u32::MAX)
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|value| value.parse().ok())
}
