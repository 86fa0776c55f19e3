//! Which bucket a time falls into: a microsecond wide up to 64 µs, then 32 to each doubling.
//!
//! So a bucket's greatest time is at most 1/32 above any time in it, and beneath 64 µs less than a
//! microsecond.

use std::time::Duration;

/// Buckets in each doubling, as a power of two.
const SHARE_BITS: u32 = 5;

const SHARES: u64 = 1 << SHARE_BITS;

/// Times are told apart below this, 71 min; longer ones count as this. Unit: microseconds.
const LONGEST_US: u64 = u32::MAX as u64;

/// How many buckets there are: those that are a microsecond wide, and 32 for each doubling up to
/// [`LONGEST_US`].
pub(super) const BUCKETS: usize = 896;

/// The bucket of a time. Below [`BUCKETS`].
pub(super) fn bucket(time: Duration) -> usize {
    // Rounded up, so that a bucket's greatest time is never less than one in it.
    let us = u64::try_from(time.as_nanos().div_ceil(1_000)).unwrap_or(LONGEST_US).min(LONGEST_US);
    let doublings = us.max(1).ilog2().saturating_sub(SHARE_BITS);
    let place = u64::from(doublings).saturating_mul(SHARES).saturating_add(us >> doublings);
    usize::try_from(place).unwrap_or(usize::MAX)
}

/// The longest time that falls into a bucket.
pub(super) fn greatest(bucket: usize) -> Duration {
    let bucket = u64::try_from(bucket).unwrap_or(u64::MAX);
    let doublings = (bucket >> SHARE_BITS).saturating_sub(1);
    let share = bucket.saturating_sub(doublings.saturating_mul(SHARES));
    Duration::from_micros((share.saturating_add(1) << doublings).saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn us(us: u64) -> Duration {
        Duration::from_micros(us)
    }

    #[test]
    fn buckets_join_without_gap_or_overlap() {
        assert_eq!(bucket(Duration::ZERO), 0);
        for place in 0..BUCKETS {
            assert_eq!(bucket(greatest(place)), place);
            let next = (place + 1).min(BUCKETS - 1);
            assert_eq!(bucket(greatest(place) + Duration::from_nanos(1)), next, "{place}");
        }
        assert_eq!(greatest(BUCKETS - 1), us(LONGEST_US));
        assert_eq!(bucket(Duration::MAX), BUCKETS - 1);
    }

    proptest! {
        #[test]
        fn a_bucket_is_narrow(ns in 50_000_u64..60_000_000_000) {
            let (time, shown) = (Duration::from_nanos(ns), greatest(bucket(Duration::from_nanos(ns))));
            prop_assert!(shown >= time);
            prop_assert!(shown.as_secs_f64() <= time.as_secs_f64() * 1.032 + 1e-6, "{shown:?}");
        }
    }
}
