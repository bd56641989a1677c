//! Locks tell who lives, numbers do not; and what belongs to somebody else stays untouched.

mod common;

use std::fs::{self, File};
use std::os::unix::fs::{chown, MetadataExt, PermissionsExt};
use std::time::{Duration, Instant};

use common::{code, objects, overwrite, pair, unique, Orphan, CONNECTION, SOON};
use zerobuffer::{BufferConfig, ConnectOptions, ErrorKind, Reader, Writer};

const SMALL: BufferConfig = BufferConfig { metadata_size: 64, payload_size: 1024, mode: 0o600 };
/// Lives, and is none of ours: the number that a program has in its container, say.
const INIT: u64 = 1;
/// As of a process in another pid namespace.
const UNKNOWN: u64 = (1 << 22) + 5;

fn path(name: &str) -> String {
    format!("/dev/shm/{name}")
}

#[test]
fn a_dead_writer_is_dead_whoever_has_its_number() {
    for number in [INIT, UNKNOWN, std::process::id().into()] {
        let (reader, writer) = pair("dead-writer", 0, 1024);
        let name = reader.name();
        writer.write(&[1], SOON).expect("a write");
        overwrite(name, 80, &number.to_le_bytes());
        overwrite(name, CONNECTION, &((1 << 32) | (UNKNOWN + 1)).to_le_bytes());
        // Its lock is gone, its claim is not.
        overwrite(name, 80, &(UNKNOWN + 1).to_le_bytes());
        writer.close();
        overwrite(name, CONNECTION, &((1 << 32) | number).to_le_bytes());
        overwrite(name, 80, &number.to_le_bytes());
        assert_eq!(reader.read(SOON).expect("its frame")[..], [1]);
        let error = reader.read(SOON).expect_err("its death");
        assert!(matches!(error.kind(), ErrorKind::WriterDead { reason: "died", pid } if *pid == number));
        Writer::connect(name, Duration::ZERO).expect("the next").write(&[2], SOON).expect("a write");
        assert_eq!(reader.read(SOON).expect("a frame").sequence(), 1);
    }
}

#[test]
fn a_living_writer_lives_whatever_its_number() {
    let (reader, writer) = pair("living-writer", 0, 1024);
    overwrite(reader.name(), 80, &UNKNOWN.to_le_bytes());
    assert_eq!(code(reader.read(Duration::from_millis(50))), "timeout");
    assert_eq!(code(Writer::connect(reader.name(), Duration::ZERO)), "writer_exists");
    writer.write(&[1], SOON).expect("a write");
    assert_eq!(reader.read(SOON).expect("a frame")[..], [1]);
}

#[test]
fn a_dead_reader_is_dead_whoever_has_its_number() {
    let reader = Reader::create(&unique("dead-reader"), SMALL).expect("a reader");
    for number in [INIT, UNKNOWN, std::process::id().into()] {
        let orphan = Orphan::of(reader.name());
        overwrite(&orphan.0, 88, &number.to_le_bytes());
        assert_eq!(code(Writer::connect(&orphan.0, Duration::ZERO)), "reader_dead");
        Reader::create(&orphan.0, SMALL).expect("its buffer anew");
    }
}

#[test]
fn a_reader_without_a_number_is_waited_for_a_moment() {
    let reader = Reader::create(&unique("no-number"), SMALL).expect("a reader");
    overwrite(reader.name(), 88, &[0; 8]);
    let begin = Instant::now();
    assert_eq!(code(Writer::connect(reader.name(), Duration::ZERO)), "reader_dead");
    assert!(begin.elapsed() >= Duration::from_millis(50), "tried again");
}

/// As where only `/dev/shm` is shared.
#[test]
fn a_living_reader_keeps_its_buffer_whatever_its_number_and_without_a_lock_file() {
    let (reader, writer) = pair("living-reader", 64, 1024);
    let locks = objects(reader.name()).pop().expect("a lock file");
    fs::remove_file(locks).expect("its removal");
    overwrite(reader.name(), 88, &UNKNOWN.to_le_bytes());
    assert_eq!(code(Reader::create(reader.name(), SMALL)), "buffer_in_use");
    assert_eq!(objects(reader.name()).len(), 3);
    writer.write(&[1], SOON).expect("a write");
    assert_eq!(reader.read(SOON).expect("a frame")[..], [1]);
}

#[test]
fn a_reader_leaves_what_another_one_made_under_its_name() {
    let reader = Reader::create(&unique("replaced"), SMALL).expect("a reader");
    fs::remove_file(path(reader.name())).expect("its removal");
    fs::write(path(reader.name()), "another's").expect("another segment");
    reader.close();
    assert_eq!(fs::read(path(reader.name())).expect("still there"), b"another's");
    objects(reader.name()).iter().for_each(|object| fs::remove_file(object).expect("its removal"));
}

#[test]
fn another_programs_memory_stays_untouched() {
    let mut late = vec![0; 70_000];
    late.push(1);
    let mut newer = vec![0; 256];
    newer[..5].copy_from_slice(&[128, 0, 0, 0, 2]);
    for content in [&b"short"[..], &[7; 4096], &late, &newer] {
        let name = unique("stranger");
        fs::write(path(&name), content).expect("a file");
        assert_eq!(code(Reader::create(&name, SMALL)), "invalid_oieb");
        assert_eq!(fs::read(path(&name)).expect("the file"), content);
        fs::remove_file(path(&name)).expect("its removal");
        assert!(objects(&name).is_empty());
    }
    for content in [&[][..], &[0; 64], &[0; 70_000]] {
        let name = unique("begun");
        fs::write(path(&name), content).expect("a file");
        Reader::create(&name, SMALL).expect("what a dead reader began is replaced");
    }
}

#[test]
fn a_buffer_of_another_user_is_written_to_only_when_asked() {
    let reader = Reader::create(&unique("user"), SMALL).expect("a reader");
    if chown(path(reader.name()), Some(12345), None).is_err() {
        println!("skipped: only root can give a file away");
        return;
    }
    let error = Writer::connect(reader.name(), Duration::ZERO).expect_err("another user's");
    assert_eq!(error.code(), "permission_denied");
    assert!(error.to_string().contains("user 12345") && error.to_string().contains("any_owner"), "{error}");
    let options = ConnectOptions { any_owner: true, ..Default::default() };
    Writer::connect_with(reader.name(), options).expect("as it was asked for");
}

#[test]
fn a_semaphore_that_would_end_the_process_is_refused() {
    let reader = Reader::create(&unique("semaphore"), SMALL).expect("a reader");
    for part in ["sem.sem-w-", "sem.sem-r-"] {
        let semaphore = format!("{part}{}", reader.name());
        let whole = fs::read(path(&semaphore)).expect("a semaphore");
        for (offset, garbage) in [(0, [0xff; 4]), (8, [7, 0, 0, 0]), (8, [0xff; 4])] {
            overwrite(&semaphore, offset, &garbage);
            assert_eq!(code(Writer::connect(reader.name(), Duration::ZERO)), "invalid_oieb");
            overwrite(&semaphore, 0, &whole);
        }
        let file = File::options().write(true).open(path(&semaphore)).expect("a semaphore");
        for length in [0, 16, 33] {
            file.set_len(length).expect("another length");
            assert_eq!(code(Writer::connect(reader.name(), Duration::ZERO)), "invalid_oieb");
        }
        file.set_len(32).expect("its length");
        overwrite(&semaphore, 0, &whole);
    }
    Writer::connect(reader.name(), Duration::ZERO).expect("all is well again");
}

#[test]
fn a_lock_file_that_is_a_hard_link_is_refused() {
    let name = unique("hard-link");
    Reader::create(&unique("directory"), SMALL).expect("makes the lock directory");
    let locks = std::env::var("ZEROBUFFER_LOCK_DIR").unwrap_or_else(|_| "/tmp/zerobuffer".into());
    let (link, victim) = (format!("{locks}/{name}.lock"), format!("{locks}/{name}.victim"));
    fs::write(&victim, "").expect("a victim");
    fs::set_permissions(&victim, fs::Permissions::from_mode(0o640)).expect("its mode");
    fs::hard_link(&victim, &link).expect("a link");
    let refused = code(Reader::create(&name, SMALL));
    let facts = fs::metadata(&victim).expect("the victim");
    fs::remove_file(&link).expect("the link is still there");
    fs::remove_file(&victim).expect("its removal");
    assert_eq!((refused, facts.mode() & 0o777), ("system_error", 0o640));
    assert!(objects(&name).is_empty());
}
