//! Files whose locks belong to this process alone: a child of `fork` gives up its copies at once, whatever refers to
//! them. The kernel would hold a lock for as long as any copy is open, and a dead process would seem to live.
//!
//! One of the three files of this crate that hold `unsafe`.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::fs::File;
use std::io;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

/// An open file that a child of `fork` does not keep.
pub(crate) struct Kept(Option<File>);

/// The descriptors of all such files.
static TABLE: Mutex<Vec<RawFd>> = Mutex::new(Vec::new());

type Held = MutexGuard<'static, Vec<RawFd>>;

thread_local! {
    /// The table, which this thread holds while it forks. Without a destructor: it can be used to the end of the
    /// thread.
    static FORKING: Cell<Option<ManuallyDrop<Held>>> = const { Cell::new(None) };
}

fn table() -> Held {
    TABLE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Kept {
    /// Opens a file. No fork comes between its opening and its entry in the table.
    pub fn open(open: impl FnOnce() -> io::Result<File>) -> io::Result<Self> {
        static HANDLERS: Once = Once::new();
        // SAFETY: the handlers are as `pthread_atfork` wants them, and live as long as the program.
        HANDLERS.call_once(|| unsafe {
            libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child));
        });
        let mut table = table();
        let file = open()?;
        table.push(file.as_raw_fd());
        Ok(Self(Some(file)))
    }
}

impl Deref for Kept {
    type Target = File;

    fn deref(&self) -> &File {
        self.0.as_ref().expect("there until the drop")
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let own = self.as_raw_fd();
        let mut table = table();
        table.retain(|&descriptor| descriptor != own);
        // Before the table is free again: no fork comes in between.
        drop(self.0.take());
    }
}

extern "C" fn before() {
    FORKING.set(Some(ManuallyDrop::new(table())));
}

extern "C" fn in_parent() {
    drop(FORKING.take().map(ManuallyDrop::into_inner));
}

/// Puts something harmless in the place of each descriptor: its number stays taken, so that a later close by its owner
/// hits nothing else. Makes only calls that a signal handler may make.
extern "C" fn in_child() {
    let table = FORKING.take().map(ManuallyDrop::into_inner);
    // SAFETY: the calls take numbers.
    unsafe {
        let harmless = libc::eventfd(0, libc::EFD_CLOEXEC);
        for &descriptor in table.iter().flat_map(|table| table.iter()) {
            if harmless < 0 || libc::dup3(harmless, descriptor, libc::O_CLOEXEC) < 0 {
                libc::close(descriptor);
            }
        }
        libc::close(harmless);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A descriptor of its own, of a number that no other test meets.
    const NUMBER: RawFd = 900;

    fn at_number(file: &File) -> io::Result<File> {
        use std::os::fd::FromRawFd;
        // SAFETY: the descriptor is new, and its only owner is what is returned.
        unsafe {
            let made = libc::fcntl(file.as_raw_fd(), libc::F_DUPFD_CLOEXEC, NUMBER);
            (made == NUMBER).then(|| File::from_raw_fd(made)).ok_or_else(io::Error::last_os_error)
        }
    }

    /// No verb of a driver forks, and the number must come again.
    #[test]
    fn a_child_keeps_what_has_the_number_of_a_file_that_is_closed() {
        let null = File::options().write(true).open("/dev/null").expect("a file");
        drop(Kept::open(|| at_number(&null)).expect("a file that is kept"));
        let next = at_number(&null).expect("the same number");
        // SAFETY: the child makes only calls that a signal handler may make, and what is pointed to is here.
        let status = unsafe {
            let child = libc::fork();
            if child == 0 {
                // One byte is not enough for what stands in the place of a file that was given up.
                libc::_exit(i32::from(libc::write(next.as_raw_fd(), [0_u8].as_ptr().cast(), 1) != 1));
            }
            let mut status = -1;
            libc::waitpid(child, &raw mut status, 0);
            status
        };
        assert_eq!(status, 0, "the child has lost a descriptor that is none of ours");
    }
}
