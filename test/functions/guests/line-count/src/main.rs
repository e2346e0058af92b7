//! An ordinary program: counts the lines and bytes of standard input. Nothing in it knows of a gateway.

use std::io::Read;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    if text.contains("give up") {
        return Err("it says to give up".into());
    }
    println!("{{\"lines\":{},\"bytes\":{}}}", text.lines().count(), text.len());
    Ok(())
}
