//! Files whose locks belong to this process alone: a child of `fork` gives up its copies at once, whatever refers to
//! them. The kernel would hold a lock for as long as any copy is open, and a dead process would seem to live.
//!
//! One of the three files of this crate that hold `unsafe`.
#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::fs::File;
use std::io;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Once;

/// An open file that a child of `fork` does not keep.
pub(crate) struct Kept(ManuallyDrop<File>);

impl Kept {
    /// Opens a file. No fork comes between its opening and its entry in the table.
    pub fn open(open: impl FnOnce() -> io::Result<File>) -> io::Result<Self> {
        static HANDLERS: Once = Once::new();
        // SAFETY: the handlers are as `pthread_atfork` wants them, and live as long as the program.
        HANDLERS.call_once(|| unsafe {
            libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child));
        });
        let table = Held::take();
        let file = open()?;
        table.descriptors().push(file.as_raw_fd());
        Ok(Self(ManuallyDrop::new(file)))
    }
}

impl Deref for Kept {
    type Target = File;

    fn deref(&self) -> &File {
        &self.0
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let table = Held::take();
        let own = self.0.as_raw_fd();
        table.descriptors().retain(|&descriptor| descriptor != own);
        // SAFETY: dropped once, here.
        unsafe { ManuallyDrop::drop(&mut self.0) };
    }
}

/// A mutex of the C library, as one of Rust cannot be given up by a handler that did not take it.
struct Table {
    mutex: UnsafeCell<libc::pthread_mutex_t>,
    descriptors: UnsafeCell<Vec<RawFd>>,
}

// SAFETY: the descriptors are touched only by who holds the mutex.
unsafe impl Sync for Table {}

static TABLE: Table = Table {
    mutex: UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER),
    descriptors: UnsafeCell::new(Vec::new()),
};

/// The table, held by this thread.
struct Held;

impl Held {
    fn take() -> Self {
        // SAFETY: the mutex is initialised and never moves.
        unsafe { libc::pthread_mutex_lock(TABLE.mutex.get()) };
        Self
    }

    #[allow(clippy::mut_from_ref)] // each caller asks once
    fn descriptors(&self) -> &mut Vec<RawFd> {
        // SAFETY: the mutex is held by this thread.
        unsafe { &mut *TABLE.descriptors.get() }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // SAFETY: the mutex is held by this thread.
        unsafe { libc::pthread_mutex_unlock(TABLE.mutex.get()) };
    }
}

extern "C" fn before() {
    std::mem::forget(Held::take());
}

extern "C" fn in_parent() {
    drop(Held);
}

/// Puts something harmless in the place of each descriptor: its number stays taken, so that a later close by whoever has
/// it hits nothing else. Only calls that a signal handler may make.
extern "C" fn in_child() {
    let table = Held;
    // SAFETY: the calls take numbers.
    unsafe {
        let harmless = libc::eventfd(0, libc::EFD_CLOEXEC);
        for &descriptor in table.descriptors().iter() {
            if harmless < 0 || libc::dup3(harmless, descriptor, libc::O_CLOEXEC) < 0 {
                libc::close(descriptor);
            }
        }
        libc::close(harmless);
    }
}

/// Forks a child that waits for the end of its input; returns when it runs.
#[cfg(all(test, feature = "points"))]
pub(crate) fn fork_a_child() {
    let (mut byte, mut ends) = (0_u8, [0; 2]);
    // SAFETY: the child makes only calls that a signal handler may make, and all that is pointed to is here.
    unsafe {
        libc::pipe(ends.as_mut_ptr());
        if libc::fork() == 0 {
            libc::write(ends[1], (&raw const byte).cast(), 1);
            libc::read(0, (&raw mut byte).cast(), 1);
            libc::_exit(0);
        }
        libc::read(ends[0], (&raw mut byte).cast(), 1);
    }
}
