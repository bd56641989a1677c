//! Whole segments, byte for byte as another implementation leaves them after the same operations.

mod common;

use std::fs;
use std::path::PathBuf;

use common::{frame, pair, segment, SOON};
use zerobuffer::{BufferConfig, Frame, Reader, Writer};

const WRITE_POS: usize = 48;
const PIDS: [usize; 2] = [80, 88];
/// What ours keep there is no business of another implementation, which leaves it zero.
const RESERVED: std::ops::Range<usize> = 96..128;

fn vectors() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../tests/vectors/segments")
}

/// Compares a buffer with a vector, with owner pids replaced by 1.
fn compare(name: &str, vector: &str) {
    let expected = fs::read(vectors().join(format!("{vector}.bin"))).expect("a vector");
    let mut seen = segment(name);
    for offset in PIDS {
        if seen[offset..offset + 8] != [0; 8] {
            seen[offset..offset + 8].copy_from_slice(&1_u64.to_le_bytes());
        }
    }
    seen[RESERVED].fill(0);
    assert_eq!(seen.len(), expected.len(), "{vector}: length");
    if let Some(offset) = (0..seen.len()).find(|&offset| seen[offset] != expected[offset]) {
        panic!("{vector}: byte {offset} is {}, expected {}", seen[offset], expected[offset]);
    }
}

fn write(writer: &Writer, size: usize) {
    writer.write(&frame(size, writer.next_sequence()), SOON).expect("a write");
}

fn read(reader: &Reader) -> Frame {
    let read = reader.read(SOON).expect("a frame");
    assert_eq!(read[..], frame(read.len(), read.sequence()), "frame {}", read.sequence());
    read
}

#[test]
fn a_frames_metadata_and_a_wrap() {
    let name = common::unique("vector-a");
    let reader = Reader::create(&name, BufferConfig::default()).expect("a reader");
    compare(&name, "a1-created");
    let writer = Writer::connect(&name, SOON).expect("a writer");
    compare(&name, "a2-connected");
    writer.set_metadata(&frame(100, 0)).expect("metadata");
    compare(&name, "a3-metadata");
    write(&writer, 1024);
    compare(&name, "a4-one-frame");
    let held = read(&reader);
    compare(&name, "a5-read-held");
    drop(held);
    compare(&name, "a6-released");
    (0..4).for_each(|_| write(&writer, 2048));
    compare(&name, "a7-four-more");
    (0..2).for_each(|_| drop(read(&reader)));
    compare(&name, "a8-two-read");
    write(&writer, 2048);
    compare(&name, "a9-wrapped");
    (0..2).for_each(|_| drop(read(&reader)));
    compare(&name, "a10-before-marker");
    drop(read(&reader));
    compare(&name, "a11-across-marker");
    assert_eq!(reader.metadata().expect("metadata"), frame(100, 0));
}

#[test]
fn b_the_smallest_buffer() {
    let (_reader, writer) = pair("vector-b", 0, 64);
    write(&writer, 1);
    compare(writer.name(), "b1-tiny");
}

#[test]
fn c_an_exact_fit() {
    let (_reader, writer) = pair("vector-c", 0, 1024);
    (0..2).for_each(|_| write(&writer, 496));
    // The writer of the vector leaves the end where we leave the start: both are valid.
    common::overwrite(writer.name(), WRITE_POS as u64, &1024_u64.to_le_bytes());
    compare(writer.name(), "c1-exact-fit");
}

#[test]
fn d_rounding() {
    let name = common::unique("vector-d");
    let config = BufferConfig { metadata_size: 65, payload_size: 1000, ..BufferConfig::default() };
    let _reader = Reader::create(&name, config).expect("a reader");
    compare(&name, "d1-rounding");
}

#[test]
fn e_mixed_sizes() {
    let (reader, writer) = pair("vector-e", 64, 4096);
    let sizes = [16, 32, 240, 1008, 496, 64, 2000, 112, 768, 1488, 336, 48, 160];
    for (index, size) in sizes.into_iter().enumerate() {
        write(&writer, size);
        if index == 0 || (2..=11).contains(&index) {
            drop(read(&reader));
        }
    }
    compare(writer.name(), "e1-mixed");
}

#[test]
fn f_a_marker_fills_the_tail() {
    let (reader, writer) = pair("vector-f", 0, 1024);
    write(&writer, 992);
    drop(read(&reader));
    write(&writer, 100);
    compare(writer.name(), "f1-marker-fills-tail");
}

/// The other way round: what another writer left is read.
#[test]
fn foreign_frames_are_read() {
    let name = common::unique("vector-foreign");
    let reader = Reader::create(&name, BufferConfig::default()).expect("a reader");
    let writer = Writer::connect(&name, SOON).expect("a writer");
    for size in [1024, 2048, 2048] {
        write(&writer, size);
        drop(read(&reader));
    }
    // Tokens for sequences 4 to 6, then the bytes of a segment in which they stand.
    (0..3).for_each(|_| write(&writer, 1));
    let vector = fs::read(vectors().join("a9-wrapped.bin")).expect("a vector");
    common::overwrite(&name, 16, &vector[16..80]);
    common::overwrite(&name, 128, &vector[128..]);
    let sizes: Vec<_> = (0..3).map(|_| read(&reader)).map(|frame| (frame.sequence(), frame.len())).collect();
    assert_eq!(sizes, [(4, 2048), (5, 2048), (6, 2048)]);
    assert_eq!(reader.metadata().expect("metadata"), frame(100, 0));
}

/// A vector that differs in one byte is told from the true one.
#[test]
#[should_panic(expected = "b1-tiny: byte 144 is 2, expected 1")]
fn a_wrong_byte_is_found() {
    let (_reader, writer) = pair("vector-wrong", 0, 64);
    writer.write(&[2], SOON).expect("a write");
    compare(writer.name(), "b1-tiny");
}
