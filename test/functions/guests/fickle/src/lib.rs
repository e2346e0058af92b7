//! A guest that fails because of what it is given while it runs: the event's type says of what, and its last line says
//! what that was.

wit_bindgen::generate!({ path: "../../../../functions/wit", world: "full", generate_all });

use headgate::function::messaging::{self, Message};
use headgate::function::types::{Body, Payload};
use std::cell::Cell;
use std::collections::HashMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use crate::wasi::config::store as config;
use crate::wasi::keyvalue::store;

struct Fickle;

/// Says why, in one line, and traps.
macro_rules! fail {
    ($($text:tt)*) => {{
        eprintln!($($text)*);
        std::process::abort()
    }};
}

thread_local! {
    static CALLS: Cell<u32> = const { Cell::new(0) };
}

/// The order of a map in Rust hangs on random numbers.
#[inline(never)]
fn order() -> String {
    let map: HashMap<u32, ()> = (0..20).map(|key| (key, ())).collect();
    map.keys().map(u32::to_string).collect::<Vec<_>>().join(" ")
}

#[inline(never)]
fn clock() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_millis())
}

fn stored(subject: &str, data: &[u8]) -> Result<String, String> {
    let bucket = store::open(subject).map_err(|error| format!("{error:?}"))?;
    let value = bucket.get("key").map_err(|error| format!("{error:?}"))?;
    bucket.set("key", data).map_err(|error| format!("{error:?}"))?;
    Ok(value.map_or("nothing".into(), |bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

impl Guest for Fickle {
    fn handle(event: Event, _context: Context) -> Result<Response, Failure> {
        let calls = CALLS.with(|calls| {
            calls.set(calls.get() + 1);
            calls.get()
        });
        let subject = event.subject.unwrap_or_default();
        let data = match event.data {
            Some(Body::Text(text)) => text.into_bytes(),
            Some(Body::Binary(bytes)) => bytes,
            None => Vec::new(),
        };
        match event.type_.as_str() {
            "clock" => fail!("at {}", clock()),
            "random" => fail!("in the order {}", order()),
            "both" => fail!("at {} in the order {} at {}", clock(), order(), clock()),
            "config" => fail!("told {:?}", config::get(&subject)),
            "stored" => fail!("found {:?}", stored(&subject, &data)),
            "publish" => {
                let message = Message { topic: subject, data: Body::Binary(data), datacontenttype: None };
                fail!("published {:?}", messaging::publish(&message))
            }
            "file" => {
                let found = std::fs::read_to_string("/data/a.txt");
                let wrote = std::fs::write("/data/b.txt", data);
                let length = std::fs::metadata("/data/b.txt").map(|known| (known.len(), known.is_file()));
                fail!("found {found:?}, wrote {wrote:?}: {length:?}")
            }
            "sleep" => {
                let begun = Instant::now();
                std::thread::sleep(Duration::from_millis(300));
                fail!("after {:?}", begun.elapsed())
            }
            // Asks the more often the longer it runs.
            "thirst" => loop {
                if clock() == 0 {
                    fail!("no time");
                }
                if order().len() == 0 {
                    fail!("no order");
                }
                std::hint::black_box(());
                if CALLS.with(|calls| calls.replace(calls.get() + 1)) > 20_000 {
                    fail!("enough")
                }
            },
            // Waits for a time that never comes.
            "spin" => loop {
                if clock() == 0 {
                    fail!("no time");
                }
            },
            "third" if calls >= 3 => fail!("call {calls}"),
            "even" if clock() % 2 == 0 => fail!("even"),
            _ => {
                let data = Body::Text(format!("{calls}"));
                Ok(Response { reply: Some(Payload { data, datacontenttype: None, status: None }), events: Vec::new() })
            }
        }
    }
}

export!(Fickle);
