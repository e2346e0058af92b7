//! A program that fails because of what it is given while it runs; its last line says what that was.

use std::collections::HashMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

fn main() {
    let map: HashMap<u32, ()> = (0..20).map(|key| (key, ())).collect();
    let order = map.keys().map(u32::to_string).collect::<Vec<_>>().join(" ");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_millis());
    let begun = Instant::now();
    std::thread::sleep(Duration::from_millis(50));
    let slept = begun.elapsed();
    let input = std::io::read_to_string(std::io::stdin()).unwrap_or_default();
    if input.contains("file") {
        let found = std::fs::read_to_string("/data/a.txt");
        let wrote = std::fs::write("/data/b.txt", "written");
        let length = std::fs::metadata("/data/b.txt").map(|known| (known.len(), known.is_file()));
        eprintln!("found {found:?}, wrote {wrote:?}: {length:?}");
        std::process::abort()
    }
    eprintln!("at {now} in the order {order} after {slept:?}");
    if input.contains("exit") {
        std::process::exit(65);
    }
    std::process::abort()
}
