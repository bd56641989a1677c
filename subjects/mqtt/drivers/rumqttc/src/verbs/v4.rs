//! The library's client of version 3.1.1.

use std::sync::Arc;
use std::time::Duration;

use rumqttc::{
    qos, AsyncClient, ConnectionError, Event, EventLoop, LastWill, MqttOptions, Outgoing, Packet, QoS,
    SubscribeFilter, SubscribeReasonCode,
};
use serde_json::{json, Value};

use super::link::{bytes, invalid, Arrived, Kind, Known, Link, Ticket};
use super::{Client, Options, CAPACITY, LOOPBACK};
use crate::contract::{Failure, Properties, Subscription};

fn level(value: u64) -> Result<QoS, Failure> {
    qos(u8::try_from(value).unwrap_or(u8::MAX)).map_err(|error| invalid(error.to_string()))
}

/// Returns a client, and what runs its connection until it ends.
pub fn client(options: &Options, link: &Arc<Link>) -> Result<(Box<dyn Client>, super::Running), Failure> {
    if options.client_id.is_empty() && !options.clean {
        return Err(invalid("the library takes no client without a name and with a session to keep"));
    }
    let mut made = MqttOptions::new(&options.client_id, LOOPBACK, options.port);
    made.set_keep_alive(Duration::from_secs(options.keep_alive)).set_clean_session(options.clean);
    if let Some(will) = &options.will {
        let payload = bytes("will.payload", &will.payload)?;
        made.set_last_will(LastWill::new(&will.topic, payload, level(will.qos)?, will.retain));
    }
    let (client, mut events) = AsyncClient::new(made, CAPACITY);
    events.network_options.set_connection_timeout(options.seconds());
    Ok((Box::new(client), Box::pin(run(events, link.clone()))))
}

async fn run(mut events: EventLoop, link: Arc<Link>) {
    loop {
        match events.poll().await {
            Ok(Event::Outgoing(Outgoing::Disconnect)) => {
                return link.change(|known| known.end("it was disconnected".into(), None));
            }
            Ok(event) => link.change(|known| note(known, event)),
            Err(error) => return link.change(|known| failed(known, error)),
        }
    }
}

fn failed(known: &mut Known, error: ConnectionError) {
    if let ConnectionError::ConnectionRefused(code) = &error {
        known.connack(false, *code as u8); // of a refusal the library hides the flag, which must be 0 then
    }
    known.end(error.to_string(), None);
}

fn note(known: &mut Known, event: Event) {
    match event {
        Event::Outgoing(Outgoing::Publish(id)) => known.sent(Kind::Publish, id),
        Event::Outgoing(Outgoing::Subscribe(id)) => known.sent(Kind::Subscribe, id),
        Event::Outgoing(Outgoing::Unsubscribe(id)) => known.sent(Kind::Unsubscribe, id),
        Event::Incoming(Packet::ConnAck(packet)) => known.connack(packet.session_present, packet.code as u8),
        Event::Incoming(Packet::PubAck(packet)) => known.answered(Kind::Publish, packet.pkid, Value::Null),
        Event::Incoming(Packet::PubComp(packet)) => known.complete(packet.pkid),
        Event::Incoming(Packet::UnsubAck(packet)) => {
            known.answered(Kind::Unsubscribe, packet.pkid, Value::Null)
        }
        Event::Incoming(Packet::SubAck(packet)) => {
            let reasons: Vec<u8> = packet.return_codes.iter().map(reason).collect();
            known.answered(Kind::Subscribe, packet.pkid, json!(reasons));
        }
        Event::Incoming(Packet::Publish(packet)) => known.arrived(Arrived {
            topic: &packet.topic,
            payload: &packet.payload,
            qos: packet.qos as u8,
            retain: packet.retain,
            dup: packet.dup,
            properties: None,
        }),
        _ => {}
    }
}

fn reason(code: &SubscribeReasonCode) -> u8 {
    match code {
        SubscribeReasonCode::Success(qos) => *qos as u8,
        SubscribeReasonCode::Failure => 0x80,
    }
}

impl Client for AsyncClient {
    fn subscribe(&self, link: &Link, filters: &[Subscription]) -> Result<Ticket, Failure> {
        let made: Result<Vec<_>, Failure> =
            filters.iter().map(|one| Ok(SubscribeFilter::new(one.filter.clone(), level(one.qos)?))).collect();
        let made = made?;
        link.ask(Kind::Subscribe, || self.try_subscribe_many(made))
    }

    fn unsubscribe(&self, link: &Link, filter: &str) -> Result<Ticket, Failure> {
        link.ask(Kind::Unsubscribe, || self.try_unsubscribe(filter))
    }

    fn publish(
        &self,
        link: &Link,
        topic: &str,
        payload: Vec<u8>,
        qos: u64,
        retain: bool,
        _properties: Option<&Properties>,
    ) -> Result<Ticket, Failure> {
        let qos = level(qos)?;
        link.ask(Kind::Publish, || self.try_publish(topic, qos, retain, payload))
    }

    fn disconnect(&self) -> Result<(), Failure> {
        self.try_disconnect().map_err(|error| invalid(error.to_string()))
    }
}
