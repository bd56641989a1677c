//! The library's client of version 5.

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use rumqttc::v5::mqttbytes::v5::{
    ConnAck, ConnectProperties, ConnectReturnCode, Filter, LastWill, LastWillProperties, Packet, PubAck,
    PubRec, Publish, PublishProperties, RetainForwardRule, SubAck, SubscribeReasonCode,
};
use rumqttc::v5::mqttbytes::{qos, QoS};
use rumqttc::v5::{AsyncClient, ConnectionError, Event, EventLoop, MqttOptions, StateError};
use rumqttc::Outgoing;
use serde_json::{json, Value};

use super::link::{bytes, hex, invalid, Arrived, Kind, Known, Link, Ticket};
use super::{Client, Options, CAPACITY, LOOPBACK};
use crate::contract::{Failure, Properties, Subscription};

const LEAST_KEEP_ALIVE: u64 = 5;
const FIRST_FAILURE: u8 = 0x80;

fn level(value: u64) -> Result<QoS, Failure> {
    qos(u8::try_from(value).unwrap_or(u8::MAX)).ok_or_else(|| invalid(format!("there is no QoS {value}")))
}

fn number<T: TryFrom<u64>>(name: &str, value: Option<u64>) -> Result<Option<T>, Failure> {
    let wrong = |_| Failure::Misfit(format!("{name}: {value:?} is too much"));
    value.map(T::try_from).transpose().map_err(wrong)
}

/// Returns a client, and what runs its connection until it ends.
pub fn client(options: &Options, link: &Arc<Link>) -> Result<(Box<dyn Client>, super::Running), Failure> {
    if options.keep_alive < LEAST_KEEP_ALIVE {
        return Err(invalid("Keep alives should be >= 5 secs")); // the library would panic with these words
    }
    let mut made = MqttOptions::new(&options.client_id, LOOPBACK, options.port);
    made.set_keep_alive(Duration::from_secs(options.keep_alive))
        .set_clean_start(options.clean)
        .set_connection_timeout(options.seconds());
    if options.session_expiry.is_some() || options.receive_maximum.is_some() {
        let mut properties = ConnectProperties::new();
        properties.session_expiry_interval = number("session_expiry", options.session_expiry)?;
        properties.receive_maximum = number("receive_maximum", options.receive_maximum)?;
        made.set_connect_properties(properties);
    }
    if let Some(will) = &options.will {
        let delay_interval = number("will.delay", will.delay)?;
        let properties = will.delay.map(|_| LastWillProperties {
            delay_interval,
            payload_format_indicator: None,
            message_expiry_interval: None,
            content_type: None,
            response_topic: None,
            correlation_data: None,
            user_properties: vec![],
        });
        let payload = bytes("will.payload", &will.payload)?;
        made.set_last_will(LastWill::new(&will.topic, payload, level(will.qos)?, will.retain, properties));
    }
    let (client, events) = AsyncClient::new(made, CAPACITY);
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
    let mut reason = None;
    match &error {
        ConnectionError::ConnectionRefused(code) => known.connack(false, connect_reason(*code)),
        ConnectionError::MqttState(StateError::ServerDisconnect { reason_code, .. }) => {
            reason = Some(*reason_code as u8);
        }
        _ => {}
    }
    known.end(error.to_string(), reason);
}

fn note(known: &mut Known, event: Event) {
    match event {
        Event::Outgoing(Outgoing::Publish(id)) => known.sent(Kind::Publish, id),
        Event::Outgoing(Outgoing::Subscribe(id)) => known.sent(Kind::Subscribe, id),
        Event::Outgoing(Outgoing::Unsubscribe(id)) => known.sent(Kind::Unsubscribe, id),
        Event::Incoming(Packet::ConnAck(packet)) => {
            known.connack(packet.session_present, connect_reason(packet.code));
        }
        Event::Incoming(Packet::PubAck(packet)) => {
            let reason = publish_reason(|buffer| PubAck { properties: None, ..packet.clone() }.write(buffer));
            known.answered(Kind::Publish, packet.pkid, json!(reason));
        }
        Event::Incoming(Packet::PubRec(packet)) => {
            let reason = publish_reason(|buffer| PubRec { properties: None, ..packet.clone() }.write(buffer));
            if reason >= FIRST_FAILURE {
                known.answered(Kind::Publish, packet.pkid, json!(reason));
            } else {
                known.half_answered(packet.pkid, json!(reason));
            }
        }
        Event::Incoming(Packet::PubComp(packet)) => known.complete(packet.pkid),
        Event::Incoming(Packet::UnsubAck(packet)) => {
            known.answered(Kind::Unsubscribe, packet.pkid, Value::Null);
        }
        Event::Incoming(Packet::SubAck(packet)) => {
            let reasons: Vec<u8> = packet.return_codes.into_iter().map(subscribe_reason).collect();
            known.answered(Kind::Subscribe, packet.pkid, json!(reasons));
        }
        Event::Incoming(Packet::Publish(packet)) => arrived(known, &packet),
        _ => {}
    }
}

fn arrived(known: &mut Known, packet: &Publish) {
    let properties = packet.properties.as_ref().map(|given| {
        json!({
            "expiry": given.message_expiry_interval,
            "content_type": given.content_type,
            "response_topic": given.response_topic,
            "correlation": given.correlation_data.as_ref().map(|data| hex(data)),
            "user": given.user_properties,
        })
    });
    known.arrived(Arrived {
        topic: &String::from_utf8_lossy(&packet.topic),
        payload: &packet.payload,
        qos: packet.qos as u8,
        retain: packet.retain,
        dup: packet.dup,
        properties,
    });
}

// The library has names for reasons, and no numbers: but it knows how to write them.

fn written<E>(write: impl FnOnce(&mut BytesMut) -> Result<usize, E>) -> BytesMut {
    let mut buffer = BytesMut::new();
    let _ = write(&mut buffer);
    buffer
}

fn connect_reason(code: ConnectReturnCode) -> u8 {
    let packet = ConnAck { session_present: false, code, properties: None };
    written(|buffer| packet.write(buffer)).get(3).copied().unwrap_or(u8::MAX)
}

/// Success is not written.
fn publish_reason<E>(write: impl FnOnce(&mut BytesMut) -> Result<usize, E>) -> u8 {
    written(write).get(4).copied().unwrap_or(0)
}

fn subscribe_reason(code: SubscribeReasonCode) -> u8 {
    let packet = SubAck { pkid: 1, return_codes: vec![code], properties: None };
    written(|buffer| packet.write(buffer)).last().copied().unwrap_or(u8::MAX)
}

impl Client for AsyncClient {
    fn subscribe(&self, link: &Link, filters: &[Subscription]) -> Result<Ticket, Failure> {
        let made: Result<Vec<_>, Failure> = filters
            .iter()
            .map(|one| {
                let mut filter = Filter::new(one.filter.clone(), level(one.qos)?);
                filter.nolocal = one.no_local;
                filter.preserve_retain = one.retain_as_published;
                filter.retain_forward_rule = match one.retain_handling {
                    0 => RetainForwardRule::OnEverySubscribe,
                    1 => RetainForwardRule::OnNewSubscribe,
                    _ => RetainForwardRule::Never,
                };
                Ok(filter)
            })
            .collect();
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
        properties: Option<&Properties>,
    ) -> Result<Ticket, Failure> {
        let qos = level(qos)?;
        let Some(given) = properties else {
            return link.ask(Kind::Publish, || self.try_publish(topic, qos, retain, payload));
        };
        let correlation = given.correlation.as_deref().map(|text| bytes("properties.correlation", text));
        let made = PublishProperties {
            message_expiry_interval: number("properties.expiry", given.expiry)?,
            content_type: given.content_type.clone(),
            response_topic: given.response_topic.clone(),
            correlation_data: correlation.transpose()?.map(Into::into),
            user_properties: given.user.iter().map(|one| (one[0].clone(), one[1].clone())).collect(),
            ..Default::default()
        };
        link.ask(Kind::Publish, || self.try_publish_with_properties(topic, qos, retain, payload, made))
    }

    fn disconnect(&self) -> Result<(), Failure> {
        self.try_disconnect().map_err(|error| invalid(error.to_string()))
    }
}
