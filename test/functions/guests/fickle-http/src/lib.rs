//! A handler of `wasi:http` that asks its host for what the words of the event's type say, of the server that its subject
//! names. The last word says how it fails.

use wasi::exports::http::incoming_handler::Guest;
use wasi::http::types::{Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam};

mod asks;
#[path = "../../reach/src/http.rs"]
mod http;

struct Fickle;

impl Guest for Fickle {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        // In every call, of which the first ones warm it up.
        let first = asks::asked("random", "");
        let words = header(&request, "ce-type");
        let told = format!("{first}: {}", asks::asked(&words, &header(&request, "ce-subject")));
        if words.ends_with("trap") {
            eprintln!("{told}");
            std::process::abort()
        }
        reply(out, if words.ends_with("status") { 500 } else { 200 }, told.as_bytes());
    }
}

fn header(request: &IncomingRequest, name: &str) -> String {
    let values = request.headers().get(name);
    values.first().map(|value| String::from_utf8_lossy(value).into_owned()).unwrap_or_default()
}

fn reply(out: ResponseOutparam, status: u16, bytes: &[u8]) {
    let response = OutgoingResponse::new(Fields::new());
    response.set_status_code(status).expect("it is a status");
    let body = response.body().expect("its first body");
    ResponseOutparam::set(out, Ok(response));
    let stream = body.write().expect("its first stream");
    stream.blocking_write_and_flush(bytes).expect("it is open");
    drop(stream);
    OutgoingBody::finish(body, None).expect("it is whole");
}

wasi::http::proxy::export!(Fickle with_types_in wasi);
