//! Whether a process of another implementation lives: those of ours are known by their locks, see `presence`.

use std::fs;

use crate::sys;

/// Start times have the granularity of a tick, and the wall clock is set now and then.
const CLOCK_SLACK: f64 = 1.0;

/// Watches one process from the first look on. Another process that gets its number later is not taken for it.
pub(crate) struct Peer {
    /// Seconds since the epoch. A process that began later only has the number of the one that is meant.
    latest: f64,
    pid: u64,
    /// Its start time at the first look; `None` if it was unknown here.
    start: Option<u64>,
}

/// What a look at a process says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    Alive,
    Dead,
    /// Dead, or in another pid namespace.
    Unknown,
}

impl Default for Peer {
    fn default() -> Self {
        Self::begun_before(f64::INFINITY)
    }
}

impl Peer {
    pub fn begun_before(latest: f64) -> Self {
        Self { latest, pid: 0, start: None }
    }

    /// Looks at the process of this number.
    pub fn look(&mut self, pid: u64) -> Life {
        if pid != self.pid {
            self.pid = pid;
            self.start = start_time(pid).filter(|&ticks| since_epoch(ticks) <= self.latest + CLOCK_SLACK);
        }
        match (self.start, start_time(pid)) {
            (None, _) => Life::Unknown,
            // A start that is hidden, or for which there is no descriptor, proves no other process.
            (Some(first), Some(now)) if first == HIDDEN || now == HIDDEN || first == now => Life::Alive,
            _ => Life::Dead,
        }
    }
}

/// A start time that `/proc` does not tell.
const HIDDEN: u64 = 0;

/// In ticks after the boot; `None` for a process that is gone or a zombie.
fn start_time(pid: u64) -> Option<u64> {
    let number = libc::pid_t::try_from(pid).ok().filter(|&number| number > 0)?;
    match fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => parse_start_time(&stat),
        Err(_) => sys::process_exists(number).then_some(HIDDEN),
    }
}

fn since_epoch(ticks: u64) -> f64 {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let boot = stat.lines().find_map(|line| line.strip_prefix("btime ")?.trim().parse().ok());
    boot.unwrap_or(0.0) + ticks as f64 / sys::ticks_per_second() as f64
}

fn parse_start_time(stat: &str) -> Option<u64> {
    // The name stands in parentheses and may hold anything, so the fields are counted from the last one that closes.
    let mut fields = stat[stat.rfind(')')? + 1..].split_ascii_whitespace();
    if matches!(fields.next()?, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

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
        assert_eq!(Peer::default().look(pid), Life::Unknown, "a zombie is dead");
        child.wait().expect("its end");
    }

    #[test]
    fn numbers_that_are_no_process_are_unknown() {
        for pid in [0, (1 << 22) + 1, (1 << 32) + 1, u64::MAX] {
            assert_eq!(Peer::default().look(pid), Life::Unknown);
        }
    }

    #[test]
    fn a_process_owns_nothing_that_is_older_than_itself() {
        let own = u64::from(std::process::id());
        assert_eq!(Peer::default().look(own), Life::Alive);
        assert_eq!(Peer::begun_before(since_epoch(0) - 10.0).look(own), Life::Unknown);
    }

    #[test]
    fn the_start_time_is_found_behind_any_name() {
        let stat = "7 (a ) (b) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4242 20";
        assert_eq!(parse_start_time(stat), Some(4242));
        assert_eq!(parse_start_time(&stat.replace(") S", ") Z")), None);
        assert_eq!(parse_start_time("nonsense"), None);
    }
}
