//! Requests and responses over two buffers: `NAME_request`, read by the server, and `NAME_response`, read by the
//! client.
//!
//! The n-th response answers the n-th request; nothing else ties them together.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind};
use crate::fair_lock::FairLock;
use crate::layout::BufferConfig;
use crate::plan::always_fits;
use crate::reader::{Frame, Reader, WriterState};
use crate::ring::load;
use crate::writer::{Slot, Writer};

/// How often a wait looks whether the server is to stop, or the other side of a half-made channel is gone.
const LOOK: Duration = Duration::from_millis(10);
/// How long a server waits for a client that has sent a request to show its response buffer.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);
/// Metadata of a response buffer whose first response could not be made. Without a trace, a writer that came and went
/// looks to the client like one that never came.
const NO_RESPONSE: &[u8] = b"no response: the handler failed";
/// How long a server stays connected to a client whose metadata block has no room for that: the client must see it come
/// before it sees it leave.
const FAREWELL: Duration = Duration::from_millis(100);
/// Begins a response that is the text of an error. It is no UTF-8, and as long as the least that always fits.
const FAILURE_MARK: &[u8] = b"\xF5zb handler err\xF5";

/// Why a handler has no answer.
pub type HandlerFailure = Box<dyn std::error::Error + Send + Sync>;

fn request_buffer(channel: &str) -> String {
    format!("{channel}_request")
}

fn response_buffer(channel: &str) -> String {
    format!("{channel}_response")
}

/// Answers requests, one after the other, in a thread.
///
/// A client that dies is forgotten, and the next one is served. A handler that fails, panics or answers with what
/// cannot be written costs its client a `handler_error` instead of the answer, and a line on standard error tells of
/// it. A client of another implementation would not know that from an answer: its channel is closed.
pub struct DuplexServer {
    channel: Arc<Channel>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Channel {
    name: String,
    requests: Reader,
    stopping: AtomicBool,
}

impl DuplexServer {
    /// Creates a channel; the sizes are those of the request buffer.
    pub fn create(name: &str, config: BufferConfig) -> Result<Self, Error> {
        let requests = Reader::create(&request_buffer(name), config)?;
        let channel = Channel { name: name.to_owned(), requests, stopping: AtomicBool::new(false) };
        Ok(Self { channel: Arc::new(channel), thread: Mutex::default() })
    }

    /// Starts to answer; the handler gets the request, which it cannot change, and returns the response.
    pub fn start<Handler>(&self, handler: Handler) -> Result<(), Error>
    where
        Handler: FnMut(&[u8]) -> Result<Vec<u8>, HandlerFailure> + Send + 'static,
    {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        let channel = Arc::clone(&self.channel);
        Error::naming(&self.channel.name, || {
            if thread.is_some() {
                return Err(ErrorKind::Busy { reason: "the server has been started already" });
            }
            if channel.stopping.load(Ordering::Acquire) {
                return Err(ErrorKind::Closed { what: "server" });
            }
            let mut service = Service { channel, handler, responses: None, lost: None };
            let started = thread::Builder::new().name("duplex".into()).spawn(move || service.run());
            let failed = |source| ErrorKind::ResourceExhausted { operation: "start a thread", source };
            *thread = Some(started.map_err(failed)?);
            Ok(())
        })
    }

    /// Finishes the request at hand and removes the channel. A client that still waits learns of it at once.
    pub fn close(&self) {
        self.channel.stopping.store(true, Ordering::Release);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
        self.channel.requests.close();
    }
}

impl Drop for DuplexServer {
    fn drop(&mut self) {
        self.close();
    }
}

struct Service<Handler> {
    channel: Arc<Channel>,
    handler: Handler,
    /// To the client at hand.
    responses: Option<Writer>,
    /// When that client lost a response. No other response may come in its place.
    lost: Option<Instant>,
}

impl<Handler: FnMut(&[u8]) -> Result<Vec<u8>, HandlerFailure>> Service<Handler> {
    fn run(&mut self) {
        while !self.stopping() {
            if self.lost.is_some_and(|moment| moment.elapsed() > FAREWELL) {
                self.responses = None;
            }
            match self.channel.requests.read(LOOK) {
                Ok(request) => self.answer(&request),
                Err(error) => match error.kind() {
                    ErrorKind::Timeout { .. } => {}
                    ErrorKind::WriterDead { .. } => {
                        self.responses = None;
                        // There is no event for the next client.
                        thread::sleep(LOOK);
                    }
                    // Closed, or corrupt: nothing that follows can be trusted.
                    _ => return,
                },
            }
        }
    }

    fn stopping(&self) -> bool {
        self.channel.stopping.load(Ordering::Acquire)
    }

    fn answer(&mut self, request: &Frame) {
        if request.sequence() == 1 {
            self.responses = None;
            self.lost = None;
        }
        if self.lost.is_some() {
            return;
        }
        let made = catch_unwind(AssertUnwindSafe(|| (self.handler)(request)));
        let made = made.unwrap_or_else(|_| Err("the handler panicked".into()));
        if !self.respond(request.sequence(), made) {
            self.lost = Some(Instant::now());
        }
    }

    /// Sends a response, or why there is none; says whether the client has one of them.
    fn respond(&mut self, request: u64, made: Result<Vec<u8>, HandlerFailure>) -> bool {
        if self.responses.is_none() {
            self.responses = self.connect();
        }
        let Some(responses) = &self.responses else { return false };
        let failure = match made.and_then(|response| self.send(responses, &response)) {
            Ok(sent) => return sent,
            Err(failure) => failure,
        };
        eprintln!("zerobuffer: channel {:?}: no response to request {request}: {failure}", self.channel.name);
        let mut told = [FAILURE_MARK, failure.to_string().as_bytes()].concat();
        told.truncate(always_fits(responses.ring().payload_size()) as usize);
        if responses.ring().reader_is_ours() {
            return self.send(responses, &told).is_ok_and(|sent| sent);
        }
        if responses.next_sequence() > 1 || responses.set_metadata(NO_RESPONSE).is_ok() {
            self.responses = None;
        }
        false
    }

    /// Says whether the client is still there to read it; fails if it can never be written.
    fn send(&self, responses: &Writer, response: &[u8]) -> Result<bool, HandlerFailure> {
        use ErrorKind as Kind;
        loop {
            let Err(error) = responses.write(response, LOOK) else { return Ok(true) };
            match error.kind() {
                // A client may take its time to read, unless we are to stop.
                Kind::BufferFull { .. } if !self.stopping() => {}
                Kind::InvalidFrameSize { .. } | Kind::FrameTooLarge { .. } | Kind::FrameUnwritable { .. } => {
                    return Err(error.into());
                }
                _ => return Ok(false),
            }
        }
    }

    /// Connects to the response buffer of the client that asked, and not of one that has come after it. The client that
    /// is still connected to the request buffer once the response buffer is open has made both.
    fn connect(&self) -> Option<Writer> {
        let name = response_buffer(&self.channel.name);
        let begin = Instant::now();
        loop {
            match Writer::connect(&name, LOOK) {
                Ok(writer) => {
                    let reader = load(&writer.ring().block().reader_pid);
                    return (self.channel.requests.present_author() == Some(reader)).then_some(writer);
                }
                Err(error) => {
                    let unmade = matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ReaderDead { .. });
                    let waiting = begin.elapsed() < CONNECT_PATIENCE && !self.stopping();
                    let there = matches!(self.channel.requests.writer_state(), Ok(WriterState::Alive));
                    if !(unmade && waiting && there) {
                        return None;
                    }
                    thread::sleep(Duration::from_millis(1));
                }
            }
        }
    }
}

/// Sends requests and receives responses.
pub struct DuplexClient {
    requests: Writer,
    responses: Reader,
    /// The thread that asked for a response first gets it first.
    receiving: FairLock<()>,
}

impl DuplexClient {
    /// Joins a channel; the sizes are those of the response buffer, which belongs to the client.
    pub fn connect(name: &str, config: BufferConfig, timeout: Duration) -> Result<Self, Error> {
        let requests = Writer::connect(&request_buffer(name), timeout)?;
        let responses = Reader::create(&response_buffer(name), config)?;
        Ok(Self { requests, responses, receiving: FairLock::new(()) })
    }

    /// Sends a request without waiting; returns its number, which is that of its response.
    pub fn send(&self, request: &[u8], timeout: Duration) -> Result<u64, Error> {
        self.requests.write(request, timeout)
    }

    /// Returns a place in the ring for a request, which is sent by its commit.
    pub fn acquire(&self, size: u64, timeout: Duration) -> Result<Slot, Error> {
        self.requests.acquire(size, timeout)
    }

    /// Waits for the next response. A `handler_error` stands in its place: the channel goes on.
    pub fn receive(&self, timeout: Duration) -> Result<Frame, Error> {
        let deadline = Deadline::after(timeout);
        let name = self.responses.name();
        let _lock = Error::naming(name, || self.receiving.lock(deadline, || self.responses.usable()))?;
        loop {
            match self.responses.read(deadline.left().min(LOOK)) {
                Err(error) if matches!(error.kind(), ErrorKind::Timeout { .. }) => {
                    // Until the server has connected, its death shows only in the request buffer.
                    self.requests.check_reader()?;
                    if deadline.next_slice().is_none() {
                        return Error::naming(name, || Err(deadline.passed()));
                    }
                }
                Ok(response) if response.starts_with(FAILURE_MARK) => {
                    let text = &response[FAILURE_MARK.len()..];
                    let reason = String::from_utf8_lossy(if text.is_empty() { b"it failed" } else { text });
                    let (request, reason) = (response.sequence(), reason.into_owned());
                    return Error::naming(name, || Err(ErrorKind::Handler { request, reason }));
                }
                done => return done,
            }
        }
    }

    /// Sends one request and waits for its response; nothing else must be outstanding.
    pub fn request(&self, request: &[u8], timeout: Duration) -> Result<Frame, Error> {
        let deadline = Deadline::after(timeout);
        self.send(request, timeout)?;
        self.receive(deadline.left())
    }

    /// Leaves the channel and removes the response buffer.
    pub fn close(&self) {
        self.requests.close();
        self.responses.close();
    }
}
