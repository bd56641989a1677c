//! What is open, by number. What was closed last keeps its number until something else is closed: a call that comes too
//! late meets the library's own answer.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use zerobuffer::{DuplexClient, DuplexServer, Frame, Reader, Slot, Writer};

use crate::event::Event;
use crate::rpc::Failure;

/// A duplex server and what its handler has met.
pub struct Server {
    pub side: DuplexServer,
    pub requests: AtomicU64,
    pub refused_changes: AtomicU64,
    /// Cuts a handler's delay short.
    pub ending: Event,
}

impl Server {
    pub fn new(side: DuplexServer) -> Self {
        Self {
            side,
            requests: AtomicU64::new(0),
            refused_changes: AtomicU64::new(0),
            ending: Event::default(),
        }
    }

    pub fn counts(&self) -> (u64, u64) {
        (self.requests.load(Ordering::Acquire), self.refused_changes.load(Ordering::Acquire))
    }

    /// A handler in the middle of its work may end it; one that would take for ever is cut short.
    pub fn close(&self, patience: Duration) {
        let closed = Event::default();
        thread::scope(|scope| {
            let cut_short = || {
                if !closed.wait(patience) {
                    self.ending.set();
                }
            };
            if patience.is_zero() || thread::Builder::new().spawn_scoped(scope, cut_short).is_err() {
                self.ending.set();
            }
            self.side.close();
            closed.set();
        });
    }
}

/// A frame that a reader has returned. Once it is released, it is empty, so that a later look is told so.
pub struct HeldFrame {
    pub owner: u64,
    pub sequence: u64,
    pub frame: Mutex<Option<Frame>>,
}

/// A place that a writer has returned.
pub struct HeldSlot {
    pub owner: u64,
    pub sequence: u64,
    pub slot: Mutex<Option<Slot>>,
}

/// Anything with a number.
#[derive(Clone)]
pub enum Thing {
    Reader(Arc<Reader>),
    Writer(Arc<Writer>),
    Server(Arc<Server>),
    Client(Arc<DuplexClient>),
    Frame(Arc<HeldFrame>),
    Slot(Arc<HeldSlot>),
}

impl Thing {
    fn owner(&self) -> Option<u64> {
        match self {
            Self::Frame(frame) => Some(frame.owner),
            Self::Slot(slot) => Some(slot.owner),
            _ => None,
        }
    }

    /// Ends it, also while another thread waits in it.
    pub fn close(&self, patience: Duration) {
        match self {
            Self::Reader(reader) => reader.close(),
            Self::Writer(writer) => writer.close(),
            Self::Server(server) => server.close(patience),
            Self::Client(client) => client.close(),
            Self::Frame(frame) => drop(locked(&frame.frame).take()),
            Self::Slot(slot) => drop(locked(&slot.slot).take()),
        }
    }
}

/// Locks also after a panic: what stands behind a lock here is always whole.
pub fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Default)]
struct Open {
    last: u64,
    things: BTreeMap<u64, Thing>,
    /// The number of what was closed last.
    closed: u64,
    ended: bool,
}

#[derive(Default)]
pub struct Table(Mutex<Open>);

impl Table {
    /// Gives a thing a number. At the end nothing is kept any more.
    pub fn keep(&self, thing: Thing) -> Result<u64, Failure> {
        let mut open = locked(&self.0);
        if open.ended {
            drop(open);
            thing.close(Duration::ZERO);
            return Err(Failure::driver("closed", "the driver is ending"));
        }
        open.last += 1;
        let number = open.last;
        open.things.insert(number, thing);
        Ok(number)
    }

    pub fn get(&self, number: u64) -> Result<Thing, Failure> {
        locked(&self.0).things.get(&number).cloned().ok_or_else(|| nothing_under("thing", number))
    }

    pub fn take(&self, number: u64) -> Result<Thing, Failure> {
        locked(&self.0).things.remove(&number).ok_or_else(|| nothing_under("thing", number))
    }

    /// Marks a thing as closed, once, and returns it.
    pub fn end_one(&self, number: u64) -> Result<Thing, Failure> {
        let mut open = locked(&self.0);
        let thing = open.things.get(&number).filter(|_| open.closed != number).cloned();
        let thing = thing.ok_or_else(|| nothing_under("thing", number))?;
        let before = std::mem::replace(&mut open.closed, number);
        open.things.remove(&before);
        Ok(thing)
    }

    /// Takes the frames or slots that belong to a thing.
    pub fn take_parts(&self, owner: u64) -> Vec<Thing> {
        let mut open = locked(&self.0);
        let numbers: Vec<_> = open
            .things
            .iter()
            .filter(|(_, thing)| thing.owner() == Some(owner))
            .map(|(&number, _)| number)
            .collect();
        numbers.iter().filter_map(|number| open.things.remove(number)).collect()
    }

    /// Takes everything that is not closed yet, the youngest first, and keeps nothing from now on.
    pub fn end(&self) -> Vec<Thing> {
        let mut open = locked(&self.0);
        open.ended = true;
        let closed = open.closed;
        open.things.remove(&closed);
        std::mem::take(&mut open.things).into_values().rev().collect()
    }
}

macro_rules! look_ups {
    ($($name:ident $kind:ident $type:ty;)*) => {
        impl Table {
            $(pub fn $name(&self, number: u64) -> Result<Arc<$type>, Failure> {
                match self.get(number)? {
                    Thing::$kind(found) => Ok(found),
                    _ => Err(nothing_under(stringify!($name), number)),
                }
            })*
        }
    };
}

look_ups! {
    reader Reader Reader;
    writer Writer Writer;
    server Server Server;
    client Client DuplexClient;
    frame Frame HeldFrame;
    slot Slot HeldSlot;
}

pub fn nothing_under(kind: &str, number: u64) -> Failure {
    Failure::driver("closed", format!("there is no open {kind} under the number {number}"))
}
