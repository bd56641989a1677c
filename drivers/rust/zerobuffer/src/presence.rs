//! A lock by which connections of one process are told apart, and one in another pid namespace is seen to live.
//!
//! Beside the protocol, and shared with the Python library: a writer holds a lock on one byte of the segment file, far
//! behind its end, at a place made from the moment of its connection. The kernel drops it with the process. Writers of
//! other implementations have none, and are told apart by their process numbers alone.

use std::fs::File;

use crate::sys;

const PLACES: i64 = 1 << 41;

/// The segment file, opened for locks.
pub(crate) struct Presence(File);

impl Presence {
    pub fn new(segment: File) -> Self {
        Self(segment)
    }

    /// Takes a place for a writer, and returns it. Without it all works, but for the two things above.
    pub fn enter(&self) -> i64 {
        let place = PLACES + sys::monotonic_nanoseconds();
        let _ = sys::lock_place(&self.0, place, true);
        place
    }

    pub fn leave(&self, place: i64) {
        let _ = sys::lock_place(&self.0, place, false);
    }

    /// The place of the writer that is connected now; 0 if it has none.
    pub fn writer(&self) -> i64 {
        sys::first_lock(&self.0, PLACES).unwrap_or(0)
    }
}
