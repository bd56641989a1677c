//! Where a frame goes: pure arithmetic.

use crate::error::ErrorKind;
use crate::layout::FRAME_HEADER_SIZE;

/// Where a frame will stand, and what writing it costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Where its header goes.
    pub at: u64,
    /// Header and data.
    pub total: u64,
    /// Bytes given up at the end of the ring, 0 when nothing wraps.
    pub tail: u64,
    /// Where a wrap marker goes, if the tail has room for one.
    pub marker: Option<u64>,
}

impl Plan {
    /// Free bytes that it takes.
    pub fn need(&self) -> u64 {
        self.tail + self.total
    }

    /// Where the writer stands afterwards: never at the very end.
    pub fn end(&self, payload_size: u64) -> u64 {
        (self.at + self.total) % payload_size
    }

    /// By how much `payload_written_count` goes up.
    pub fn counted(&self) -> u64 {
        1 + u64::from(self.marker.is_some())
    }
}

/// The size of a frame that can be written at any position.
pub(crate) fn always_fits(payload_size: u64) -> u64 {
    (payload_size / 2).saturating_sub(FRAME_HEADER_SIZE)
}

/// Plans a frame of `size` bytes for a writer that stands at `write_pos` (below `payload_size`).
///
/// Space plays no part yet: what is refused here can never be written, however far the reader drains.
pub(crate) fn plan(payload_size: u64, write_pos: u64, size: u64) -> Result<Plan, ErrorKind> {
    let largest = payload_size - FRAME_HEADER_SIZE;
    let always_fits = always_fits(payload_size);
    if size == 0 {
        return Err(ErrorKind::InvalidFrameSize { field: "frame size", value: 0, limit: largest });
    }
    if size > largest {
        return Err(ErrorKind::FrameTooLarge { size, largest, always_fits });
    }
    let total = FRAME_HEADER_SIZE + size;
    let tail = payload_size - write_pos;
    let fits = total <= tail;
    // A wrap takes the tail as well, and the reader can free no more than the whole ring.
    let can_wrap = write_pos > 0 && total <= write_pos;
    // A rest of 1 to 15 bytes has no room for a marker, and other readers stumble over it.
    let leaves_stub = fits && (1..FRAME_HEADER_SIZE).contains(&(tail - total));
    if fits && !(leaves_stub && can_wrap) {
        return Ok(Plan { at: write_pos, total, tail: 0, marker: None });
    }
    if !can_wrap {
        let fits_now = tail.max(write_pos).saturating_sub(FRAME_HEADER_SIZE);
        return Err(ErrorKind::FrameUnwritable { size, fits_now, always_fits });
    }
    Ok(Plan { at: 0, total, tail, marker: (tail >= FRAME_HEADER_SIZE).then_some(write_pos) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(write_pos: u64, size: u64) -> Plan {
        plan(1024, write_pos, size).expect("it can be written")
    }

    #[test]
    fn a_frame_goes_where_the_writer_stands() {
        assert_eq!(planned(100, 50), Plan { at: 100, total: 66, tail: 0, marker: None });
    }

    #[test]
    fn an_exact_fit_ends_at_the_start() {
        let plan = planned(512, 496);
        assert_eq!((plan.at, plan.end(1024)), (512, 0));
        assert_eq!(planned(0, 1008).end(1024), 0);
    }

    #[test]
    fn a_frame_that_does_not_fit_wraps_behind_a_marker() {
        let plan = planned(900, 200);
        assert_eq!(plan, Plan { at: 0, total: 216, tail: 124, marker: Some(900) });
        assert_eq!((plan.need(), plan.counted(), plan.end(1024)), (340, 2, 216));
    }

    #[test]
    fn a_tail_without_room_for_a_marker_gets_none() {
        assert_eq!(planned(1014, 200), Plan { at: 0, total: 216, tail: 10, marker: None });
        assert_eq!(planned(1008, 200).marker, Some(1008));
    }

    #[test]
    fn a_short_tail_is_avoided_where_a_wrap_is_possible() {
        for rest in 1..16 {
            assert_eq!(planned(600, 1024 - 600 - 16 - rest).at, 0, "rest {rest}");
            assert_eq!(planned(300, 1024 - 300 - 16 - rest).at, 300, "no room at the start, rest {rest}");
        }
        for rest in [0, 16, 17] {
            assert_eq!(planned(600, 1024 - 600 - 16 - rest).at, 600, "rest {rest}");
        }
    }

    #[test]
    fn what_can_never_be_written_is_refused_with_the_sizes_that_can() {
        assert!(matches!(plan(1024, 0, 0), Err(ErrorKind::InvalidFrameSize { .. })));
        assert!(matches!(
            plan(1024, 0, 1009),
            Err(ErrorKind::FrameTooLarge { size: 1009, largest: 1008, always_fits: 496 })
        ));
        assert!(matches!(
            plan(10240, 6160, 7168),
            Err(ErrorKind::FrameUnwritable { size: 7168, fits_now: 6144, always_fits: 5104 })
        ));
        assert!(matches!(plan(64, 0, u64::MAX), Err(ErrorKind::FrameTooLarge { .. })));
    }

    /// Every size at every position of a small ring: a plan stays inside, and sizes said to fit do.
    #[test]
    fn every_plan_stays_inside_the_ring() {
        for payload_size in [64_u64, 128, 192] {
            for write_pos in 0..payload_size {
                for size in 1..=payload_size {
                    match plan(payload_size, write_pos, size) {
                        Ok(plan) => {
                            assert!(plan.at + plan.total <= payload_size);
                            assert!(plan.need() <= payload_size);
                            assert!(plan.end(payload_size) < payload_size);
                            if let Some(marker) = plan.marker {
                                assert!(marker + 16 <= payload_size && plan.at + plan.total <= marker);
                            }
                        }
                        Err(ErrorKind::FrameUnwritable { fits_now, always_fits, .. }) => {
                            assert!(size > fits_now && size > always_fits);
                            assert!(plan(payload_size, write_pos, fits_now).is_ok());
                            assert!(plan(payload_size, write_pos, always_fits).is_ok());
                        }
                        Err(ErrorKind::FrameTooLarge { largest, .. }) => assert!(size > largest),
                        Err(other) => panic!("{other:?}"),
                    }
                }
            }
        }
    }
}
