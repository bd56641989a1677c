//! What a writer knows of the bytes that were ever committed: `docs/stream.md`, "Connecting".

use std::sync::atomic::Ordering;

use crate::error::ErrorKind;
use crate::layout::RELEASING;
use crate::ring::{load, store, Ring};

/// How often a new writer looks for a moment without a release.
const LOOKS: u32 = 1000;

/// Bytes ever committed; `None` for a plain writer, which goes by the shared fields as the protocol has them.
#[derive(PartialEq, Eq)]
pub(crate) struct Account(Option<u64>);

/// The shared fields at one moment: what is released, where the writer stands, and how much is free. `None` if the
/// reader does not stand still.
fn snapshot(ring: &Ring) -> Result<Option<(u64, u64, u64)>, ErrorKind> {
    for _ in 0..LOOKS {
        let released = load(&ring.block().reserved.released);
        let (position, free) = ring.writer_state()?;
        if released & RELEASING == 0 && load(&ring.block().reserved.released) == released {
            return Ok(Some((released, position, free)));
        }
        std::hint::spin_loop();
    }
    Ok(None)
}

/// Sets right what a dead owner left, for a reader of ours; `false` if it cannot be told yet.
pub(crate) fn inherit(ring: &Ring, ours: bool) -> Result<bool, ErrorKind> {
    let Some((released, position, free)) = snapshot(ring)? else { return Ok(false) };
    let (block, size) = (ring.block(), ring.payload_size());
    let used = match (position + size - released % size) % size {
        _ if ours => load(&block.reserved.committed).wrapping_sub(released),
        0 if free == size => 0,
        0 if free == 0 => size,
        0 => return Ok(false),
        ahead => ahead,
    };
    // Nonsense is left alone.
    if used <= size {
        store(&block.payload_write_pos, (released + used) % size);
        // By difference: releases go on meanwhile.
        block.payload_free_bytes.fetch_add((size - used).wrapping_sub(free), Ordering::AcqRel);
    }
    Ok(true)
}

impl Account {
    /// Finds what was committed; `None` if it cannot be told yet.
    pub fn find(ring: &Ring) -> Result<Option<Self>, ErrorKind> {
        if !ring.reader_is_ours() {
            return Ok(Some(Self(None)));
        }
        let Some((released, position, free)) = snapshot(ring)? else { return Ok(None) };
        let committed = released + ring.payload_size() - free;
        // If they differ, somebody else has written to the control block.
        Ok(Some(Self((committed % ring.payload_size() == position).then_some(committed))))
    }

    /// Announces a stream behind what was committed, while there is no writer.
    pub fn announce(&self, ring: &Ring, pid: u64) {
        match self.0 {
            Some(committed) => ring.begin_stream(committed, pid),
            None if ring.reader_is_ours() => ring.disclaim(ring.number() + 1),
            None => {}
        }
    }

    /// Where the next frame goes, and how much is free.
    pub fn state(&mut self, ring: &Ring) -> Result<(u64, u64), ErrorKind> {
        let shared = ring.writer_state()?;
        let Some(committed) = self.0 else { return Ok(shared) };
        if shared.0 == committed % ring.payload_size() {
            return Ok((shared.0, ring.free_behind(committed)?));
        }
        // Somebody else has written to the control block.
        self.0 = None;
        ring.disclaim(ring.number());
        Ok(shared)
    }

    /// Takes bytes that were written; says what `committed` is to be, if anything.
    pub fn take(&mut self, bytes: u64) -> Option<u64> {
        self.0 = self.0.map(|committed| committed + bytes);
        self.0
    }
}
