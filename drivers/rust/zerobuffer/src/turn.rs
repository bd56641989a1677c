//! Something that one thread has at a time; the others wait in line, for as long as they like to.

use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::deadline::{Deadline, SLICE};
use crate::error::ErrorKind;

pub(crate) struct Turn<T> {
    line: Mutex<Line<T>>,
    moved: Condvar,
}

struct Line<T> {
    /// `None` while somebody has it.
    value: Option<T>,
    last: u64,
    waiting: VecDeque<u64>,
}

/// The value, until this is dropped.
pub(crate) struct Taken<'a, T> {
    turn: &'a Turn<T>,
    /// Always there before the drop.
    value: Option<T>,
}

impl<T> Turn<T> {
    pub fn new(value: T) -> Self {
        let line = Line { value: Some(value), last: 0, waiting: VecDeque::new() };
        Self { line: Mutex::new(line), moved: Condvar::new() }
    }

    fn line(&self) -> MutexGuard<'_, Line<T>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits in line, for as long as there is reason to: `None` when the deadline is over.
    pub fn take(
        &self,
        deadline: Deadline,
        reason: impl Fn() -> Result<(), ErrorKind>,
    ) -> Result<Option<Taken<'_, T>>, ErrorKind> {
        let mut line = self.line();
        line.last += 1;
        let number = line.last;
        line.waiting.push_back(number);
        let outcome = loop {
            if let Err(kind) = reason() {
                break Err(kind);
            }
            if line.waiting.front() == Some(&number) {
                if let Some(value) = line.value.take() {
                    break Ok(Some(Taken { turn: self, value: Some(value) }));
                }
            }
            let Some(slice) = deadline.next_slice() else { break Ok(None) };
            line = self.moved.wait_timeout(line, slice.min(SLICE)).unwrap_or_else(PoisonError::into_inner).0;
        };
        line.waiting.retain(|&waiting| waiting != number);
        drop(line);
        self.moved.notify_all();
        outcome
    }
}

impl<T> Deref for Taken<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.value.as_ref().expect("there until the drop")
    }
}

impl<T> DerefMut for Taken<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.value.as_mut().expect("there until the drop")
    }
}

impl<T> Drop for Taken<'_, T> {
    fn drop(&mut self) {
        self.turn.line().value = self.value.take();
        self.turn.moved.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;
    use std::time::Duration;

    fn never() -> Deadline {
        Deadline::after(Duration::MAX)
    }

    #[test]
    fn one_at_a_time_and_all_in_the_end() {
        let turn = Turn::new(0_u32);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        let mut count = turn.take(never(), || Ok(())).expect("no reason").expect("a turn");
                        let before = *count;
                        thread::yield_now();
                        *count = before + 1;
                    }
                });
            }
        });
        assert_eq!(*turn.take(never(), || Ok(())).expect("no reason").expect("a turn"), 400);
    }

    #[test]
    fn who_waits_gives_up_at_the_deadline_or_when_the_reason_is_gone() {
        let turn = Turn::new(());
        let taken = turn.take(never(), || Ok(())).expect("no reason").expect("a turn");
        let soon = Deadline::after(Duration::from_millis(5));
        assert!(turn.take(soon, || Ok(())).expect("no reason").is_none());
        let closed = AtomicBool::new(false);
        thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                let reason = || match closed.load(Ordering::Acquire) {
                    true => Err(ErrorKind::Closed { what: "test" }),
                    false => Ok(()),
                };
                turn.take(never(), reason).map(drop)
            });
            closed.store(true, Ordering::Release);
            assert!(matches!(waiting.join().expect("the thread"), Err(ErrorKind::Closed { .. })));
        });
        drop(taken);
        assert!(turn.take(Deadline::after(Duration::ZERO), || Ok(())).expect("no reason").is_some());
    }
}
