//! Random traffic against a model: what is written is read, and space is neither lost nor found.

mod common;

use std::collections::VecDeque;
use std::thread;
use std::time::Duration;

use common::{code, field, frame, pair, Random, SOON};
use zerobuffer::{ErrorKind, Frame};

/// One thread does both sides, so that every step can be checked.
#[test]
fn every_step_goes_with_the_model() {
    let mut random = Random::new();
    for payload in [64, 128, 320, 1024] {
        let (reader, writer) = pair("model", 0, payload);
        let mut pending: VecDeque<Vec<u8>> = VecDeque::new();
        let mut held: Vec<(Frame, Vec<u8>)> = Vec::new();
        for _ in 0..2000 {
            match random.below(4) {
                0 | 1 => {
                    let content = frame(1 + random.below(payload) as usize, writer.next_sequence());
                    match writer.write(&content, Duration::ZERO) {
                        Ok(_) => pending.push_back(content),
                        Err(error) => match error.kind() {
                            ErrorKind::BufferFull { needed, free, .. } => assert!(needed > free),
                            ErrorKind::FrameTooLarge { largest, .. } => {
                                assert!(content.len() as u64 > *largest)
                            }
                            ErrorKind::FrameUnwritable { fits_now, .. } => {
                                assert!(content.len() as u64 > *fits_now)
                            }
                            _ => panic!("{error}"),
                        },
                    }
                }
                2 => match pending.pop_front() {
                    Some(content) => held.push((reader.read(Duration::ZERO).expect("a frame"), content)),
                    None => assert_eq!(code(reader.read(Duration::ZERO)), "timeout"),
                },
                _ => {
                    if !held.is_empty() {
                        let (frame, content) = held.swap_remove(random.below(held.len() as u64) as usize);
                        assert_eq!(frame[..], content, "frame {}", frame.sequence());
                    }
                }
            }
            for (frame, content) in &held {
                assert_eq!(frame[..], *content, "held frame {}", frame.sequence());
            }
        }
        held.clear();
        while let Some(content) = pending.pop_front() {
            assert_eq!(reader.read(Duration::ZERO).expect("a frame")[..], content);
        }
        let name = writer.name();
        assert_eq!(field(name, "payload_free_bytes"), payload);
        assert_eq!(field(name, "payload_write_pos"), field(name, "payload_read_pos"));
        assert_eq!(field(name, "payload_written_count"), field(name, "payload_read_count"));
    }
}

/// Two threads at full speed, with sizes that meet every kind of tail.
#[test]
fn two_threads_at_full_speed() {
    const FRAMES: u64 = 20_000;
    let mut random = Random::new();
    let (reader, writer) = pair("threads", 0, 4096);
    let sizes: Vec<usize> = (0..FRAMES).map(|_| 1 + random.below(2000) as usize).collect();
    let expected = sizes.clone();
    let writing = thread::spawn(move || {
        for size in sizes {
            writer.write(&frame(size, writer.next_sequence()), SOON).expect("a write");
        }
        writer
    });
    for (index, size) in expected.into_iter().enumerate() {
        let read = reader.read(SOON).expect("a frame");
        assert_eq!((read.sequence(), read.len()), (index as u64 + 1, size));
        assert_eq!(read[..], frame(size, read.sequence()), "frame {}", read.sequence());
    }
    let writer = writing.join().expect("the writer");
    assert_eq!(field(writer.name(), "payload_free_bytes"), 4096);
}
