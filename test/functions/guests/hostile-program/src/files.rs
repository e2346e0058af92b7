//! Files, one operation after the other: `read /a; write /b text`. Each answers with what it got, or the error's name.

use std::fs::{self, File, OpenOptions};
use std::io::{Error, Read, Seek, SeekFrom, Write};

pub fn run(script: &str) -> String {
    let mut open = Vec::new();
    let each = |line: &str| step(line.trim(), &mut open).unwrap_or_else(|error| name(&error));
    script.split(';').map(each).collect::<Vec<_>>().join("; ")
}

fn name(error: &Error) -> String {
    format!("{:?} {}", error.kind(), error.raw_os_error().unwrap_or(0))
}

fn step(line: &str, open: &mut Vec<File>) -> Result<String, Error> {
    let words = line.splitn(3, ' ').collect::<Vec<_>>();
    let path = words.get(1).copied().unwrap_or("");
    let rest = words.get(2).copied().unwrap_or("");
    let number = || rest.parse::<u64>().unwrap_or(0);
    let done = |_| "ok".to_string();
    match words[0] {
        "read" => fs::read_to_string(path),
        "size" => fs::metadata(path).map(|found| format!("{} {}", found.is_dir(), found.len())),
        "kind" => fs::symlink_metadata(path).map(|found| format!("{:?}", found.file_type().is_symlink())),
        "write" => fs::write(path, rest).map(done),
        "append" => OpenOptions::new().append(true).open(path)?.write_all(rest.as_bytes()).map(done),
        "list" => {
            let mut names = fs::read_dir(path)?
                .map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()))
                .collect::<Result<Vec<_>, _>>()?;
            names.sort();
            Ok(names.join(","))
        }
        "mkdir" => fs::create_dir(path).map(done),
        "rmdir" => fs::remove_dir(path).map(done),
        "unlink" => fs::remove_file(path).map(done),
        "rename" => fs::rename(path, rest).map(done),
        "readlink" => fs::read_link(path).map(|target| target.to_string_lossy().into_owned()),
        "link" => fs::hard_link(path, rest).map(done),
        "truncate" => OpenOptions::new().write(true).open(path)?.set_len(number()).map(done),
        // The middle of a file, written over and read back.
        "patch" => {
            let mut file = OpenOptions::new().read(true).write(true).open(path)?;
            file.seek(SeekFrom::Start(2))?;
            file.write_all(rest.as_bytes())?;
            file.sync_all()?;
            file.seek(SeekFrom::End(-2))?;
            let mut end = String::new();
            file.read_to_string(&mut end)?;
            Ok(end)
        }
        // So many at once; they stay open.
        "hold" => {
            for _ in 0..number() {
                open.push(File::open(path)?);
            }
            Ok(open.len().to_string())
        }
        "spin" => loop {
            std::hint::black_box(0);
        },
        "drop" => {
            open.clear();
            Ok("ok".to_string())
        }
        // So many MiB.
        "fill" => {
            let mut file = File::create(path)?;
            let part = vec![b'x'; 1 << 20];
            for _ in 0..number() {
                file.write_all(&part)?;
            }
            Ok("ok".to_string())
        }
        // So many files.
        "make" => {
            for each in 0..number() {
                File::create(format!("{path}/{each}"))?;
            }
            Ok("ok".to_string())
        }
        other => Ok(format!("{other}?")),
    }
}
