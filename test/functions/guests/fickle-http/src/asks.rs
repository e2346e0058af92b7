//! What the words of a text ask for, told in one line: all of it may be something else the next time.

mod imports {
    wit_bindgen::generate!({
        inline: "
            package test:fickle;
            world asks {
                import headgate:function/messaging@0.1.0;
                import wasi:config/store@0.2.0-rc.1;
                import wasi:keyvalue/store@0.2.0-draft2;
            }",
        path: "../../../../functions/wit",
        world: "test:fickle/asks",
        generate_all,
    });
}

use crate::http;
use imports::headgate::function::messaging::{self, Message};
use imports::headgate::function::types::Body;
use imports::wasi::config::store as config;
use imports::wasi::keyvalue::store;
use std::collections::HashMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use wasi::clocks::monotonic_clock::subscribe_duration;
use wasi::http::outgoing_handler::handle;
use wasi::http::types::{Fields, OutgoingRequest, Scheme};
use wasi::io::poll::poll;

fn shown<E: std::fmt::Debug>(error: E) -> String {
    format!("{error:?}")
}

/// The order of a map in Rust hangs on random numbers.
fn order() -> String {
    let map: HashMap<u32, ()> = (0..10).map(|key| (key, ())).collect();
    map.keys().map(u32::to_string).collect()
}

fn clock() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_millis())
}

/// Reads what a key holds, and writes something else there.
fn stored() -> Result<String, String> {
    let bucket = store::open("things").map_err(shown)?;
    let value = bucket.get("key").map_err(shown)?;
    bucket.set("key", b"written").map_err(shown)?;
    Ok(value.map_or("nothing".into(), |bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

fn published() -> Result<(), String> {
    let message = Message { topic: "orders/new".into(), data: Body::Text("new".into()), datacontenttype: None };
    messaging::publish(&message).map_err(shown)
}

/// How often a short time was over before the response was there.
fn raced(authority: &str) -> Result<String, String> {
    let request = OutgoingRequest::new(Fields::new());
    request.set_scheme(Some(&Scheme::Http)).map_err(shown)?;
    request.set_authority(Some(authority)).map_err(shown)?;
    request.set_path_with_query(Some("/raced")).map_err(shown)?;
    let future = handle(request, None).map_err(shown)?;
    let response = future.subscribe();
    let mut times = 0;
    while !poll(&[&response, &subscribe_duration(5_000_000)]).contains(&0) {
        times += 1;
    }
    let status = future.get().ok_or("not there")?.map_err(|()| "taken")?.map_err(shown)?.status();
    Ok(format!("{status} after {times}"))
}

fn slept(ms: u64) -> String {
    let begun = Instant::now();
    std::thread::sleep(Duration::from_millis(ms));
    shown(begun.elapsed())
}

fn told(word: &str, authority: &str) -> String {
    match word {
        "clock" => clock().to_string(),
        "random" => order(),
        "config" => shown(config::get("rate")),
        "kv" => shown(stored()),
        "http" => shown(http::send("post", &format!("http://{authority}/asked"), b"sent")),
        "race" => shown(raced(authority)),
        "publish" => shown(published()),
        "sleep" => slept(20),
        "rest" => slept(60_000),
        "loop" => loop {
            std::hint::black_box(0);
        },
        _ => String::new(),
    }
}

/// `words` are parted by points.
pub fn asked(words: &str, authority: &str) -> String {
    words.split('.').map(|word| format!("{word} {}", told(word, authority))).collect::<Vec<_>>().join(", ")
}
