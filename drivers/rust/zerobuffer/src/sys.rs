//! System calls that the standard library does not offer, each behind a safe function.
//!
//! One of the three files of this crate that hold `unsafe`.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;
use std::ptr::NonNull;
use std::time::Duration;

extern "C" {
    /// glibc 2.30: like `sem_timedwait`, by a clock that nobody can set.
    fn sem_clockwait(
        semaphore: *mut libc::sem_t,
        clock: libc::clockid_t,
        moment: *const libc::timespec,
    ) -> libc::c_int;
}

fn checked(result: libc::c_int) -> io::Result<libc::c_int> {
    (result >= 0).then_some(result).ok_or_else(io::Error::last_os_error)
}

fn c_string(text: &str) -> io::Result<CString> {
    CString::new(text).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))
}

/// A named POSIX semaphore, opened.
///
/// The C library's own functions are used, not a futex: the layout of `sem_t` belongs to it, and the other side of the
/// buffer uses it, too.
pub(crate) struct Semaphore(NonNull<libc::sem_t>);

// SAFETY: POSIX lets any thread use an open semaphore; the pointer is valid until the drop.
unsafe impl Send for Semaphore {}
// SAFETY: as above.
unsafe impl Sync for Semaphore {}

impl Semaphore {
    /// Creates a semaphore that must not exist, with the value 0.
    pub fn create(name: &str, mode: u32) -> io::Result<Self> {
        Self::sem_open(name, libc::O_CREAT | libc::O_EXCL, mode)
    }

    pub fn open(name: &str) -> io::Result<Self> {
        Self::sem_open(name, 0, 0)
    }

    fn sem_open(name: &str, flags: libc::c_int, mode: u32) -> io::Result<Self> {
        let name = c_string(name)?;
        // SAFETY: the name is a C string; the two variadic arguments are those that O_CREAT asks for.
        let semaphore = unsafe { libc::sem_open(name.as_ptr(), flags, mode, 0 as libc::c_uint) };
        if semaphore == libc::SEM_FAILED {
            return Err(io::Error::last_os_error());
        }
        NonNull::new(semaphore).map(Self).ok_or_else(|| io::Error::from_raw_os_error(libc::EINVAL))
    }

    pub fn unlink(name: &str) -> io::Result<()> {
        let name = c_string(name)?;
        // SAFETY: the name is a C string.
        checked(unsafe { libc::sem_unlink(name.as_ptr()) }).map(drop)
    }

    pub fn post(&self) -> io::Result<()> {
        // SAFETY: the semaphore is open.
        checked(unsafe { libc::sem_post(self.0.as_ptr()) }).map(drop)
    }

    pub fn try_take(&self) -> bool {
        loop {
            // SAFETY: the semaphore is open.
            match checked(unsafe { libc::sem_trywait(self.0.as_ptr()) }) {
                Ok(_) => return true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
    }

    /// Waits for a token; `false` when none has come, or a signal has.
    pub fn take_within(&self, patience: Duration) -> io::Result<bool> {
        let mut moment = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: `moment` is writable.
        checked(unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut moment) })?;
        let end = Duration::new(moment.tv_sec as u64, moment.tv_nsec as u32) + patience;
        moment = libc::timespec { tv_sec: end.as_secs() as libc::time_t, tv_nsec: end.subsec_nanos().into() };
        // SAFETY: the semaphore is open, and `moment` lives as long as the call.
        match checked(unsafe { sem_clockwait(self.0.as_ptr(), libc::CLOCK_MONOTONIC, &moment) }) {
            Ok(_) => Ok(true),
            Err(error) => match error.raw_os_error() {
                Some(libc::ETIMEDOUT | libc::EINTR) => Ok(false),
                _ => Err(error),
            },
        }
    }
}

impl Drop for Semaphore {
    fn drop(&mut self) {
        // SAFETY: opened by us and closed once.
        unsafe { libc::sem_close(self.0.as_ptr()) };
    }
}

/// What a mapping may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    ReadOnly,
    ReadWrite,
}

/// A shared mapping of the beginning of a file. What it points to is the business of `memory.rs`.
pub(crate) struct Mapping {
    pub start: NonNull<u8>,
    pub length: usize,
}

// SAFETY: a mapping belongs to the process, not to a thread; `memory.rs` settles which part may touch its bytes when.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    pub fn new(file: &File, length: usize, access: Access) -> io::Result<Self> {
        let protection = match access {
            Access::ReadOnly => libc::PROT_READ,
            Access::ReadWrite => libc::PROT_READ | libc::PROT_WRITE,
        };
        // SAFETY: a new mapping at an address that the kernel chooses touches nothing that exists.
        let start = unsafe {
            libc::mmap(std::ptr::null_mut(), length, protection, libc::MAP_SHARED, file.as_raw_fd(), 0)
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast()).ok_or_else(|| io::Error::from_raw_os_error(libc::ENOMEM))?;
        Ok(Self { start, length })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: mapped by us and unmapped once; views keep the mapping alive.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.length) };
    }
}

/// Gives a file its length, and the memory behind it, so that a shortage is an error now and not a crash on first touch.
pub(crate) fn reserve(file: &File, length: u64) -> io::Result<()> {
    let length = libc::off_t::try_from(length).map_err(|_| io::Error::from_raw_os_error(libc::EFBIG))?;
    // SAFETY: zero is a value of every field.
    let mut room: libc::statvfs = unsafe { std::mem::zeroed() };
    // SAFETY: the descriptor is open and `room` is writable.
    checked(unsafe { libc::fstatvfs(file.as_raw_fd(), &mut room) })?;
    // Asked first: to fill all of /dev/shm before failing would starve everybody else meanwhile.
    if room.f_blocks > 0 && length as u64 / room.f_frsize.max(1) > room.f_bavail {
        return Err(io::Error::from_raw_os_error(libc::ENOSPC));
    }
    loop {
        // SAFETY: the descriptor is open.
        match unsafe { libc::posix_fallocate(file.as_raw_fd(), 0, length) } {
            0 => return Ok(()),
            libc::EINTR => {}
            error => return Err(io::Error::from_raw_os_error(error)),
        }
    }
}

/// Takes the exclusive lock of a file unless somebody else has it.
pub(crate) fn try_lock(file: &File) -> io::Result<bool> {
    // SAFETY: the descriptor is open.
    match checked(unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) }) {
        Ok(_) => Ok(true),
        Err(error) if error.raw_os_error() == Some(libc::EWOULDBLOCK) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Performs a command on the lock of one byte, which need not exist, for this open descriptor. Returns the kind of lock
/// that the kernel names.
pub(crate) fn lock_byte(
    file: &File,
    command: libc::c_int,
    kind: libc::c_int,
    place: i64,
) -> io::Result<libc::c_int> {
    let (kind, whence) = (kind as libc::c_short, libc::SEEK_SET as libc::c_short);
    let mut lock = libc::flock { l_type: kind, l_whence: whence, l_start: place, l_len: 1, l_pid: 0 };
    // SAFETY: the descriptor is open, and `lock` is writable.
    checked(unsafe { libc::fcntl(file.as_raw_fd(), command, &mut lock) })?;
    Ok(lock.l_type.into())
}

/// Opens a file relative to a directory.
pub(crate) fn open_in(directory: &File, name: &str, flags: libc::c_int, mode: u32) -> io::Result<File> {
    let name = c_string(name)?;
    // SAFETY: the directory is open and the name is a C string.
    let descriptor = checked(unsafe {
        libc::openat(directory.as_raw_fd(), name.as_ptr(), flags | libc::O_CLOEXEC, mode as libc::c_uint)
    })?;
    // SAFETY: the descriptor is new and nobody else has it.
    Ok(File::from(unsafe { OwnedFd::from_raw_fd(descriptor) }))
}

/// Whether the file that is open is still the one at a path.
pub(crate) fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), std::fs::symlink_metadata(path)) {
        (Ok(ours), Ok(there)) => (ours.dev(), ours.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

/// Whether a process of this number can be signalled, or exists and belongs to another user.
pub(crate) fn process_exists(pid: libc::pid_t) -> bool {
    // SAFETY: signal 0 reaches nobody.
    checked(unsafe { libc::kill(pid, 0) })
        .map_or_else(|error| error.raw_os_error() != Some(libc::ESRCH), |_| true)
}

/// Ends this process as `kill -9` does.
#[cfg(feature = "points")]
pub(crate) fn kill_this_process() -> ! {
    loop {
        // SAFETY: the call takes numbers.
        unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
    }
}

/// Stops this process at this place as `kill -STOP` does, until SIGCONT.
#[cfg(feature = "points")]
pub(crate) fn halt_this_process() {
    // A signal to the process as a whole may be taken by another thread, and this one would go on until it has.
    // SAFETY: the call takes a number.
    unsafe { libc::raise(libc::SIGSTOP) };
}

pub(crate) fn effective_user() -> u32 {
    // SAFETY: the call takes nothing.
    unsafe { libc::geteuid() }
}

/// Clock ticks per second, the unit of start times in `/proc`.
pub(crate) fn ticks_per_second() -> u64 {
    // SAFETY: the call takes a number.
    u64::try_from(unsafe { libc::sysconf(libc::_SC_CLK_TCK) }).unwrap_or(100)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nobody can see from outside how full the memory is meanwhile.
    #[test]
    fn more_than_there_is_is_refused_before_any_of_it_is_taken() {
        let path = format!("/dev/shm/rust-reserved-{}", std::process::id());
        std::fs::write(&path, "").expect("a file");
        let file = File::open(&path).expect("the file, to read it alone: nothing can be taken for it");
        std::fs::remove_file(&path).expect("its removal");
        let error = |length| reserve(&file, length).expect_err("a refusal").raw_os_error();
        assert_eq!(error(1 << 60), Some(libc::ENOSPC));
        assert_eq!(error(4096), Some(libc::EBADF), "what there is is asked for");
    }
}
