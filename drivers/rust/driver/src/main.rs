//! Performs the verbs of the driver contract on the Rust implementation of ZeroBuffer: requests come over stdin,
//! answers go to stdout, which belongs to them alone.
//!
//! `zerobuffer-driver [USER]`: the number of the user and group to become, if any.

mod channels;
mod crc32;
mod dispatcher;
mod event;
mod framing;
mod introduction;
mod jobs;
mod params;
mod patterns;
mod process;
mod rpc;
mod table;
mod transfer;
mod verbs;

use std::io::{self, Read, Write};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use dispatcher::Dispatcher;
use framing::{Decoder, Item};
use rpc::Incoming;

/// Writes answers, one at a time.
struct Answers(Mutex<io::Stdout>);

impl Answers {
    fn send(&self, answer: &serde_json::Value) {
        let message = framing::encode(answer.to_string().as_bytes());
        let mut out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A reader that is gone is no error: the end of stdin follows.
        let _ = out.write_all(&message).and_then(|()| out.flush());
    }
}

fn main() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("zerobuffer-driver: {error}");
            ExitCode::from(3)
        }
    }
}

fn start() -> Result<(), String> {
    if let Some(user) = std::env::args().nth(1) {
        let user = user.parse().map_err(|_| format!("the number of a user is expected, not {user:?}"))?;
        process::become_user(user).map_err(|error| format!("could not become user {user}: {error}"))?;
    }
    process::die_with_parent().map_err(|error| format!("could not ask to die with the parent: {error}"))?;
    let termination =
        process::Termination::block().map_err(|error| format!("could not block SIGTERM: {error}"))?;
    let dispatcher = Arc::new(Dispatcher::default());
    let watched = Arc::clone(&dispatcher);
    thread::Builder::new()
        .name("termination".into())
        .spawn(move || {
            termination.wait();
            watched.end();
            std::process::exit(0);
        })
        .map_err(|error| format!("could not start a thread: {error}"))?;
    let served = serve(&dispatcher, io::stdin().lock());
    dispatcher.end();
    served.map_err(|error| format!("could not read from stdin: {error}"))
}

/// Performs requests, each in a thread of its own, until the source ends.
fn serve(dispatcher: &Arc<Dispatcher>, mut source: impl Read) -> io::Result<()> {
    let answers = Arc::new(Answers(Mutex::new(io::stdout())));
    let mut decoder = Decoder::default();
    let mut chunk = vec![0; 1 << 16];
    loop {
        let length = match source.read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        decoder.feed(&chunk[..length]);
        while let Some(item) = decoder.next() {
            match item {
                Item::Fault(cause) => answers.send(&rpc::parse_error(&cause)),
                Item::Body(body) => match rpc::decode(&body) {
                    Incoming::Request(request) => perform(dispatcher, &answers, request),
                    Incoming::Malformed(answer) => answers.send(&answer),
                    Incoming::Ignored => {}
                },
            }
        }
    }
}

fn perform(dispatcher: &Arc<Dispatcher>, answers: &Arc<Answers>, request: rpc::Request) {
    let id = request.id.clone();
    let job = dispatcher.jobs.begin(id.clone(), &request.method);
    let (its_dispatcher, its_answers) = (Arc::clone(dispatcher), Arc::clone(answers));
    let started = thread::Builder::new().name(request.method.clone()).spawn(move || {
        let verb = &request.method;
        let work = AssertUnwindSafe(|| its_dispatcher.perform(&job, verb, request.params));
        let outcome = catch_unwind(work).unwrap_or_else(|_| Err(rpc::Failure::bug(verb)));
        job.done();
        its_answers.send(&rpc::answer(&request.id, outcome));
        drop(job);
    });
    if let Err(error) = started {
        let failure =
            rpc::Failure::driver("resource_exhausted", format!("could not start a thread: {error}"));
        answers.send(&rpc::answer(&id, Err(failure)));
    }
}
