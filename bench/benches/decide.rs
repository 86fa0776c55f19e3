//! What a decision about a statement costs: nothing governed in it, known already, known but for its values, and new.
//!
//! Targets: under 200 ns where nothing is governed (20 governed tables), under 500 ns where the
//! statement is in the plan cache, under 3 µs where only its values are new, under 40 µs where it must be read and rewritten.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use rewrite_rules::{Phase, SearchPath, SessionView, Shape};
use segue_bench::{GOVERNED, UNGOVERNED, generation};

/// The phase in which most must be done: both columns are written, the new one is read.
const PHASE: Phase = Phase::SwitchReads;

fn nothing_governed(criterion: &mut Criterion) {
    let Some(generation) = generation(PHASE) else { return };
    let mut group = criterion.benchmark_group("nothing governed");
    for (name, text) in UNGOVERNED {
        group.bench_with_input(BenchmarkId::from_parameter(name), text, |bencher, text| {
            bencher.iter(|| generation.scan(black_box(text).as_bytes()));
        });
    }
    group.finish();
}

fn cached(criterion: &mut Criterion) {
    let Some(compiled) = generation(PHASE) else { return };
    let generation = segue::phase::generation::Generation::new(compiled);
    let path = Arc::new(SearchPath::default());
    let mut group = criterion.benchmark_group("cached");
    for (name, text) in GOVERNED {
        group.bench_with_input(BenchmarkId::from_parameter(name), text, |bencher, text| {
            bencher.iter(|| {
                let scan = generation.compiled().scan(black_box(text).as_bytes());
                (scan, generation.plan((black_box(text), scan), &path, true, Shape::Old))
            });
        });
    }
    group.finish();
}

/// What drivers send that write values into the text.
fn other_values(criterion: &mut Criterion) {
    let Some(compiled) = generation(PHASE) else { return };
    let generation = segue::phase::generation::Generation::new(compiled);
    let path = Arc::new(SearchPath::default());
    let mut group = criterion.benchmark_group("other values");
    for (name, text) in GOVERNED {
        let mut number = 0_u64;
        group.bench_with_input(BenchmarkId::from_parameter(name), text, |bencher, text| {
            let next = || {
                number += 1;
                text.replace("$1", &number.to_string()).replace("$2", "'a value'")
            };
            let decide = |text: String| {
                let scan = generation.compiled().scan(black_box(&text).as_bytes());
                (scan, generation.plan((black_box(&text), scan), &path, true, Shape::Old))
            };
            bencher.iter_batched(next, decide, BatchSize::SmallInput);
        });
    }
    group.finish();
}

fn rewritten(criterion: &mut Criterion) {
    let Some(generation) = generation(PHASE) else { return };
    let path = SearchPath::default();
    let session = SessionView::usual(&path);
    let mut group = criterion.benchmark_group("read and rewritten");
    for (name, text) in GOVERNED {
        group.bench_with_input(BenchmarkId::from_parameter(name), text, |bencher, text| {
            bencher.iter(|| generation.rewrite(black_box(text), session));
        });
    }
    group.finish();
}

criterion_group!(decide, nothing_governed, cached, other_values, rewritten);
criterion_main!(decide);
