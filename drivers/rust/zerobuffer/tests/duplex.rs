//! Requests and responses.

mod common;

use std::thread;
use std::time::Duration;

use common::{code, objects, unique, SOON};
use zerobuffer::{BufferConfig, DuplexClient, DuplexServer};

const SIZES: BufferConfig = BufferConfig { metadata_size: 0, payload_size: 8192, mode: 0o600 };

#[test]
fn every_request_is_answered_in_order() {
    let name = unique("order");
    let server = DuplexServer::create(&name, SIZES).expect("a server");
    server.start(|request| request.repeat(2)).expect("the start");
    let client = DuplexClient::connect(&name, SIZES, SOON).expect("a client");
    for size in 1..100 {
        assert_eq!(client.send(&vec![size; usize::from(size)], SOON).expect("a request"), u64::from(size));
        if size % 3 == 0 {
            for earlier in size - 2..=size {
                let response = client.receive(SOON).expect("a response");
                assert_eq!(response[..], vec![earlier; 2 * usize::from(earlier)]);
            }
        }
    }
    let mut slot = client.acquire(3, SOON).expect("a slot");
    slot.copy_from_slice(b"abc");
    slot.commit().expect("the request");
    assert_eq!(client.receive(SOON).expect("a response")[..], *b"abcabc");
    assert_eq!(client.request(b"z", SOON).expect("a response")[..], *b"zz");
    assert_eq!(code(client.receive(Duration::from_millis(5))), "timeout");
    client.close();
    server.close();
    for end in ["request", "response"] {
        assert!(objects(&format!("{name}_{end}")).is_empty());
    }
}

#[test]
fn the_next_client_is_served() {
    let name = unique("clients");
    let server = DuplexServer::create(&name, SIZES).expect("a server");
    server.start(<[u8]>::to_vec).expect("the start");
    for round in 0..3_u8 {
        let client = DuplexClient::connect(&name, SIZES, SOON).expect("a client");
        assert_eq!(client.request(&[round], SOON).expect("a response")[..], [round]);
    }
}

#[test]
fn a_server_that_closes_finishes_what_it_has_begun() {
    let name = unique("closes");
    let server = DuplexServer::create(&name, SIZES).expect("a server");
    server
        .start(|request| {
            thread::sleep(Duration::from_millis(50)); // the work of a slow handler
            request.to_vec()
        })
        .expect("the start");
    let client = DuplexClient::connect(&name, SIZES, SOON).expect("a client");
    client.send(b"one", SOON).expect("a request");
    client.send(b"two", SOON).expect("a request");
    thread::scope(|scope| {
        let waiting =
            scope.spawn(|| (client.receive(SOON).map(|response| response.to_vec()), client.receive(SOON)));
        thread::sleep(Duration::from_millis(20));
        server.close();
        let (first, second) = waiting.join().expect("the client");
        assert_eq!(first.expect("a response"), b"one");
        assert!(["writer_dead", "reader_dead"].contains(&code(second)));
    });
}

#[test]
fn a_handler_without_an_answer_ends_the_channel_of_its_client() {
    let name = unique("no-answer");
    let server = DuplexServer::create(&name, SIZES).expect("a server");
    server.start(|request| if request == b"bad" { Vec::new() } else { request.to_vec() }).expect("the start");
    let client = DuplexClient::connect(&name, SIZES, SOON).expect("a client");
    client.send(b"bad", SOON).expect("a request");
    client.send(b"good", SOON).expect("a request");
    assert_eq!(code(client.receive(SOON)), "writer_dead");
    drop(client);
    let next = DuplexClient::connect(&name, SIZES, SOON).expect("a client");
    assert_eq!(next.request(b"good", SOON).expect("a response")[..], *b"good");
}

#[test]
fn a_server_is_started_once() {
    let name = unique("once");
    let server = DuplexServer::create(&name, SIZES).expect("a server");
    server.start(<[u8]>::to_vec).expect("the start");
    assert_eq!(code(server.start(<[u8]>::to_vec)), "busy");
    assert_eq!(code(DuplexServer::create(&name, SIZES)), "buffer_in_use");
    assert_eq!(code(DuplexClient::connect(&unique("nobody"), SIZES, Duration::ZERO)), "not_found");
}
