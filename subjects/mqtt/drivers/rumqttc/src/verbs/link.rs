//! What is known of one connection: the library's event loop fills it in, and verbs wait for it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use serde_json::{json, Value};
use sha2::{Digest, Sha256};

use crate::contract::{codes, Answer, Failure};

const HEAD_BYTES: usize = 64;

/// What was asked for; numbers of packets are the library's, and known only when it sends them.
pub type Ticket = u64;

/// A message as it has come.
pub struct Arrived<'a> {
    pub topic: &'a str,
    pub payload: &'a [u8],
    pub qos: u8,
    pub retain: bool,
    pub dup: bool,
    pub properties: Option<Value>,
}

/// What a packet is about.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Publish,
    Subscribe,
    Unsubscribe,
}

#[derive(Default)]
pub struct Known {
    connack: Option<Value>,
    connected: bool,
    ended: Option<String>,
    reason: Option<u8>,
    inbox: VecDeque<Value>,
    last: Option<Instant>,
    tickets: Ticket,
    asked: HashMap<Kind, VecDeque<Ticket>>,
    sent: HashMap<(Kind, u16), Ticket>,
    answers: HashMap<Ticket, Value>,
    received: HashMap<u16, Value>,
}

impl Known {
    pub fn connack(&mut self, session_present: bool, reason: u8) {
        self.connack = Some(json!({ "session_present": session_present, "reason": reason }));
        self.connected = reason == 0;
    }

    /// The first cause counts.
    pub fn end(&mut self, cause: String, reason: Option<u8>) {
        self.connected = false;
        self.reason = self.reason.or(reason);
        self.ended.get_or_insert(cause);
    }

    /// The next packet of a kind has been sent, with this number; 0 has none, and no answer will come.
    pub fn sent(&mut self, kind: Kind, id: u16) {
        let ticket = self.asked.entry(kind).or_default().pop_front();
        if let (Some(ticket), 0) = (ticket, id) {
            self.answers.insert(ticket, Value::Null);
        } else if let Some(ticket) = ticket {
            self.sent.insert((kind, id), ticket);
        }
    }

    pub fn answered(&mut self, kind: Kind, id: u16, answer: Value) {
        if let Some(ticket) = self.sent.remove(&(kind, id)) {
            self.answers.insert(ticket, answer);
        }
    }

    /// PUBREC has come; what it says is what the message was answered with, once it is complete.
    pub fn half_answered(&mut self, id: u16, answer: Value) {
        self.received.insert(id, answer);
    }

    pub fn complete(&mut self, id: u16) {
        let answer = self.received.remove(&id).unwrap_or_default();
        self.answered(Kind::Publish, id, answer);
    }

    pub fn arrived(&mut self, one: Arrived) {
        let nothing = json!({
            "expiry": null, "content_type": null, "response_topic": null, "correlation": null, "user": [],
        });
        self.inbox.push_back(json!({
            "topic": one.topic,
            "size": one.payload.len(),
            "head": hex(&one.payload[..one.payload.len().min(HEAD_BYTES)]),
            "sha256": hex(&Sha256::digest(one.payload)),
            "qos": one.qos,
            "retain": one.retain,
            "dup": one.dup,
            "properties": one.properties.unwrap_or(nothing),
        }));
        self.last = Some(Instant::now());
    }
}

#[derive(Default)]
pub struct Link {
    known: Mutex<Known>,
    changed: Condvar,
}

impl Link {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub fn change(&self, change: impl FnOnce(&mut Known)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    /// Hands a packet to the library, whose order is that of the tickets.
    pub fn ask<E: std::fmt::Display>(
        &self,
        kind: Kind,
        hand: impl FnOnce() -> Result<(), E>,
    ) -> Result<Ticket, Failure> {
        let mut known = self.lock();
        if let Some(cause) = &known.ended {
            return Err(lost(cause.clone()));
        }
        hand().map_err(|error| invalid(error.to_string()))?;
        known.tickets += 1;
        let ticket = known.tickets;
        known.asked.entry(kind).or_default().push_back(ticket);
        Ok(ticket)
    }

    pub fn connack(&self, timeout: f64) -> Answer {
        self.wait("CONNACK", timeout, |known| known.connack.clone())
    }

    pub fn answer(&self, ticket: Ticket, what: &str, timeout: f64) -> Answer {
        self.wait(what, timeout, |known| known.answers.remove(&ticket))
    }

    pub fn until_ended(&self, timeout: f64) -> Answer {
        self.wait("end of the connection", timeout, |known| known.ended.as_ref().map(|_| Value::Null))
    }

    fn wait(&self, what: &str, timeout: f64, met: impl Fn(&mut Known) -> Option<Value>) -> Answer {
        let end = Instant::now() + Duration::from_secs_f64(timeout);
        let mut known = self.lock();
        loop {
            if let Some(value) = met(&mut known) {
                return Ok(value);
            }
            let rest = end.saturating_duration_since(Instant::now());
            if let Some(cause) = &known.ended {
                return Err(lost(format!("no {what}: {cause}")));
            } else if rest.is_zero() {
                return Err(lost(format!("no {what} within {timeout} s")));
            }
            known = self.changed.wait_timeout(known, rest).map(|(known, _)| known).expect("no thread panics");
        }
    }

    /// Takes so many messages: once they are there, or none came for so long, or the time is over.
    pub fn take(&self, count: u64, quiet: f64, timeout: f64) -> Value {
        let mut known = self.lock();
        let begin = Instant::now();
        let end = begin + Duration::from_secs_f64(timeout);
        known.last = Some(begin);
        while (known.inbox.len() as u64) < count {
            let calm = known.last.unwrap_or(begin) + Duration::from_secs_f64(quiet);
            let until = if quiet > 0.0 { end.min(calm) } else { end };
            let rest = until.saturating_duration_since(Instant::now());
            if rest.is_zero() {
                break;
            }
            known = self.changed.wait_timeout(known, rest).map(|(known, _)| known).expect("no thread panics");
        }
        let most = known.inbox.len().min(usize::try_from(count).unwrap_or(usize::MAX));
        known.inbox.drain(..most).collect()
    }

    pub fn state(&self) -> Value {
        let known = self.lock();
        json!({ "connected": known.connected, "reason": known.reason })
    }
}

pub fn lost(message: impl Into<String>) -> Failure {
    Failure::refused(codes::LOST, message, json!({}))
}

pub fn invalid(message: impl Into<String>) -> Failure {
    Failure::refused(codes::INVALID, message, json!({}))
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn bytes(name: &str, text: &str) -> Result<Vec<u8>, Failure> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|letter| letter.to_digit(16).map(|digit| digit as u8)).collect();
    match digits {
        Some(digits) if digits.len() % 2 == 0 => {
            Ok(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
        }
        _ => Err(Failure::Misfit(format!("{name}: pairs of hexadecimal digits are expected"))),
    }
}
