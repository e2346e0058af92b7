//! A handler of `wasi:http` that misbehaves on demand: the event's type says how, its subject how much.

use std::cell::Cell;
use std::hint::black_box;
use wasi::exports::http::incoming_handler::Guest;
use wasi::http::outgoing_handler;
use wasi::http::types::{
    ErrorCode, Fields, IncomingBody, IncomingRequest, Method, OutgoingBody, OutgoingRequest, OutgoingResponse,
    ResponseOutparam, Scheme,
};

struct Hostile;

thread_local! {
    static CALLS: Cell<u32> = const { Cell::new(0) };
}

const MIB: usize = 1 << 20;

impl Guest for Hostile {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let calls = CALLS.with(|calls| {
            calls.set(calls.get() + 1);
            calls.get()
        });
        // As handlers of StarlingMonkey are: no answer to a second request.
        if calls > 1 && std::env::var("ONCE").is_ok() {
            return;
        }
        let kind = header(&request, "ce-type");
        let subject = header(&request, "ce-subject");
        let number = || subject.parse::<u64>().unwrap_or(0);
        match kind.as_str() {
            "trap" => trap(),
            "loop" => loop {
                black_box(0);
            },
            "hoard" => {
                let mut hoard = Vec::new();
                loop {
                    hoard.push(black_box(vec![1u8; MIB]));
                }
            }
            "silent" => {}
            "torn" => {
                let response = OutgoingResponse::new(Fields::new());
                let body = response.body().expect("its first body");
                ResponseOutparam::set(out, Ok(response));
                body.write().expect("its first stream").blocking_write_and_flush(b"half").expect("it is open");
                drop(body);
            }
            "error" => ResponseOutparam::set(out, Err(ErrorCode::InternalError(Some("it gives up".into())))),
            "status" => reply(out, number() as u16, "it says why".as_bytes()),
            "large" => reply(out, 200, &vec![7u8; number() as usize * MIB]),
            // A list whose values all name the same large region of memory.
            "bomb" => {
                let region = vec![b'x'; 8 * MIB].leak();
                let value = || unsafe { Vec::from_raw_parts(region.as_ptr() as *mut u8, region.len(), region.len()) };
                let list: Vec<_> = (0..number()).map(|_| ("x".to_string(), value())).collect();
                let fields = Fields::from_list(&list);
                std::mem::forget(list);
                reply(out, 200, format!("{}", fields.is_ok()).as_bytes());
            }
            "headers" => {
                let fields = Fields::new();
                for index in 0..number() {
                    fields.append(&format!("x-{index}"), b"v").expect("it is a header");
                }
                reply(out, 200, b"set");
            }
            "split" => {
                let split = Fields::new().append("x", b"a\r\nset-cookie: b").is_ok();
                reply(out, 200, format!("{split}").as_bytes());
            }
            // Host resources that are never given back.
            "keep" => {
                for _ in 0..number() {
                    std::mem::forget(Fields::new());
                }
                reply(out, 200, b"kept");
            }
            // As many sets of headers as it says, 200 KiB each, all kept.
            "fields" => {
                let value = vec![b'x'; 200 << 10];
                for _ in 0..number() {
                    let fields = Fields::new();
                    fields.append("x", &value).expect("it is a header");
                    std::mem::forget(fields);
                }
                reply(out, 200, b"kept");
            }
            // As many bodies as it says, a MiB each, none of which is sent.
            "bodies" => {
                for _ in 0..number() {
                    let response = OutgoingResponse::new(Fields::new());
                    let body = response.body().expect("its first body");
                    let stream = body.write().expect("its first stream");
                    for _ in 0..256 {
                        stream.blocking_write_and_flush(&[b'x'; 4_096]).expect("it is open");
                    }
                    drop(stream);
                    std::mem::forget((response, body));
                }
                reply(out, 200, b"kept");
            }
            // Streams that outlive their bodies, and are written to.
            "orphans" => {
                for _ in 0..number() {
                    let response = OutgoingResponse::new(Fields::new());
                    let body = response.body().expect("its first body");
                    let stream = body.write().expect("its first stream");
                    drop(body);
                    drop(response);
                    let open = stream.blocking_write_and_flush(b"more").is_ok();
                    std::mem::forget(stream);
                    if open {
                        return reply(out, 200, b"written");
                    }
                }
                reply(out, 200, b"closed");
            }
            // Texts of a request that no host would send.
            "request" => {
                let long = "x".repeat(number() as usize * MIB);
                let asked = OutgoingRequest::new(Fields::new());
                let set = [
                    asked.set_method(&Method::Other(long.clone())).is_ok(),
                    asked.set_path_with_query(Some(&long)).is_ok(),
                    asked.set_authority(Some(&long)).is_ok(),
                    asked.set_scheme(Some(&Scheme::Other(long))).is_ok(),
                ];
                reply(out, 200, format!("{set:?}").as_bytes());
            }
            "fetch" => {
                let asked = OutgoingRequest::new(Fields::new());
                asked.set_method(&Method::Get).expect("a method");
                asked.set_scheme(Some(&Scheme::Http)).expect("a scheme");
                asked.set_authority(Some("127.0.0.1:9")).expect("an authority");
                asked.set_path_with_query(Some("/")).expect("a path");
                let answer = match outgoing_handler::handle(asked, None) {
                    Ok(_) => "sent".to_string(),
                    Err(code) => format!("{code:?}"),
                };
                reply(out, 200, answer.as_bytes());
            }
            "flood" => {
                for line in 0..number() {
                    eprintln!("line {line} {}", "x".repeat(1_000));
                }
                reply(out, 200, b"flooded");
            }
            "calls" => reply(out, 200, calls.to_string().as_bytes()),
            "env" => {
                let vars = format!("{:?} {}", std::env::vars().collect::<Vec<_>>(), std::fs::read("/etc/passwd").is_ok());
                reply(out, 200, vars.as_bytes());
            }
            _ => {
                let mut lines: Vec<_> = request
                    .headers()
                    .entries()
                    .into_iter()
                    .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(&value)))
                    .collect();
                lines.sort();
                let path = request.path_with_query().unwrap_or_default();
                let first = format!("{:?} {path}", request.method());
                let body = body_of(request);
                reply(out, 200, format!("{first}\n{}\n\n{}", lines.join("\n"), String::from_utf8_lossy(&body)).as_bytes());
            }
        }
    }
}

fn header(request: &IncomingRequest, name: &str) -> String {
    let values = request.headers().get(name);
    values.first().map(|value| String::from_utf8_lossy(value).into_owned()).unwrap_or_default()
}

fn body_of(request: IncomingRequest) -> Vec<u8> {
    let body = request.consume().expect("the first to read it");
    let stream = body.stream().expect("the first to read it");
    let mut bytes = Vec::new();
    while let Ok(part) = stream.blocking_read(1_000) {
        bytes.extend(part);
    }
    drop(stream);
    IncomingBody::finish(body);
    bytes
}

fn reply(out: ResponseOutparam, status: u16, bytes: &[u8]) {
    let headers = [("content-type".to_string(), b"text/plain".to_vec()), ("retry-after".to_string(), b"7".to_vec())];
    let response = OutgoingResponse::new(Fields::from_list(&headers).expect("they are headers"));
    response.set_status_code(status).expect("it is a status");
    let body = response.body().expect("its first body");
    ResponseOutparam::set(out, Ok(response));
    let stream = body.write().expect("its first stream");
    for part in bytes.chunks(4_096) {
        stream.blocking_write_and_flush(part).expect("it is open");
    }
    drop(stream);
    OutgoingBody::finish(body, None).expect("it is whole");
}

fn trap() -> ! {
    core::arch::wasm32::unreachable()
}

wasi::http::proxy::export!(Hostile);
