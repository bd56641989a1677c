//! A lock that threads get in the order in which they asked for it. Each waits as long as its deadline allows.

use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use crate::deadline::Deadline;
use crate::error::ErrorKind;

pub(crate) struct FairLock<T> {
    line: Mutex<Line<T>>,
    moved: Condvar,
}

struct Line<T> {
    /// `None` while a thread has it.
    value: Option<T>,
    waiting: VecDeque<ThreadId>,
}

/// The value, until this is dropped.
pub(crate) struct Guard<'a, T> {
    lock: &'a FairLock<T>,
    /// Always there before the drop.
    value: Option<T>,
}

impl<T> FairLock<T> {
    pub fn new(value: T) -> Self {
        let line = Line { value: Some(value), waiting: VecDeque::new() };
        Self { line: Mutex::new(line), moved: Condvar::new() }
    }

    fn line(&self) -> MutexGuard<'_, Line<T>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the value when it is this thread's turn. Ends early with the error of `check`, which is asked before
    /// each sleep.
    pub fn lock(
        &self,
        deadline: Deadline,
        check: impl Fn() -> Result<(), ErrorKind>,
    ) -> Result<Guard<'_, T>, ErrorKind> {
        let mut line = self.line();
        let own = thread::current().id();
        line.waiting.push_back(own);
        let outcome = loop {
            if let Err(kind) = check() {
                break Err(kind);
            }
            if line.waiting.front() == Some(&own) {
                if let Some(value) = line.value.take() {
                    break Ok(Guard { lock: self, value: Some(value) });
                }
            }
            let Some(slice) = deadline.next_slice() else { break Err(deadline.passed()) };
            line = self.moved.wait_timeout(line, slice).unwrap_or_else(PoisonError::into_inner).0;
        };
        line.waiting.retain(|&waiting| waiting != own);
        outcome
    }
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.value.as_ref().expect("there until the drop")
    }
}

impl<T> DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.value.as_mut().expect("there until the drop")
    }
}

impl<T> Drop for Guard<'_, T> {
    fn drop(&mut self) {
        self.lock.line().value = self.value.take();
        self.lock.moved.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    fn never() -> Deadline {
        Deadline::after(Duration::MAX)
    }

    #[test]
    fn one_at_a_time_and_all_in_the_end() {
        let lock = FairLock::new(0_u32);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        let mut count = lock.lock(never(), || Ok(())).expect("the lock");
                        let before = *count;
                        thread::yield_now();
                        *count = before + 1;
                    }
                });
            }
        });
        assert_eq!(*lock.lock(never(), || Ok(())).expect("the lock"), 400);
    }

    #[test]
    fn a_thread_that_waits_gives_up_at_the_deadline_or_when_the_check_fails() {
        let lock = FairLock::new(());
        let taken = lock.lock(never(), || Ok(())).expect("the lock");
        let soon = Deadline::after(Duration::from_millis(5));
        assert!(matches!(lock.lock(soon, || Ok(())), Err(ErrorKind::Timeout { .. })));
        let closed = AtomicBool::new(false);
        thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                let check = || match closed.load(Ordering::Acquire) {
                    true => Err(ErrorKind::Closed { what: "test" }),
                    false => Ok(()),
                };
                lock.lock(never(), check).map(drop)
            });
            closed.store(true, Ordering::Release);
            assert!(matches!(waiting.join().expect("the thread"), Err(ErrorKind::Closed { .. })));
        });
        drop(taken);
        assert!(lock.lock(Deadline::after(Duration::ZERO), || Ok(())).is_ok());
    }
}
