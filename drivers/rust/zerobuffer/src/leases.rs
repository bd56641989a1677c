//! Space that the reader has taken from the ring and not yet given back.

use std::collections::VecDeque;

/// Frames may be released in any order; their space returns in the order of the ring.
#[derive(Default)]
pub(crate) struct Leases {
    first: u64,
    queue: VecDeque<Lease>,
}

struct Lease {
    bytes: u64,
    frame: bool,
    returned: bool,
}

/// What may go back to the writer now.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Returned {
    pub bytes: u64,
    pub frames: u32,
}

impl Leases {
    /// Takes the space of a frame; the number that comes back gives it up.
    pub fn take(&mut self, bytes: u64) -> u64 {
        self.queue.push_back(Lease { bytes, frame: true, returned: false });
        self.first + self.queue.len() as u64 - 1
    }

    /// Takes the space of a tail that was passed on the way: it returns with what was taken before it.
    pub fn pass(&mut self, bytes: u64) {
        self.queue.push_back(Lease { bytes, frame: false, returned: true });
    }

    /// Gives a frame's space up; once.
    pub fn give_up(&mut self, number: u64) {
        let place = number.checked_sub(self.first).and_then(|index| usize::try_from(index).ok());
        if let Some(lease) = place.and_then(|index| self.queue.get_mut(index)) {
            lease.returned = true;
        }
    }

    /// Removes and sums up what nothing older holds back.
    pub fn drain(&mut self) -> Returned {
        let mut sum = Returned::default();
        while self.queue.front().is_some_and(|lease| lease.returned) {
            if let Some(lease) = self.queue.pop_front() {
                self.first += 1;
                sum.bytes += lease.bytes;
                sum.frames += u32::from(lease.frame);
            }
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn space_returns_in_ring_order() {
        let mut leases = Leases::default();
        let numbers = [10, 20, 30].map(|bytes| leases.take(bytes));
        leases.give_up(numbers[1]);
        assert_eq!(leases.drain(), Returned::default());
        leases.give_up(numbers[0]);
        assert_eq!(leases.drain(), Returned { bytes: 30, frames: 2 });
        leases.give_up(numbers[0]);
        assert_eq!(leases.drain(), Returned::default());
        leases.give_up(numbers[2]);
        assert_eq!(leases.drain(), Returned { bytes: 30, frames: 1 });
    }

    #[test]
    fn a_tail_returns_behind_what_was_taken_before_it() {
        let mut leases = Leases::default();
        leases.pass(5);
        assert_eq!(leases.drain(), Returned { bytes: 5, frames: 0 });
        let before = leases.take(10);
        leases.pass(7);
        let after = leases.take(20);
        leases.give_up(after);
        assert_eq!(leases.drain(), Returned::default());
        leases.give_up(before);
        assert_eq!(leases.drain(), Returned { bytes: 37, frames: 2 });
    }
}
