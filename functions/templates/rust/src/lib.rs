//! Greets whoever the data name: `{ "name": "Ada" }` is answered with `{ "greeting": "Hello, Ada!" }`.

mod kit;

wit_bindgen::generate!({ path: "wit", world: "full", generate_all });

use kit::{data_of, json, Fail};
use serde_json::json as value;

struct Function;

impl Guest for Function {
    fn handle(event: Event, _context: Context) -> Result<Response, Failure> {
        Ok(greet(&event)?)
    }
}

fn greet(event: &Event) -> Result<Response, Fail> {
    let data = data_of(event)?;
    match data["name"].as_str() {
        Some(name) if !name.is_empty() => Ok(json(&value!({ "greeting": format!("Hello, {name}!") }))),
        _ => Err(Fail::validation("NAME_MISSING", "name is missing")),
    }
}

export!(Function);
