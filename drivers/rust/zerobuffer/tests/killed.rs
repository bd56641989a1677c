//! Writers are killed anywhere, and the next one comes at once: what was written is read, once, and no space is lost.

mod common;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use common::{code, field, ours, unique, Random, COMMITTED, RELEASED, SOON};
use zerobuffer::{BufferConfig, Reader, Writer};

const PART: &str = "ZEROBUFFER_TEST_PART";
const KILLS: u64 = 300;
const SIZES: BufferConfig = BufferConfig { metadata_size: 0, payload_size: 2048, mode: 0o600 };

fn writer_elsewhere(name: &str, number: u64, record: &str) -> Child {
    let mut program = Command::new(std::env::current_exe().expect("this program"));
    let part = program.args(["--exact", "a_writer_until_it_is_killed"]);
    part.env(PART, format!("{name} {number} {record}")).stdout(Stdio::null()).spawn().expect("a writer")
}

/// Its frames carry its number; in the record stands the last one that is written for sure.
#[test]
fn a_writer_until_it_is_killed() {
    let Ok(part) = std::env::var(PART) else { return };
    let words: Vec<&str> = part.split(' ').collect();
    let number: u64 = words[1].parse().expect("a number");
    let record = File::options().write(true).open(words[2]).expect("the record");
    let writer = Writer::connect(words[0], SOON).expect("a writer");
    for sequence in 1_u64.. {
        let size = 8 + (number * 7919 + sequence * 104_729) % 1000;
        let mut data = vec![sequence as u8; size as usize];
        data[..8].copy_from_slice(&number.to_le_bytes());
        writer.write(&data, SOON).expect("a frame");
        record.write_all_at(&sequence.to_le_bytes(), number * 8).expect("an entry");
    }
}

#[test]
fn what_killed_writers_wrote_is_read_once() {
    let name = unique("killed");
    let record = std::env::temp_dir().join(&name);
    fs::write(&record, vec![0; 8 * KILLS as usize]).expect("the record");
    let reader = Reader::create(&name, SIZES).expect("a reader");
    let mut random = Random::new();
    let read = thread::scope(|scope| {
        let reading = scope.spawn(|| {
            let mut read: BTreeMap<u64, u64> = BTreeMap::new();
            let (mut newest, mut seen) = (0, Instant::now());
            loop {
                let frame = match reader.read(Duration::from_secs(2)) {
                    Ok(frame) => frame,
                    // The next writer comes, unless it has failed.
                    Err(error)
                        if error.code() == "writer_dead" && newest < KILLS - 1 && seen.elapsed() < SOON =>
                    {
                        continue
                    }
                    Err(error) if error.code() == "writer_dead" => return read,
                    Err(error) => panic!("{error}"),
                };
                let number = u64::from_le_bytes(frame[..8].try_into().expect("eight bytes"));
                let last = read.entry(number).or_default();
                *last += 1;
                assert!(number >= newest, "{number} after {newest}");
                assert_eq!(frame.sequence(), *last, "of writer {number}");
                assert!(frame[8..].iter().all(|&byte| byte == *last as u8), "a torn frame");
                (newest, seen) = (number, Instant::now());
            }
        });
        for number in 0..KILLS {
            let mut writer = writer_elsewhere(&name, number, record.to_str().expect("a path"));
            let begun = || fs::read(&record).expect("the record")[8 * number as usize..][..8] != [0; 8];
            while !begun() {
                assert!(!reading.is_finished(), "the reader has given up");
                let end = writer.try_wait().expect("its state");
                assert!(end.is_none(), "writer {number} has ended by itself: {}", end.unwrap_or_default());
                thread::yield_now();
            }
            thread::sleep(Duration::from_micros(random.below(5000))); // where it dies is what this is about
            writer.kill().expect("the kill");
            writer.wait().expect("its end");
        }
        reading.join().expect("the reader")
    });
    let written = fs::read(&record).expect("the record");
    fs::remove_file(&record).expect("its removal");
    for (number, &read) in &read {
        let entry = &written[8 * *number as usize..][..8];
        let written = u64::from_le_bytes(entry.try_into().expect("eight bytes"));
        assert!([written, written + 1].contains(&read), "writer {number}: {written} written, {read} read");
    }
    assert_eq!(read.len() as u64, KILLS);
    assert_eq!(code(reader.read(Duration::ZERO)), "writer_dead");
    assert_eq!(ours(&name, COMMITTED), ours(&name, RELEASED));
    assert_eq!(field(&name, "payload_free_bytes"), SIZES.payload_size);
    assert_eq!(common::tokens(&name), 0);
}
