//! What verbs tell of bytes that they have moved.

use std::time::{Duration, Instant};

use serde_json::{json, Value};
use zerobuffer::{Error, ErrorKind};

use crate::crc32::crc32;
use crate::process;
use crate::rpc::Failure;

/// The time that is left of a request, and the processor time it has cost.
pub struct Clock {
    begin: Instant,
    timeout: Duration,
    processor: f64,
}

impl Clock {
    pub fn new(timeout: Duration) -> Self {
        Self { begin: Instant::now(), timeout, processor: process::processor_seconds() }
    }

    pub fn begin(&self) -> Instant {
        self.begin
    }

    pub fn left(&self) -> Duration {
        self.timeout.saturating_sub(self.begin.elapsed())
    }

    pub fn is_over(&self) -> bool {
        self.left().is_zero()
    }

    /// What is told of an error that ends a series: how far it came, and the limit of all. The library knows only what
    /// was left of that.
    pub fn ended(&self, error: Error, count: u64, what: &str) -> Failure {
        let said = match error.kind() {
            ErrorKind::Timeout { .. } => "nothing more came",
            ErrorKind::BufferFull { .. } => "there was no space for more",
            _ => return Failure::from(error).after(&format!("after {count} {what}")),
        };
        let limit = self.timeout.as_secs_f64();
        Failure::from(error).late(format!("after {count} {what}: {said} within {limit} s"), limit)
    }
}

/// What is told of one block of bytes.
pub fn blob(content: &[u8]) -> Value {
    json!({ "size": content.len(), "digest": crc32(0, content) })
}

/// Many frames, summed up.
#[derive(Default)]
pub struct Transfer {
    pub frames: u64,
    bytes: u64,
    first: u64,
    last: u64,
    breaks: u64,
    /// Size, and how often in a row.
    runs: Vec<(u64, u64)>,
    digest: u32,
}

impl Transfer {
    /// Adds a frame whose bytes nobody looks at.
    pub fn add(&mut self, sequence: u64, size: u64) {
        if self.frames > 0 && sequence != self.last.wrapping_add(1) {
            self.breaks += 1;
        }
        if self.first == 0 {
            self.first = sequence;
        }
        self.last = sequence;
        self.frames += 1;
        self.bytes += size;
        match self.runs.last_mut() {
            Some((last, times)) if *last == size => *times += 1,
            _ => self.runs.push((size, 1)),
        }
    }

    /// Adds a frame and its bytes.
    pub fn add_data(&mut self, sequence: u64, data: &[u8]) {
        let size = data.len() as u64;
        self.add(sequence, size);
        let header = [size.to_le_bytes(), sequence.to_le_bytes()].concat();
        self.digest = crc32(crc32(self.digest, &header), data);
    }

    pub fn as_json(&self, clock: &Clock) -> Value {
        json!({
            "frames": self.frames,
            "bytes": self.bytes,
            "first": self.first,
            "last": self.last,
            "breaks": self.breaks,
            "runs": self.runs,
            "digest": self.digest,
            "seconds": clock.begin.elapsed().as_secs_f64(),
            "cpu_seconds": process::processor_seconds() - clock.processor,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_summed_up() {
        let mut transfer = Transfer::default();
        transfer.add_data(3, &[1, 2]);
        transfer.add_data(4, &[1, 2]);
        transfer.add_data(6, &[9]);
        let shown = transfer.as_json(&Clock::new(Duration::ZERO));
        assert_eq!(
            (shown["frames"].as_u64(), shown["bytes"].as_u64(), shown["breaks"].as_u64()),
            (Some(3), Some(5), Some(1))
        );
        assert_eq!((shown["first"].as_u64(), shown["last"].as_u64()), (Some(3), Some(6)));
        assert_eq!(shown["runs"], json!([[2, 2], [1, 1]]));
        // As zlib.crc32 of Python makes it.
        assert_eq!(shown["digest"], 3_505_353_295_u32);
    }
}
