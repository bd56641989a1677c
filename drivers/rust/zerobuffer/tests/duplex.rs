//! Requests and responses.

mod common;

use std::thread;
use std::time::Duration;

use common::{child, code, field, objects, overwrite, unique, write_by_hand, RELEASED, SOON};
use zerobuffer::{BufferConfig, DuplexClient, DuplexServer, ErrorKind, HandlerFailure, Reader};

const SIZES: BufferConfig = BufferConfig { metadata_size: 0, payload_size: 8192, mode: 0o600 };

#[test]
fn every_request_is_answered_in_order() {
    let name = unique("order");
    let server = DuplexServer::create(&name, SIZES).expect("a server");
    server.start(|request| Ok(request.repeat(2))).expect("the start");
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
    server.start(echo).expect("the start");
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
            Ok(request.to_vec())
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
fn a_handler_without_an_answer_costs_its_client_an_error() {
    let name = unique("no-answer");
    let server = DuplexServer::create(&name, SIZES).expect("a server");
    server.start(faulty).expect("the start");
    for payload_size in [8192, 64] {
        let client =
            DuplexClient::connect(&name, BufferConfig { payload_size, ..SIZES }, SOON).expect("a client");
        for (number, bad) in (1..).step_by(2).zip([&b"fail"[..], b"panic", b"nothing", b"too much"]) {
            let error = client.request(bad, SOON).expect_err("no answer");
            let fits = if payload_size == 64 { "it failed" } else { "F\u{fc}r nichts" };
            match error.kind() {
                ErrorKind::Handler { request, reason } => {
                    assert!(*request == number && (bad != b"fail" || reason == fits), "{error}");
                }
                _ => panic!("{error}"),
            }
            assert_eq!(client.request(b"good", SOON).expect("a response")[..], *b"good");
        }
    }
}

/// It does not know an error from an answer.
#[test]
fn a_client_of_another_implementation_sees_its_server_leave() {
    let name = unique("foreign-client");
    let server = DuplexServer::create(&name, SIZES).expect("a server");
    server.start(faulty).expect("the start");
    for (request, expected) in [(&b"good"[..], "no error"), (b"fail", "writer_dead"), (b"good", "no error")] {
        let responses = Reader::create(&format!("{name}_response"), SIZES).expect("the response buffer");
        let mut client = child();
        let pid = u64::from(client.id()).to_le_bytes();
        overwrite(responses.name(), 88, &pid);
        overwrite(responses.name(), RELEASED, &[0; 8]);
        // It connects and sends before the server has seen it.
        let requests = format!("{name}_request");
        overwrite(&requests, 80, &pid);
        write_by_hand(&requests, field(&requests, "payload_write_pos"), request, 1);
        let received = code(responses.read(SOON));
        overwrite(&requests, 80, &[0; 8]);
        client.kill().expect("the kill");
        client.wait().expect("its end");
        assert_eq!(received, expected);
    }
}

fn faulty(request: &[u8]) -> Result<Vec<u8>, HandlerFailure> {
    match request {
        b"fail" => Err("F\u{fc}r nichts".into()),
        b"panic" => panic!("on purpose"),
        b"nothing" => Ok(Vec::new()),
        b"too much" => Ok(vec![0; 1 << 20]),
        _ => Ok(request.to_vec()),
    }
}

fn echo(request: &[u8]) -> Result<Vec<u8>, HandlerFailure> {
    Ok(request.to_vec())
}

#[test]
fn a_server_is_started_once() {
    let name = unique("once");
    let server = DuplexServer::create(&name, SIZES).expect("a server");
    server.start(echo).expect("the start");
    assert_eq!(code(server.start(echo)), "busy");
    assert_eq!(code(DuplexServer::create(&name, SIZES)), "buffer_in_use");
    assert_eq!(code(DuplexClient::connect(&unique("nobody"), SIZES, Duration::ZERO)), "not_found");
}
