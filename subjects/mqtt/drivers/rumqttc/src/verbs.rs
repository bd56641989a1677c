//! rumqttc as a client. It plays no broker, so the verbs of one are not here.

mod link;
mod v4;
mod v5;

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock};

use serde_json::{json, Value};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

use crate::contract::*;
use link::{bytes, invalid, lost, Link, Ticket};

const LOOPBACK: &str = "127.0.0.1";
/// How many packets the library may have taken and not yet sent.
const CAPACITY: usize = 1000;

/// What a client is connected with.
struct Options {
    port: u16,
    client_id: String,
    clean: bool,
    keep_alive: u64,
    will: Option<Will>,
    session_expiry: Option<u64>,
    receive_maximum: Option<u64>,
    timeout: f64,
}

impl Options {
    /// The library's own deadline of the network has whole seconds.
    fn seconds(&self) -> u64 {
        self.timeout.ceil() as u64
    }
}

type Running = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The library's client of one of both versions.
trait Client: Send + Sync {
    fn subscribe(&self, link: &Link, filters: &[Subscription]) -> Result<Ticket, Failure>;
    fn unsubscribe(&self, link: &Link, filter: &str) -> Result<Ticket, Failure>;
    fn publish(
        &self,
        link: &Link,
        topic: &str,
        payload: Vec<u8>,
        qos: u64,
        retain: bool,
        properties: Option<&Properties>,
    ) -> Result<Ticket, Failure>;
    fn disconnect(&self) -> Result<(), Failure>;
}

/// A connection, which ends without DISCONNECT when it is dropped.
struct Connection {
    client: Box<dyn Client>,
    link: Arc<Link>,
    version_5: bool,
    running: JoinHandle<()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.running.abort();
    }
}

/// What this implementation can do.
#[derive(Default)]
pub struct Verbs {
    runtime: OnceLock<Runtime>,
    connection: Mutex<Option<Arc<Connection>>>,
}

impl Unimplemented for Verbs {}

impl Verbs {
    pub const CAPABILITIES: &'static [&'static str] = &["qos2", "v5"];

    /// The connection ends with the process, as one that is lost.
    pub fn close_all(&self) {}

    /// Be as a process that has just started. Result: null.
    pub fn reset(&self, _timeout: f64) -> Answer {
        self.keep(None);
        Ok(json!(null))
    }

    /// Connect a new client and wait for CONNACK; one that was there is gone. It never connects again by
    /// itself. Result: {session_present: flag, reason: natural}.
    #[allow(clippy::too_many_arguments)]
    pub fn connect(
        &self,
        port: i64,
        client_id: String,
        version: u64,
        clean: bool,
        keep_alive: u64,
        will: Option<Will>,
        session_expiry: Option<u64>,
        receive_maximum: Option<u64>,
        timeout: f64,
    ) -> Answer {
        let port = u16::try_from(port).map_err(|error| Failure::Misfit(format!("port: {error}")))?;
        let options =
            Options { port, client_id, clean, keep_alive, will, session_expiry, receive_maximum, timeout };
        let version_5 = version == 5;
        let link = Arc::new(Link::default());
        self.keep(None);
        let (client, run) =
            if version_5 { v5::client(&options, &link)? } else { v4::client(&options, &link)? };
        let running = self.runtime().spawn(run);
        self.keep(Some(Arc::new(Connection { client, link: link.clone(), version_5, running })));
        link.connack(timeout)
    }

    /// Subscribe in one packet; returns the reason of each filter, as SUBACK has it. Result: [natural, …].
    pub fn subscribe(&self, filters: Vec<Subscription>, timeout: f64) -> Answer {
        let connection = self.connection()?;
        let ticket = connection.client.subscribe(&connection.link, &filters)?;
        connection.link.answer(ticket, "SUBACK", timeout)
    }

    /// Unsubscribe in one packet, and wait for UNSUBACK. Result: null.
    ///
    /// The library takes one filter at a time.
    pub fn unsubscribe(&self, filters: Vec<String>, timeout: f64) -> Answer {
        let connection = self.connection()?;
        let [filter] = &filters[..] else {
            return Err(Failure::Lacking("rumqttc unsubscribes from one filter at a time".into()));
        };
        let ticket = connection.client.unsubscribe(&connection.link, filter)?;
        connection.link.answer(ticket, "UNSUBACK", timeout)
    }

    /// Publish the payload, so many times one after the other in a single message. Result: natural or null.
    #[allow(clippy::too_many_arguments)]
    pub fn publish(
        &self,
        topic: String,
        payload: String,
        repeat: u64,
        qos: u64,
        retain: bool,
        wait: bool,
        properties: Option<Properties>,
        timeout: f64,
    ) -> Answer {
        let connection = self.connection()?;
        let whole = bytes("payload", &payload)?.repeat(repeat as usize);
        let client = &connection.client;
        let ticket = client.publish(&connection.link, &topic, whole, qos, retain, properties.as_ref())?;
        if !wait {
            return Ok(Value::Null);
        }
        connection.link.answer(ticket, "acknowledgement", timeout)
    }

    /// Take what has arrived since the last time, in its order: once `count` are there, or none came for so
    /// long.
    pub fn receive(&self, count: u64, quiet: f64, timeout: f64) -> Answer {
        Ok(self.connection()?.link.take(count, quiet, timeout))
    }

    /// Send DISCONNECT and close; in version 5 with reason 4 where the will shall be published. Result: null.
    ///
    /// The library knows no other reason than 0.
    pub fn disconnect(&self, with_will: bool, timeout: f64) -> Answer {
        let connection = self.connection()?;
        if with_will && connection.version_5 {
            return Err(Failure::Lacking("rumqttc's disconnect has no other reason than 0".into()));
        } else if with_will {
            return Err(invalid("a DISCONNECT of 3.1.1 has no reason: ask for version 5"));
        }
        if connection.link.state()["connected"] == false {
            return Err(lost("the connection has ended"));
        }
        connection.client.disconnect()?;
        connection.link.until_ended(timeout)
    }

    /// Return whether the client is connected, as its library says. Result: {connected: flag, reason: natural
    /// or null}.
    pub fn state(&self, _timeout: f64) -> Answer {
        Ok(self.connection().map_or_else(
            |_| json!({ "connected": false, "reason": null }),
            |connection| connection.link.state(),
        ))
    }

    fn runtime(&self) -> &Runtime {
        self.runtime.get_or_init(|| {
            Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime can be made")
        })
    }

    fn connection(&self) -> Result<Arc<Connection>, Failure> {
        let kept = self.connection.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone();
        kept.ok_or_else(|| lost("there is no client: connect one first"))
    }

    fn keep(&self, next: Option<Arc<Connection>>) {
        *self.connection.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = next;
    }
}
