//! The moment until which a call may wait.

use std::time::{Duration, Instant};

use crate::error::ErrorKind;

/// A wait sleeps no longer than this before it looks whether the other side still lives: a death must be noticed within
/// 50 ms, and only the futex wait itself has no event for it.
pub(crate) const SLICE: Duration = Duration::from_millis(30);

/// A moment, or never.
#[derive(Clone, Copy)]
pub(crate) struct Deadline {
    pub timeout: Duration,
    moment: Option<Instant>,
}

impl Deadline {
    /// A timeout that no clock can hold means never.
    pub fn after(timeout: Duration) -> Self {
        Self { timeout, moment: Instant::now().checked_add(timeout) }
    }

    /// What is left, in pieces of a slice; `None` when it is over.
    pub fn next_slice(&self) -> Option<Duration> {
        let left = self.left();
        (!left.is_zero()).then(|| left.min(SLICE))
    }

    pub fn left(&self) -> Duration {
        self.moment.map_or(Duration::MAX, |moment| moment.saturating_duration_since(Instant::now()))
    }

    pub fn passed(&self) -> ErrorKind {
        ErrorKind::Timeout { seconds: self.timeout.as_secs_f64() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_comes_in_slices_and_ends() {
        assert_eq!(Deadline::after(Duration::MAX).next_slice(), Some(SLICE));
        assert!(Deadline::after(Duration::from_secs(60)).next_slice().is_some());
        assert_eq!(Deadline::after(Duration::ZERO).next_slice(), None);
        assert!(Deadline::after(Duration::from_millis(5)).next_slice().is_some_and(|slice| slice < SLICE));
    }
}
