//! Whether the process on the other side lives.

use std::fs;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use crate::sys;

const LARGEST_PID: u64 = 1 << 22;
/// How long a process that lived is taken to live without looking again.
const FRESH: Duration = Duration::from_micros(200);
/// Start times have the granularity of a tick, and the wall clock is set now and then.
const CLOCK_SLACK: f64 = 1.0;

/// Watches one process from the first look on, so that another one that gets its number later is not taken for it.
#[derive(Default)]
pub(crate) struct Peer {
    pid: u64,
    sign: Sign,
    seen_alive: Option<Instant>,
}

#[derive(Default)]
enum Sign {
    /// There was no such process at the first look.
    #[default]
    Unknown,
    /// It lived at the first look, and has ended.
    Ended,
    /// Becomes readable when it ends.
    Descriptor(OwnedFd),
    /// Without descriptors: in ticks, another process has another one.
    StartTime(u64),
    /// Without `/proc`: its number is all there is.
    Number(libc::pid_t),
}

/// What a look at a process says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    Alive,
    Dead,
    /// Dead, or in another pid namespace.
    Unknown,
}

impl Peer {
    pub fn pid(&self) -> u64 {
        self.pid
    }

    /// Looks at the process of this number.
    pub fn look(&mut self, pid: u64) -> Life {
        if pid != self.pid {
            *self = Self { pid, sign: first_look(pid), seen_alive: None };
        }
        if self.seen_alive.is_some_and(|moment| moment.elapsed() < FRESH) {
            return Life::Alive;
        }
        let alive = match &self.sign {
            Sign::Unknown => return Life::Unknown,
            Sign::Ended => false,
            Sign::Descriptor(descriptor) => !sys::is_readable(descriptor),
            Sign::StartTime(ticks) => start_time(self.pid) == Some(*ticks),
            Sign::Number(number) => sys::process_exists(*number),
        };
        if alive {
            self.seen_alive = Some(Instant::now());
            return Life::Alive;
        }
        // Its number may come back: what has ended stays ended.
        self.sign = Sign::Ended;
        self.seen_alive = None;
        Life::Dead
    }
}

fn first_look(pid: u64) -> Sign {
    let Some(number) = number(pid) else { return Sign::Unknown };
    match sys::pidfd_open(number) {
        Ok(descriptor) => Sign::Descriptor(descriptor),
        Err(error) if matches!(error.raw_os_error(), Some(libc::ESRCH | libc::EINVAL)) => Sign::Unknown,
        Err(_) => start_time(pid).map_or(Sign::Number(number), Sign::StartTime),
    }
}

fn number(pid: u64) -> Option<libc::pid_t> {
    (1..=LARGEST_PID).contains(&pid).then(|| libc::pid_t::try_from(pid).ok()).flatten()
}

/// Whether the process that a segment names still runs, and is older than the segment (`made_at`, since the epoch):
/// a younger one has only got its number.
pub(crate) fn owner_lives(pid: u64, made_at: f64) -> bool {
    let Some(number) = number(pid) else { return false };
    if !sys::process_exists(number) {
        return false;
    }
    match start_time(pid) {
        Some(ticks) => {
            let start = boot_time() + ticks as f64 / sys::ticks_per_second() as f64;
            start <= made_at + CLOCK_SLACK
        }
        // A zombie has no start time for us; neither has a process that this /proc hides.
        None => !fs::exists(format!("/proc/{pid}/stat")).unwrap_or(false),
    }
}

/// In ticks after the boot; `None` for a process that is gone or a zombie.
fn start_time(pid: u64) -> Option<u64> {
    parse_start_time(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

fn parse_start_time(stat: &str) -> Option<u64> {
    // The name stands in parentheses and may hold anything, so the fields are counted from the last one that closes.
    let mut fields = stat[stat.rfind(')')? + 1..].split_ascii_whitespace();
    if matches!(fields.next()?, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

fn boot_time() -> f64 {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    stat.lines().find_map(|line| line.strip_prefix("btime ")?.trim().parse().ok()).unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    fn child() -> std::process::Child {
        Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("a child")
    }

    #[test]
    fn a_process_that_is_killed_is_dead_before_it_is_reaped() {
        let mut child = child();
        let mut peer = Peer::default();
        let pid = u64::from(child.id());
        assert_eq!(peer.look(pid), Life::Alive);
        child.kill().expect("the kill");
        let begin = Instant::now();
        while peer.look(pid) == Life::Alive {
            assert!(begin.elapsed() < Duration::from_secs(10), "a killed process still lives");
        }
        assert_eq!(peer.look(pid), Life::Dead);
        assert!(!owner_lives(pid, f64::MAX), "a zombie is dead");
        child.wait().expect("its end");
    }

    #[test]
    fn numbers_that_are_no_process_are_unknown() {
        for pid in [0, LARGEST_PID + 1, u64::MAX] {
            assert_eq!(Peer::default().look(pid), Life::Unknown);
            assert!(!owner_lives(pid, f64::MAX));
        }
    }

    #[test]
    fn a_process_owns_nothing_that_is_older_than_itself() {
        let own = u64::from(std::process::id());
        let boot = boot_time();
        assert!(owner_lives(own, f64::MAX));
        assert!(!owner_lives(own, boot - 10.0));
    }

    #[test]
    fn the_start_time_is_found_behind_any_name() {
        let stat = "7 (a ) (b) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4242 20";
        assert_eq!(parse_start_time(stat), Some(4242));
        assert_eq!(parse_start_time(&stat.replace(") S", ") Z")), None);
        assert_eq!(parse_start_time("nonsense"), None);
    }
}
