//! A lock by which connections of one process are told apart, and one in another pid namespace is seen to live.
//!
//! Beside the protocol, and shared with the Python library: a writer locks bytes of the segment file far behind its end.
//! Where they begin is made from the moment of its connection; how many they are tells how many frames and markers were
//! written before it came. The kernel drops the lock with the process. Writers of other implementations have none, and are
//! told apart by their process numbers alone.

use std::fs::File;

use crate::sys;

const PLACES: i64 = 1 << 41;
const LONGEST: i64 = 1 << 61;

/// What the lock of a writer tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub place: i64,
    /// Frames and markers that were written before it came.
    pub before: u64,
}

/// The segment file, opened for locks.
pub(crate) struct Presence(File);

impl Presence {
    pub fn new(segment: File) -> Self {
        Self(segment)
    }

    /// Takes a place for a writer. Without it all works, but for what it tells.
    pub fn enter(&self, before: u64) {
        let place = PLACES + sys::monotonic_nanoseconds();
        let length =
            i64::try_from(before).ok().filter(|&before| before < LONGEST).map_or(1, |before| before + 1);
        let _ = sys::lock_bytes(&self.0, place, length);
    }

    pub fn leave(&self) {
        let _ = sys::unlock_from(&self.0, PLACES);
    }

    /// What is known of the writer that is connected now, if it has a lock.
    pub fn writer(&self) -> Option<Mark> {
        let (place, length) = sys::first_lock(&self.0, PLACES)?;
        Some(Mark { place, before: u64::try_from(length - 1).unwrap_or(0) })
    }
}
