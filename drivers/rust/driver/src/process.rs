//! What this process asks of the system. The only file of the driver that holds `unsafe`.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;

fn checked(result: libc::c_int) -> io::Result<()> {
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Becomes another user and group, for good.
pub fn become_user(user: u32) -> io::Result<()> {
    // SAFETY: no pointer is followed for a list of length 0.
    checked(unsafe { libc::setgroups(0, std::ptr::null()) })?;
    // SAFETY: the calls take numbers.
    checked(unsafe { libc::setresgid(user, user, user) })?;
    // SAFETY: as above.
    checked(unsafe { libc::setresuid(user, user, user) })
}

/// Has the kernel kill this process when its parent dies. Changing the user undoes it.
pub fn die_with_parent() -> io::Result<()> {
    // SAFETY: the call takes numbers.
    checked(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) })
}

/// SIGTERM, which waits until somebody takes it.
pub struct Termination(libc::sigset_t);

impl Termination {
    /// To be called before there are other threads. A file that grows too large becomes an error instead of a signal.
    pub fn block() -> io::Result<Self> {
        let mut set = MaybeUninit::uninit();
        // SAFETY: sigemptyset fills the set in before anything reads it; ignoring a signal runs no code of ours.
        unsafe {
            libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
            checked(libc::sigemptyset(set.as_mut_ptr()))?;
            checked(libc::sigaddset(set.as_mut_ptr(), libc::SIGTERM))?;
            checked(libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), std::ptr::null_mut()))?;
            Ok(Self(set.assume_init()))
        }
    }

    pub fn wait(&self) {
        let mut signal = 0;
        // SAFETY: the set is filled in and `signal` is writable.
        while unsafe { libc::sigwait(&self.0, &mut signal) } != 0 {}
    }
}

/// Processor time that all threads of this process have used.
pub fn processor_seconds() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is writable.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Tries to set the first of these bytes to 0, against what their type promises, and says whether it was refused.
///
/// The kernel is asked to do it: where the memory is mapped without the right to write, that is an error, not a crash.
pub fn refuses_change(bytes: &[u8]) -> bool {
    let Ok(zeroes) = File::open("/dev/zero") else { return false };
    if bytes.is_empty() {
        return false;
    }
    // SAFETY: the address is valid. The write is refused wherever the library keeps its word, and the test of that word
    // is what this function is for.
    let changed = unsafe { libc::read(zeroes.as_raw_fd(), bytes.as_ptr().cast_mut().cast(), 1) };
    changed < 0 && io::Error::last_os_error().raw_os_error() == Some(libc::EFAULT)
}
