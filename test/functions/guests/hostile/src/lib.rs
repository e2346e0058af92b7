//! A guest that misbehaves on demand: the event's type says how.

wit_bindgen::generate!({ path: "../../../../functions/wit", world: "handler" });

#[path = "../../hostile-program/src/files.rs"]
mod files;

use headgate::function::log::{Level, log};
use headgate::function::types::{Body, Fault, FaultKind, Payload, Retry};
use std::cell::Cell;
use std::hint::black_box;
use std::time::{Duration, Instant};

struct Hostile;

thread_local! {
    static CALLS: Cell<u32> = const { Cell::new(0) };
}

const MIB: usize = 1 << 20;

impl Guest for Hostile {
    fn handle(event: Event, context: Context) -> Result<Response, Failure> {
        let calls = CALLS.with(|calls| {
            calls.set(calls.get() + 1);
            calls.get()
        });
        let number = || event.subject.as_deref().and_then(|text| text.parse().ok()).unwrap_or(0u64);
        match event.type_.as_str() {
            "echo" => {
                let Event { data, datacontenttype, .. } = event;
                let reply = data.map(|data| Payload { data, datacontenttype, status: Some(201) });
                Ok(Response { reply, events: Vec::new() })
            }
            "trap" => unsafe { std::hint::black_box(trap)() },
            "panic" => panic!("the guest panics"),
            "loop" => loop {
                black_box(0);
            },
            // Busy for so many milliseconds.
            "spin" => {
                let start = Instant::now();
                while start.elapsed() < Duration::from_millis(number()) {}
                text("spun")
            }
            "sleep" => {
                std::thread::sleep(Duration::from_millis(number()));
                text("slept")
            }
            "hoard" => {
                let mut hoard = Vec::new();
                loop {
                    hoard.push(black_box(vec![1u8; MIB]));
                }
            }
            // Takes so many MiB and gives them back to its allocator.
            "use" => {
                black_box(vec![1u8; number() as usize * MIB]);
                text("used")
            }
            "keep" => {
                std::mem::forget(black_box(vec![1u8; number() as usize * MIB]));
                text("kept")
            }
            "stack" => text(&deeper(1).to_string()),
            "frames" => text(&larger(1).to_string()),
            "exit" => std::process::exit(number() as i32),
            "print" => {
                println!("to stdout");
                eprintln!("to stderr");
                print!("without a newline");
                std::io::Write::flush(&mut std::io::stdout()).ok();
                log(Level::Debug, "to the log");
                text("printed")
            }
            "flood" => {
                for line in 0..number() {
                    println!("line {line} {}", "x".repeat(80));
                    log(Level::Info, &"y".repeat(100_000));
                }
                text("flooded")
            }
            "bomb" => Ok(Response { reply: None, events: bomb(number() as usize) }),
            "large" => Ok(Response {
                reply: Some(Payload {
                    data: Body::Binary(vec![7; number() as usize * MIB]),
                    datacontenttype: None,
                    status: None,
                }),
                events: Vec::new(),
            }),
            "events" => Ok(Response { reply: None, events: (0..number()).map(emitted).collect() }),
            "nameless" => {
                let nameless = Event { id: String::new(), ..emitted(0) };
                Ok(Response { reply: None, events: vec![nameless] })
            }
            "calls" => text(&calls.to_string()),
            "env" => text(&format!("{:?} {:?}", std::env::vars().collect::<Vec<_>>(), std::env::args().collect::<Vec<_>>())),
            "files" => text(&format!("{:?} {:?}", std::fs::read("/etc/passwd").is_ok(), std::fs::read_dir(".").is_ok())),
            "file" => text(&files::run(event.subject.as_deref().unwrap_or(""))),
            "sockets" => text(&format!(
                "{:?} {:?} {:?} {:?}",
                std::net::TcpStream::connect(event.subject.as_deref().unwrap_or("127.0.0.1:9")).is_ok(),
                std::net::TcpListener::bind("127.0.0.1:0").is_ok(),
                std::net::UdpSocket::bind("127.0.0.1:0").is_ok(),
                std::net::ToSocketAddrs::to_socket_addrs("localhost:80").is_ok()
            )),
            // Names that every object has, where names of its own choice go.
            "proto" => {
                let names = ["__proto__", "constructor", "toString"];
                let extensions = names.iter().map(|name| (name.to_string(), "polluted".to_string())).collect();
                Ok(Response { reply: None, events: vec![Event { extensions, ..emitted(0) }] })
            }
            // Lines that look like others.
            "inject" => {
                let forged = "{\"level\":\"error\",\"msg\":\"forged\"}";
                println!("one\r{forged}\u{1b}[2K\u{1b}[31m");
                log(Level::Info, &format!("two\n{forged}\r\n{forged}\u{9b}31m\u{202e}\0"));
                text("injected")
            }
            "line" => {
                log(Level::Info, &"z".repeat(number() as usize));
                text("written")
            }
            "network" => text(&format!("{}", std::net::TcpStream::connect("127.0.0.1:9").is_ok())),
            "context" => text(&format!(
                "{} {} {} {} {} {:?} {:?}",
                context.call_id,
                context.function,
                context.version,
                context.attempt,
                context.deadline_ms > 0,
                context.user.is_some(),
                context.parameters
            )),
            "event" => text(&format!(
                "{:?} {:?} {:?} {:?} {:?} {:?}",
                event.id, event.source, event.time, event.dataschema, event.extensions, event.data
            )),
            "status" => Ok(Response {
                reply: Some(Payload {
                    data: Body::Text("teapot".into()),
                    datacontenttype: Some("text/plain".into()),
                    status: Some(418),
                }),
                events: Vec::new(),
            }),
            // Words of a failure, so many MiB of them.
            "loud" => {
                let words = "w".repeat(number() as usize * MIB);
                Err(Failure::Reject(Fault { kind: FaultKind::Business, code: words.clone(), message: words }))
            }
            "moan" => Err(Failure::Retry(Retry { message: "m".repeat(number() as usize * MIB), after_ms: None })),
            // A reply whose content type the data say.
            "typed" => Ok(Response {
                reply: Some(Payload {
                    data: Body::Text("typed".into()),
                    datacontenttype: match event.data {
                        Some(Body::Text(text)) => Some(text),
                        _ => None,
                    },
                    status: Some(200),
                }),
                events: Vec::new(),
            }),
            // An event each attribute of which would be two lines of a header.
            "split" => {
                let split = |name: &str| format!("{name}\r\nx-injected: yes");
                Ok(Response {
                    reply: None,
                    events: vec![Event {
                        id: split("id"),
                        source: split("/source"),
                        type_: event.subject.map_or_else(|| split("a.type"), |_| "hostile.whole".into()),
                        subject: Some(split("subject")),
                        datacontenttype: Some(split("text/plain")),
                        dataschema: Some(split("schema")),
                        extensions: vec![("traceid".into(), split("trace"))],
                        ..emitted(0)
                    }],
                })
            }
            "retry" => Err(Failure::Retry(Retry { message: "not yet".into(), after_ms: Some(number()) })),
            "reject" => Err(Failure::Reject(Fault {
                kind: FaultKind::Validation,
                code: "BAD_ORDER".into(),
                message: "no items".into(),
            })),
            _ => Ok(Response { reply: None, events: Vec::new() }),
        }
    }
}

fn text(text: &str) -> Result<Response, Failure> {
    let reply = Payload { data: Body::Text(text.into()), datacontenttype: None, status: None };
    Ok(Response { reply: Some(reply), events: Vec::new() })
}

unsafe fn trap() -> ! {
    core::arch::wasm32::unreachable()
}

/// Runs out of the engine's stack.
fn deeper(depth: u64) -> u64 {
    let again = black_box(deeper as fn(u64) -> u64);
    again(depth + 1).wrapping_mul(3) + depth
}

/// Runs out of the stack that Rust keeps in linear memory.
#[allow(unconditional_recursion)]
fn larger(depth: u64) -> u64 {
    let frame = black_box([depth; 512]);
    frame[0] + larger(depth + 1) + frame[511]
}

fn emitted(number: u64) -> Event {
    Event {
        id: number.to_string(),
        source: "/hostile".into(),
        type_: "hostile.emitted".into(),
        subject: None,
        time: None,
        datacontenttype: Some("text/plain".into()),
        dataschema: None,
        extensions: vec![("traceid".into(), "abc".into())],
        data: Some(Body::Text("emitted".into())),
    }
}

/// Events whose ids all name the same large region of memory: small in the guest, huge for a host that copies each.
fn bomb(count: usize) -> Vec<Event> {
    let region = vec![b'x'; 8 * MIB].leak();
    (0..count)
        .map(|_| {
            let id = unsafe { String::from_raw_parts(region.as_mut_ptr(), region.len(), region.len()) };
            Event { id, ..emitted(0) }
        })
        .collect()
}

export!(Hostile);
