//! Windows against lists of times that are kept in full.

use proptest::prelude::*;

use super::*;

/// What a request took, and in which second it was answered.
type Answered = (u64, Duration);

/// A proxy's life second by second, with its notes, looked at in the end.
fn window(answered: &[Answered], seconds: u64, length_s: u64) -> Window {
    let start = Instant::now();
    let at = |second: u64| start + Duration::from_secs(second);
    let latency = Latency::since(start, Instant::now);
    for second in 0..seconds {
        for (_, took) in answered.iter().filter(|(when, _)| *when == second) {
            latency.record(*took);
        }
        latency.note(at(second + 1));
    }
    latency.window_at(at(seconds), Duration::from_secs(length_s))
}

/// The same from all the times: each exact.
fn exact(answered: &[Answered], seconds: u64, length_s: u64) -> Window {
    let first = seconds.saturating_sub(length_s);
    let mut times: Vec<Duration> =
        answered.iter().filter(|(when, _)| *when >= first).map(|(_, took)| *took).collect();
    times.sort();
    // Nearest rank: the first that at least so many percent do not exceed.
    let percent = |percent: usize| {
        let holds = |at: &usize| (at + 1) * 100 >= percent * times.len();
        (0..times.len()).find(holds).map_or(Duration::ZERO, |at| times[at])
    };
    Window {
        over: Duration::from_secs(seconds - first),
        count: u64::try_from(times.len()).unwrap(),
        p50: percent(50),
        p99: percent(99),
        max: times.last().copied().unwrap_or_default(),
    }
}

fn check(answered: &[Answered], seconds: u64, length_s: u64) {
    let (found, exact) = (window(answered, seconds, length_s), exact(answered, seconds, length_s));
    assert_eq!((found.over, found.count), (exact.over, exact.count));
    for (found, exact) in [(found.p50, exact.p50), (found.p99, exact.p99), (found.max, exact.max)] {
        assert!(found >= exact, "{found:?} for {exact:?}");
        let most = exact.as_secs_f64() * 1.032 + 1e-6;
        assert!(found.as_secs_f64() <= most, "{found:?} for {exact:?}");
    }
}

/// From a microsecond to 100 s, each size as likely as the next.
fn took() -> impl Strategy<Value = Duration> {
    (10_u32..37, any::<u64>())
        .prop_map(|(bits, random)| Duration::from_nanos(1 << bits | random & ((1 << bits) - 1)))
}

proptest! {
    #[test]
    fn a_window_tells_what_was_answered_in_it(
        answered in prop::collection::vec((0_u64..100, took()), 0..200),
        seconds in 1_u64..100,
        length_s in prop::sample::select(vec![1_u64, 5, 60]),
    ) {
        let answered: Vec<Answered> =
            answered.into_iter().filter(|(when, _)| *when < seconds).collect();
        check(&answered, seconds, length_s);
    }
}

#[test]
fn a_window_between_two_notes_reaches_back_to_the_one_before() {
    let start = Instant::now();
    let (ms, at) = (Duration::from_millis, |ms| start + Duration::from_millis(ms));
    let latency = Latency::since(start, Instant::now);
    latency.record(ms(7));
    latency.note(at(1_000));
    latency.record(ms(5));
    latency.note(at(2_000));
    let window = latency.window_at(at(2_500), ms(1_000));
    assert_eq!((window.over, window.count), (ms(1_500), 1));
    let asked_again = latency.window_at(at(2_500), ms(1_000));
    assert_eq!(asked_again, window, "nothing is taken by asking");
    let longest = latency.window_at(at(2_500), ms(3_600_000));
    assert_eq!((longest.over, longest.count), (ms(2_500), 2));
}

#[test]
fn what_no_window_reaches_is_forgotten() {
    let start = Instant::now();
    let latency = Latency::since(start, Instant::now);
    for second in 1..=1_000 {
        latency.note(start + Duration::from_secs(second));
    }
    let kept = usize::try_from(LONGEST_WINDOW_S).unwrap() + 1;
    assert!((kept..=kept + 1).contains(&latency.past().len()));
}

#[test]
fn no_requests_took_no_time() {
    let nothing = Window {
        over: Duration::from_secs(5),
        count: 0,
        p50: Duration::ZERO,
        p99: Duration::ZERO,
        max: Duration::ZERO,
    };
    assert_eq!(window(&[(0, Duration::from_secs(1))], 10, 5), nothing);
}
