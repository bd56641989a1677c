//! Many frames, summed up.

use std::time::{Duration, Instant};

use serde_json::{json, Value};

use crate::crc32::crc32;
use crate::process;

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
}

#[derive(Default)]
pub struct Summary {
    pub frames: u64,
    bytes: u64,
    first: u64,
    last: u64,
    breaks: u64,
    /// Size, and how often in a row.
    runs: Vec<(u64, u64)>,
    digest: u32,
}

impl Summary {
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

    pub fn plain(&self, clock: &Clock) -> Value {
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
        let mut summary = Summary::default();
        summary.add_data(3, &[1, 2]);
        summary.add_data(4, &[1, 2]);
        summary.add_data(6, &[9]);
        let plain = summary.plain(&Clock::new(Duration::ZERO));
        assert_eq!(
            (plain["frames"].as_u64(), plain["bytes"].as_u64(), plain["breaks"].as_u64()),
            (Some(3), Some(5), Some(1))
        );
        assert_eq!((plain["first"].as_u64(), plain["last"].as_u64()), (Some(3), Some(6)));
        assert_eq!(plain["runs"], json!([[2, 2], [1, 1]]));
        // As zlib.crc32 of Python makes it.
        assert_eq!(plain["digest"], 3_505_353_295_u32);
    }
}
