//! 1 < 2
use std::sync::atomic::{AtomicU64, Ordering};

const SIZE: usize = 0x0f;

#[derive(Debug)]
struct Ring {
    slots: [u8; 16],
}

#[cfg(test)]
mod tests {
    fn a() -> bool { 1 < 2 }
}

impl Ring {
    fn take(&self, at: u32, size: u32) -> Result<(), Error> {
        let _held = self.turn.lock().unwrap();
        if at < size && !self.open {
            log!("too far {}", at + 1);
            return Err(Error::Closed);
        }
        if let Some(frame) = self.frame {
            self.give(frame);
        }
        while at != size {
            self.total += self.at(at, size).0;
            self.last = -at;
        }
        self.head.store(1u64, Ordering::Release);
        fence(Ordering::SeqCst);
        Ok(self.check()?)
    }

    fn reset(&mut self) {
        self.closed = true;
        self.watch();
    }

    fn open(&self) -> bool {
        match self.state {
            State::Open if self.count > 2 => return true,
            _ => {}
        }
        self.other == 3
    }
}
