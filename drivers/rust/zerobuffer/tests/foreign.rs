//! Beside writers of another implementation, which knows nothing but the fields of the protocol.

mod common;

use std::time::{Duration, Instant};

use common::{
    child, code, field, frame, ours, overwrite, pair, pid_of_the_dead, set_tokens, tokens, unique,
    write_by_hand, COMMITTED, CONNECTION, RELEASED, SOON,
};
use zerobuffer::{BufferConfig, ErrorKind, Reader, Writer};

const SMALL: BufferConfig = BufferConfig { metadata_size: 0, payload_size: 1024, mode: 0o600 };

#[test]
fn a_writer_goes_on_where_one_of_another_implementation_was() {
    let name = unique("after-another");
    let reader = Reader::create(&name, SMALL).expect("a reader");
    write_by_hand(&name, 0, &frame(100, 1), 1);
    write_by_hand(&name, 116, &frame(50, 2), 2);
    assert_eq!(reader.read(SOON).expect("a frame")[..], frame(100, 1));
    let writer = Writer::connect(&name, Duration::ZERO).expect("a writer");
    assert_eq!((ours(&name, COMMITTED), ours(&name, RELEASED)), (1024 + 182, 1024 + 116));
    for sequence in 1..=20 {
        writer.write(&frame(300, sequence), SOON).expect("a write");
        if sequence == 1 {
            assert_eq!(reader.read(SOON).expect("a frame")[..], frame(50, 2));
        }
        assert_eq!(reader.read(SOON).expect("a frame")[..], frame(300, sequence));
    }
    assert_eq!(field(&name, "payload_free_bytes"), 1024);
}

#[test]
fn a_writer_follows_whoever_else_writes() {
    let (reader, writer) = pair("plain", 0, 1024);
    let name = reader.name();
    writer.write(&frame(100, 1), SOON).expect("a write");
    write_by_hand(name, 116, &frame(50, 2), 2);
    writer.write(&frame(30, 3), SOON).expect("a write");
    assert_eq!((field(name, "payload_write_pos"), ours(name, CONNECTION)), (182 + 46, 1 << 32));
    assert_eq!(reader.read(SOON).expect("a frame")[..], frame(100, 1));
    assert_eq!(reader.read(SOON).expect("a frame")[..], frame(50, 2));
    let error = reader.read(SOON).expect_err("two writers count by themselves");
    assert!(matches!(error.kind(), ErrorKind::Sequence { expected: 3, seen: 2 }), "{error}");
    assert_eq!(tokens(name), 1, "an error keeps no token");
}

#[test]
fn a_writer_that_is_plain_from_the_start_is_none_of_ours() {
    let name = unique("plain-at-once");
    let _reader = Reader::create(&name, SMALL).expect("a reader");
    // Somebody else has moved the position, and a writer of ours with this number was killed as it left.
    overwrite(&name, 48, &16_u64.to_le_bytes());
    overwrite(&name, CONNECTION, &(1 << 32 | u64::from(std::process::id())).to_le_bytes());
    let _writer = Writer::connect(&name, Duration::ZERO).expect("a writer");
    assert_eq!((ours(&name, COMMITTED), ours(&name, CONNECTION)), (1024, 2 << 32));
}

#[test]
fn a_series_may_restart_once_where_its_writer_was_never_seen_idle() {
    let name = unique("never-idle");
    let reader = Reader::create(&name, SMALL).expect("a reader");
    let (mut first, mut second) = (child(), child());
    overwrite(&name, 80, &u64::from(first.id()).to_le_bytes());
    write_by_hand(&name, 0, &frame(84, 1), 1);
    overwrite(&name, 80, &u64::from(second.id()).to_le_bytes());
    // Whose frame it is cannot be told; so the next may be another writer's.
    let mut read = vec![code(reader.read(SOON))];
    write_by_hand(&name, 100, &frame(84, 1), 1);
    read.extend([code(reader.read(SOON)), code(reader.read(Duration::ZERO))]);
    // Seen idle: from here on what comes is its own.
    for position in [200, 300] {
        write_by_hand(&name, position, &frame(84, 1), 1);
        read.push(code(reader.read(SOON)));
    }
    for process in [&mut first, &mut second] {
        process.kill().expect("the kill");
        process.wait().expect("its end");
    }
    assert_eq!(read, ["no error", "no error", "timeout", "no error", "sequence_error"]);
}

#[test]
fn what_a_dead_writer_left_is_not_guessed_at() {
    let name = unique("unclear");
    let reader = Reader::create(&name, SMALL).expect("a reader");
    // It stands where the reader does, and the ring is neither empty nor full.
    overwrite(&name, 80, &pid_of_the_dead().to_le_bytes());
    overwrite(&name, 40, &900_u64.to_le_bytes());
    let begin = Instant::now();
    assert_eq!(code(Writer::connect(&name, Duration::ZERO)), "writer_exists");
    assert!(begin.elapsed() >= Duration::from_secs(1), "tried again");
    assert_eq!(code(reader.read(Duration::ZERO)), "writer_dead");
    Writer::connect(&name, Duration::ZERO).expect("it is settled").close();
}

#[test]
fn a_writer_waits_for_the_end_of_a_release() {
    let (reader, first) = pair("releasing", 0, 1024);
    let name = reader.name();
    first.write(&frame(100, 1), SOON).expect("a write");
    first.close();
    let released = ours(name, RELEASED);
    overwrite(name, RELEASED, &(released | 1 << 63).to_le_bytes());
    assert_eq!(code(Writer::connect(name, Duration::ZERO)), "writer_exists");
    overwrite(name, RELEASED, &released.to_le_bytes());
    let _second = Writer::connect(name, Duration::ZERO).expect("a writer");
    assert_eq!(ours(name, CONNECTION), (2 << 32) | u64::from(std::process::id()), "not plain");
}

/// The token that a killed writer did not post counts no more once its death is known.
#[test]
fn a_frame_is_read_at_once_though_a_token_was_missing_before_it() {
    let (reader, writer) = pair("missing-token", 0, 1024);
    writer.write(&frame(84, 1), SOON).expect("a write");
    set_tokens(reader.name(), 0);
    writer.close();
    assert_eq!(reader.read(SOON).expect("a frame").sequence(), 1);
    assert_eq!(code(reader.read(SOON)), "writer_dead");
    write_by_hand(reader.name(), 100, &frame(84, 1), 1);
    assert_eq!(reader.read(SOON).expect("a frame")[..], frame(84, 1));
}

/// With its number, but that it was gone was seen.
#[test]
fn a_writer_that_comes_again_begins_anew() {
    let name = unique("again");
    let reader = Reader::create(&name, SMALL).expect("a reader");
    let mut writer = child();
    let mut read = Vec::new();
    for position in [0, 100] {
        overwrite(&name, 80, &u64::from(writer.id()).to_le_bytes());
        read.push(code(reader.read(Duration::ZERO)));
        write_by_hand(&name, position, &frame(84, 1), 1);
        read.push(code(reader.read(SOON)));
        overwrite(&name, 80, &[0; 8]);
        read.push(code(reader.read(SOON)));
    }
    writer.kill().expect("the kill");
    writer.wait().expect("its end");
    assert_eq!(read, ["timeout", "no error", "writer_dead"].repeat(2));
}
