//! Answers each event with its own data.

wit_bindgen::generate!({ path: "../wit", world: "handler" });

use headgate::function::types::Payload;

struct Echo;

impl Guest for Echo {
    fn handle(event: Event, _context: Context) -> Result<Response, Failure> {
        let datacontenttype = event.datacontenttype;
        let reply = event.data.map(|data| Payload { data, datacontenttype, status: None });
        Ok(Response { reply, events: Vec::new() })
    }
}

export!(Echo);
