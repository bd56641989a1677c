//! Nothing is lost where one writer follows another, and nobody writes to a buffer that is gone.

mod common;

use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::{times, unique, SOON};
use zerobuffer::{BufferConfig, Reader, Writer};

const NAME: &str = "ZEROBUFFER_TEST_NAME";
const RESTARTS: usize = 100;

/// The first writer sends one frame and closes, the second one streams; says how many frames are missing in the end.
fn missing(payload_size: u64, size: usize, frames: u64) -> u64 {
    let name = unique("reconnect");
    let config = BufferConfig { metadata_size: 0, payload_size, ..BufferConfig::default() };
    let reader = Reader::create(&name, config).expect("a reader");
    let data = vec![7; size];
    thread::scope(|scope| {
        scope.spawn(|| {
            let first = Writer::connect(&name, Duration::ZERO).expect("the first writer");
            first.write(&data, SOON).expect("its frame");
            first.close();
            let second = Writer::connect(&name, Duration::ZERO).expect("the second writer");
            // Fails where the reader has given up already.
            (0..frames).all(|_| second.write(&data, SOON).is_ok());
        });
        let read = |sequence| {
            let begin = Instant::now();
            loop {
                match reader.read(Duration::from_secs(1)) {
                    Ok(frame) => {
                        assert_eq!((frame.sequence(), &frame[..]), (sequence, &data[..]));
                        // A reader that takes its time meets a full ring, at every moment of a commit.
                        (0..sequence % 97).for_each(|_| std::hint::spin_loop());
                        return Some(());
                    }
                    // Between the two writers there is none.
                    Err(_) if begin.elapsed() > Duration::from_secs(2) => return None,
                    Err(error) => assert!(["writer_dead", "timeout"].contains(&error.code()), "{error}"),
                }
            }
        };
        let read = [1].into_iter().chain(1..=frames).map_while(read).count() as u64;
        reader.close();
        frames + 1 - read
    })
}

fn none_is_missing(payload_size: u64, size: usize, frames: u64) {
    let missing: Vec<u64> = (0..times(1)).map(|_| missing(payload_size, size, frames)).collect();
    assert_eq!(missing, vec![0; times(1)], "frames missing at the end of each run");
}

#[test]
fn a_second_writer_loses_nothing_in_a_tiny_ring() {
    none_is_missing(64, 16, 20_000);
}

#[test]
fn a_second_writer_loses_nothing_in_a_ring_of_four_frames() {
    none_is_missing(4096, 1008, 20_000);
}

#[test]
fn a_second_writer_loses_nothing_in_a_ring_of_sixteen_frames() {
    none_is_missing(65536, 4080, 20_000);
}

#[test]
fn a_second_writer_loses_nothing_in_the_default_ring() {
    none_is_missing(10240, 1000, 50_000);
}

/// Another process of this program that makes the buffer, reads one frame, and ends as if it had been killed.
fn reader_elsewhere(name: &str) -> Child {
    let mut program = Command::new(std::env::current_exe().expect("this program"));
    let role = program.args(["--exact", "a_reader_that_ends_without_a_word"]).env(NAME, name);
    role.stdout(Stdio::null()).spawn().expect("a reader")
}

#[test]
fn a_reader_that_ends_without_a_word() {
    let Ok(name) = std::env::var(NAME) else { return };
    let reader = Reader::create(&name, BufferConfig { payload_size: 256, ..Default::default() });
    let read = reader.expect("a reader").read(SOON).is_ok();
    // Without the drop of the reader.
    std::process::exit(i32::from(!read));
}

/// The lock file of the name belongs to the next reader by then, and proves nothing about the one before.
#[test]
fn a_writer_does_not_take_the_next_reader_for_its_own() {
    let name = unique("next-reader");
    let mut first = reader_elsewhere(&name);
    let writer = Writer::connect(&name, SOON).expect("a writer");
    first.kill().expect("the kill");
    first.wait().expect("its end");
    let next = Reader::create(&name, BufferConfig::default()).expect("the next reader");
    let error = writer.write(&[7; 100], SOON).expect_err("nobody reads it");
    assert_eq!(error.code(), "reader_dead");
    Writer::connect(&name, Duration::ZERO).expect("a writer").write(&[7; 100], SOON).expect("a frame");
    assert_eq!(next.read(SOON).expect("the frame").sequence(), 1);
}

/// Readers come and end, and every one gets its frame: the writer never clings to the one before.
#[test]
fn a_writer_reaches_every_reader_that_comes() {
    let (name, over) = (unique("restarts"), AtomicBool::new(false));
    let write_until_the_end = || {
        let Ok(writer) = Writer::connect(&name, Duration::ZERO) else { return };
        while !over.load(Ordering::Acquire) {
            match writer.write(&[7; 100], Duration::from_millis(20)).map_err(|error| error.code()) {
                Ok(_) | Err("buffer_full") => {}
                Err("reader_dead") => return,
                Err(code) => panic!("{code}"),
            }
        }
    };
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Acquire) {
                write_until_the_end();
            }
        });
        let restarts = times(RESTARTS);
        let served = |_: &usize| reader_elsewhere(&name).wait().expect("its end").success();
        let served = (0..restarts).take_while(served).count();
        over.store(true, Ordering::Release);
        assert_eq!(served, restarts, "readers that got a frame");
    });
    Reader::create(&name, BufferConfig::default()).expect("the last reader").close();
}
