//! Counts the words of an event's data. Made by the tools of the Bytecode Alliance, of the interface alone: no kit.

wit_bindgen::generate!({ path: "../../../../functions/wit", world: "handler" });

use headgate::function::types::{Body, Fault, FaultKind, Payload};

struct WordCount;

impl Guest for WordCount {
    fn handle(event: Event, context: Context) -> Result<Response, Failure> {
        let Some(Body::Text(text)) = event.data else {
            let message = format!("{} has no text", event.id);
            return Err(Failure::Reject(Fault { kind: FaultKind::Validation, code: "NO_TEXT".into(), message }));
        };
        let words = text.split_whitespace().count();
        let data = Body::Text(format!("{{\"words\":{words},\"attempt\":{}}}", context.attempt));
        let reply = Payload { data, datacontenttype: Some("application/json".into()), status: None };
        Ok(Response { reply: Some(reply), events: Vec::new() })
    }
}

export!(WordCount);
