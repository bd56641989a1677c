//! The verbs of duplex channels, one function each.

use std::sync::atomic::Ordering;
use std::sync::Arc;
use std::time::Instant;

use serde_json::{json, Value};
use zerobuffer::{DuplexClient, DuplexServer, HandlerFailure};

use crate::params::{wrong, Params};
use crate::patterns::Recipe;
use crate::process;
use crate::rpc::Failure;
use crate::table::{Server, Table, Thing};
use crate::transfer::{blob, Clock};

pub fn serve(table: &Table, params: &Params) -> Result<Value, Failure> {
    let side = DuplexServer::create(params.text("name")?, params.config()?)?;
    table.keep(Thing::Server(Arc::new(Server::new(side)))).map(Value::from)
}

pub fn handle(table: &Table, params: &Params) -> Result<Value, Failure> {
    let (number, delay) = (params.number("handle")?, params.seconds("delay")?);
    let work: fn(&Server, &[u8]) -> Result<Vec<u8>, HandlerFailure> = match params.text("handler")? {
        "echo" => |_, request| Ok(request.to_vec()),
        "double" => |_, request| Ok(request.repeat(2)),
        "xor" => |server, request| Ok(complement(server, request)),
        "faulty" => |server, request| match server.counts().0 % 2 {
            1 => Err("faulty".into()),
            _ => Ok(request.to_vec()),
        },
        _ => return Err(wrong("handler", "one of echo, double, xor and faulty")),
    };
    let server = table.server(number)?;
    // Weak: the thread must not keep a server alive that is forgotten.
    let known = Arc::downgrade(&server);
    server.side.start(move |request| {
        let Some(server) = known.upgrade() else { return Err("the server is closed".into()) };
        if !delay.is_zero() {
            server.ending.wait(delay);
        }
        server.requests.fetch_add(1, Ordering::AcqRel);
        work(&server, request)
    })?;
    Ok(Value::Null)
}

fn complement(server: &Server, request: &[u8]) -> Vec<u8> {
    if process::refuses_change(request) {
        server.refused_changes.fetch_add(1, Ordering::AcqRel);
    }
    request.iter().map(|byte| !byte).collect()
}

pub fn service(table: &Table, params: &Params) -> Result<Value, Failure> {
    let (requests, refused_changes) = table.server(params.number("handle")?)?.counts();
    Ok(json!({ "requests": requests, "refused_changes": refused_changes }))
}

pub fn dial(table: &Table, params: &Params) -> Result<Value, Failure> {
    let client = DuplexClient::connect(params.text("name")?, params.config()?, params.timeout()?)?;
    table.keep(Thing::Client(Arc::new(client))).map(Value::from)
}

pub fn send(table: &Table, params: &Params) -> Result<Value, Failure> {
    let (number, recipe, timeout) =
        (params.number("handle")?, Recipe::of(params, "payload")?, params.timeout()?);
    let in_place = params.flag("in_place")?;
    let (client, content) = (table.client(number)?, recipe.content(0)?);
    if in_place {
        let mut slot = client.acquire(content.len() as u64, timeout)?;
        slot.copy_from_slice(&content);
        slot.commit()?;
    } else {
        client.send(&content, timeout)?;
    }
    Ok(Value::Null)
}

pub fn receive(table: &Table, params: &Params) -> Result<Value, Failure> {
    let response = table.client(params.number("handle")?)?.receive(params.timeout()?)?;
    Ok(blob(&response))
}

pub fn ping(table: &Table, params: &Params) -> Result<Value, Failure> {
    let (number, recipe, timeout) =
        (params.number("handle")?, Recipe::of(params, "payload")?, params.timeout()?);
    let count = params.number("count")?;
    let (client, content, clock) = (table.client(number)?, recipe.content(0)?, Clock::new(timeout));
    let mut trips = Vec::new();
    for _ in 0..count {
        let begin = Instant::now();
        let ended = |error| clock.ended(error, trips.len() as u64, "answers");
        drop(client.request(&content, clock.left()).map_err(ended)?);
        trips.push(begin.elapsed().as_secs_f64());
    }
    Ok(trips.into())
}
