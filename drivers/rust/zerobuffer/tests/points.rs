//! What other processes leave when they are stopped or killed inside an operation, or killed after a fork.
#![cfg(feature = "points")]
#![allow(unsafe_code)]

mod common;

use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use common::{tokens, unique, SOON};
use zerobuffer::{arm, BufferConfig, Deed, Reader, Writer};

const PART: &str = "ZEROBUFFER_TEST_PART";
const FRAME: [u8; 100] = [7; 100];
const SMALL: BufferConfig = BufferConfig { metadata_size: 0, payload_size: 1024, mode: 0o600 };

/// Another process of this program that plays a part in a test; it ends with this one at the latest.
struct Player(Child);

impl Player {
    fn of(test: &str, part: &str, name: &str) -> Self {
        let child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", test, "--nocapture"])
            .env(PART, format!("{part} {name}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn();
        Self(child.expect("another process"))
    }

    fn await_stop(&self) {
        let stat = format!("/proc/{}/stat", self.0.id());
        soon(|| std::fs::read_to_string(&stat).expect("a look at it").contains(") T ").then_some(()));
    }

    fn go_on(&self) {
        // SAFETY: the call takes numbers.
        unsafe { libc::kill(self.0.id() as libc::pid_t, libc::SIGCONT) };
    }

    fn end(&mut self) -> ExitStatus {
        soon(|| self.0.try_wait().expect("a look at it"))
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn soon<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(begin.elapsed() < SOON, "it has not come so far");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Forks a child that lives until the end of its input, and dies when the child runs.
fn fork_and_die() -> ! {
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
        libc::raise(libc::SIGKILL);
    }
    unreachable!("it is killed");
}

/// Plays the part that this process has, if any.
fn has_played() -> bool {
    let said = std::env::var(PART).unwrap_or_default();
    said.split_once(' ').map(|(part, name)| play(part, name)).is_some()
}

fn play(part: &str, name: &str) {
    // SAFETY: the call takes numbers.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
    if part.starts_with("reader") {
        let _reader = Reader::create(name, SMALL).expect("a reader");
        if part == "reader-that-forks" {
            fork_and_die();
        }
        let _ = std::io::stdin().read(&mut [0]);
        return;
    }
    if part == "writer" {
        assert!(arm("writer.opened", 1, Deed::Halt));
    }
    // No timeout: what it has met must be worth another try by itself.
    let writer = Writer::connect(name, Duration::ZERO).expect("a writer");
    writer.write(&FRAME, SOON).expect("a write");
    if part == "writer-that-forks" {
        fork_and_die();
    }
}

#[test]
fn a_writer_on_its_way_in_belongs_to_one_reader() {
    if has_played() {
        return;
    }
    let test = "a_writer_on_its_way_in_belongs_to_one_reader";
    let name = unique("on-its-way");
    let first = Player::of(test, "reader", &name);
    Writer::connect(&name, SOON).expect("the first reader").close();
    let mut writer = Player::of(test, "writer", &name);
    writer.await_stop();
    drop(first);
    let second = Reader::create(&name, SMALL).expect("the second reader");
    writer.go_on();
    let frame = second.read(SOON).expect("a frame");
    assert_eq!((frame.sequence(), &frame[..]), (1, &FRAME[..]));
    assert!(writer.end().success());
    assert_eq!(tokens(&name), 0, "surplus");
}

/// The child has a copy of each descriptor, and outlives the parent.
#[test]
fn what_is_killed_is_dead_though_its_child_lives() {
    if has_played() {
        return;
    }
    let test = "what_is_killed_is_dead_though_its_child_lives";
    let name = unique("forks");
    let mut first = Player::of(test, "reader-that-forks", &name);
    assert!(!first.end().success());
    let reader = Reader::create(&name, SMALL).expect("the buffer of a dead reader");
    let mut writer = Player::of(test, "writer-that-forks", &name);
    assert!(!writer.end().success());
    assert_eq!(reader.read(SOON).expect("a frame")[..], FRAME);
    assert_eq!(reader.read(SOON).expect_err("its death").code(), "writer_dead");
    let next = Writer::connect(&name, Duration::ZERO).expect("the next writer");
    next.write(&FRAME, SOON).expect("a write");
    assert_eq!(reader.read(SOON).expect("a frame").sequence(), 1);
}
