//! Counts what is sold of an article, asks its warehouse how many there were, and emits `stock.low` when few are left.

wit_bindgen::generate!({ path: "../wit", world: "full", generate_all });

#[path = "../../templates/rust/src/kit.rs"]
mod kit;

use kit::{Fail, Store, config, data_of, emit, http, json, log};
use serde_json::json as value;

struct StockWatch;

impl Guest for StockWatch {
    fn handle(event: Event, _context: Context) -> Result<Response, Failure> {
        Ok(sold(&event)?)
    }
}

fn sold(event: &Event) -> Result<Response, Fail> {
    let data = data_of(event)?;
    let Some(article) = data["article"].as_str() else {
        return Err(Fail::validation("SALE_INVALID", "article is missing"));
    };
    let Some(quantity) = data["quantity"].as_i64().filter(|quantity| *quantity > 0) else {
        return Err(Fail::validation("SALE_INVALID", "quantity is not a whole number of 1 or more"));
    };

    let warehouse = config("warehouse")?.unwrap_or_default();
    let answer = http::get(&format!("{warehouse}/stock/{article}"))?;
    if answer.status == 404 {
        return Err(Fail::validation("NO_SUCH_ARTICLE", &format!("the warehouse has no \"{article}\"")));
    }
    let there = answer.ok()?.json()?["there"].as_i64().unwrap_or(0);

    // Last, so that what is tried again before this is counted once.
    let sold = Store::open("sold")?.increment(article, quantity)?;
    let left = there - sold;
    let mut response = json(&value!({ "article": article, "left": left }));
    if left <= config("low")?.and_then(|low| low.parse().ok()).unwrap_or(5) {
        log::warn(&format!("{left} left of {article}"));
        let (id, low) = (format!("{}/low", event.id), value!({ "article": article, "left": left }));
        response.events.push(emit("/functions/stock-watch", "stock.low", &id, &low));
    }
    Ok(response)
}

export!(StockWatch);
