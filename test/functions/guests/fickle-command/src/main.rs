//! A program that asks its host for what the words of the event's type say, of the server that its subject names. The last
//! word says how it ends.

#[path = "../../fickle-http/src/asks.rs"]
mod asks;
#[path = "../../reach/src/http.rs"]
mod http;

fn main() {
    let input = std::io::read_to_string(std::io::stdin()).unwrap_or_default();
    let words = field(&input, "type");
    let told = asks::asked(words, field(&input, "subject"));
    if words.ends_with("trap") {
        eprintln!("{told}");
        std::process::abort()
    }
    if words.ends_with("exit") {
        eprintln!("{told}");
        std::process::exit(1)
    }
    print!("{told}");
}

/// The text of a member of the event: enough for what the tests send.
fn field<'a>(json: &'a str, name: &str) -> &'a str {
    let Some((_, rest)) = json.split_once(&format!("\"{name}\":\"")) else { return "" };
    rest.split('"').next().unwrap_or("")
}
