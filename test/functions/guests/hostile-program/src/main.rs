//! A program that misbehaves on demand: the type of the event on standard input says how, its subject how much.

mod files;

use std::hint::black_box;
use std::io::{Read, Write};
use std::time::Duration;

const MIB: usize = 1 << 20;

fn main() {
    let mut input = String::new();
    std::io::stdin().read_to_string(&mut input).expect("standard input is text");
    let kind = field(&input, "type");
    let subject = field(&input, "subject");
    let number = || subject.parse::<u64>().unwrap_or(0);
    match kind.as_str() {
        "input" => print!("{input}"),
        "trap" => trap(),
        "panic" => panic!("the program panics"),
        "loop" => loop {
            black_box(0);
        },
        "sleep" => std::thread::sleep(Duration::from_millis(number())),
        "hoard" => {
            let mut hoard = Vec::new();
            loop {
                hoard.push(black_box(vec![1u8; MIB]));
            }
        }
        "stack" => print!("{}", deeper(1)),
        "exit" => {
            print!("what nobody reads");
            eprintln!("it goes wrong");
            std::process::exit(number() as i32)
        }
        "print" => {
            print!("the reply");
            eprintln!("to stderr");
            eprint!("without a newline");
        }
        // More than a reply may have, a megabyte at a time.
        "large" => {
            for _ in 0..number() {
                std::io::stdout().write_all(&vec![b'x'; MIB]).expect("standard output is open");
            }
        }
        "flood" => {
            for line in 0..number() {
                eprintln!("line {line} {}", "x".repeat(1_000));
            }
            print!("flooded");
        }
        "bytes" => std::io::stdout().write_all(&[0xff, 0, 7]).expect("standard output is open"),
        "env" => print!("{:?} {:?}", std::env::vars().collect::<Vec<_>>(), std::env::args().collect::<Vec<_>>()),
        "files" => print!(
            "{} {} {}",
            std::fs::read("/etc/passwd").is_ok(),
            std::fs::read_dir(".").is_ok(),
            std::fs::write("/tmp/left", "x").is_ok()
        ),
        "file" => print!("{}", files::run(&subject)),
        "network" => print!("{}", std::net::TcpStream::connect("127.0.0.1:9").is_ok()),
        // State of one run that another would see.
        "state" => {
            static SEEN: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
            print!("{}", SEEN.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        }
        _ => {}
    }
}

/// The text of a member of the event: enough for what the tests send.
fn field(json: &str, name: &str) -> String {
    let Some((_, rest)) = json.split_once(&format!("\"{name}\":\"")) else { return String::new() };
    rest.split('"').next().unwrap_or("").to_string()
}

fn trap() -> ! {
    core::arch::wasm32::unreachable()
}

/// Runs out of the engine's stack.
fn deeper(depth: u64) -> u64 {
    let again = black_box(deeper as fn(u64) -> u64);
    again(depth + 1).wrapping_mul(3) + depth
}
