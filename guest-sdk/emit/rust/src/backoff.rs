//! How long to wait before the next attempt, and the little chance that takes.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// Waits that double from attempt to attempt up to a limit, each by chance from its half to its whole, so that
/// the nodes of a host that went away do not all come back in the same moment.
pub(crate) struct Backoff {
    first: Duration,
    most: Duration,
    next: Duration,
    chance: Chance,
}

impl Backoff {
    pub(crate) fn new(first: Duration, most: Duration) -> Self {
        Self {
            first,
            most,
            next: first,
            chance: Chance::new(),
        }
    }

    /// How long to wait now.
    pub(crate) fn wait(&mut self) -> Duration {
        let whole = self.next.min(self.most);
        self.next = whole.saturating_mul(2);
        whole.div_f64(2.0) + whole.mul_f64(self.chance.share() / 2.0)
    }

    /// Begin from the first wait again: an attempt went well.
    pub(crate) fn reset(&mut self) {
        self.next = self.first;
    }
}

/// Numbers nobody can guess the start of. It takes what the standard library has for its hash maps.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new() -> Self {
        Self(RandomState::new().hash_one(std::process::id()))
    }

    /// The next number (SplitMix64).
    pub(crate) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to 1.
    fn share(&mut self) -> f64 {
        (self.number() >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_limit_and_begin_again_after_a_success() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_millis(350));
        for whole in [100, 200, 350, 350] {
            let whole = Duration::from_millis(whole);
            let wait = backoff.wait();
            assert!(wait >= whole / 2 && wait <= whole, "{wait:?} of {whole:?}");
        }
        backoff.reset();
        assert!(backoff.wait() <= Duration::from_millis(100));
    }

    #[test]
    fn two_emitters_have_different_numbers() {
        assert_ne!(Chance::new().number(), Chance::new().number());
    }
}
