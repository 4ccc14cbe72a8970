//! The commands of the documentation print what stands there.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use tests::configuration::Configuration;

use crate::Site;

const PAGE: &str = include_str!("../../docs/postdicom.md");

/// UUIDs of the account itself, which are always the same.
const FIXED: &str = "d1c05e00";

/// A command, and what it prints.
struct Example {
    words: Vec<String>,
    printed: Vec<&'static str>,
    code: i32,
}

/// Everything behind `$` in the page.
fn examples() -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    let (mut inside, mut begun) = (false, false);
    for line in PAGE.lines() {
        if line.starts_with("```") {
            (inside, begun) = (!inside, false);
        } else if let Some(command) = line.strip_prefix("$ ").filter(|_| inside) {
            examples.push(Example { words: words(command), printed: Vec::new(), code: 0 });
            begun = true;
        } else if let Some(example) = examples.last_mut().filter(|_| inside && begun && !line.is_empty()) {
            match line.strip_prefix("[exit code ").and_then(|rest| rest.strip_suffix(']')) {
                Some(code) => example.code = code.parse().unwrap(),
                None => example.printed.push(line),
            }
        }
    }
    examples
}

/// Words as a shell splits them, with single quotes.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (at, part) in command.split('\'').enumerate() {
        if at % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

/// Every UUID in a text, in its order.
fn uuids(text: &str) -> Vec<&str> {
    let letters = |letter: char| !(letter.is_ascii_hexdigit() || letter == '-');
    let is_uuid = |word: &&str| word.len() == 36 && word.matches('-').count() == 4;
    text.split(letters).filter(is_uuid).collect()
}

/// A line without what is different in each run: UUIDs, UIDs, ports, times and the day of a run.
fn steady(text: &str) -> String {
    let mut line = text.to_owned();
    for uuid in uuids(text).into_iter().filter(|uuid| !uuid.starts_with(FIXED)) {
        line = line.replace(uuid, "UUID");
    }
    for (start, end) in [
        ("127.0.0.1:", [';', '/', ' ']),
        ("2.25.", [' '; 3]),
        (" in ", ['s'; 3]),
        ("until ", [';'; 3]),
        ("storing into ", ['\n'; 3]),
    ] {
        let Some((head, tail)) = line.split_once(start) else { continue };
        if start == " in " && !head.contains("stored at") {
            continue;
        }
        let tail = tail.find(end).map_or("", |at| &tail[at..]);
        line = format!("{head}{start}*{tail}");
    }
    line
}

fn steady_lines<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut lines: Vec<_> = lines.filter(|line| !line.is_empty()).map(steady).collect();
    // What goes to the two outputs has no order.
    lines.sort_unstable();
    lines
}

fn put_documents(folder: &Path) {
    fs::write(folder.join("link-password"), "hunter2\n").unwrap();
    fs::write(folder.join("report.pdf"), "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n%%EOF\n")
        .unwrap();
    // A BMP of 2 x 2 pixels, 24 bits each, rows padded to 4 bytes.
    let mut bmp = b"BM".to_vec();
    for number in [70_u32, 0, 54, 40, 2, 2] {
        bmp.extend(number.to_le_bytes());
    }
    bmp.extend([1, 0, 24, 0]);
    bmp.resize(70, 0);
    fs::write(folder.join("photo.bmp"), bmp).unwrap();
}

#[test]
fn every_command_of_the_page_prints_what_stands_there() {
    let change =
        |options: &mut origin::postdicom::Options| options.account = origin::postdicom::Account::default();
    let site = Site::with(change, Configuration::new());
    let configuration = site.account.configured(Configuration::new(), site.folder());
    let institution = "institutions = [\"d1c05e00-0001-4000-8000-000000000001\"]";
    site.home.configure(&configuration.set("origin.cloud.postdicom", institution));
    put_documents(site.home.path());
    fs::create_dir_all(site.home.path().join("spool")).unwrap();
    let mut real: BTreeMap<String, String> = BTreeMap::new();
    let examples = examples();
    assert!(examples.len() > 25, "{}", examples.len());
    for Example { words, printed, code } in examples {
        if words[0] == "cat" {
            fs::write(site.home.path().join(&words[1]), printed.join("\n")).unwrap();
            continue;
        }
        let words: Vec<_> = words[1..].iter().map(|word| real.get(word).unwrap_or(word).clone()).collect();
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let ran = site.run(&words);
        let lines = || ran.out.lines().chain(ran.error.lines());
        assert_eq!(steady_lines(lines()), steady_lines(printed.iter().copied()), "{words:?}");
        assert_eq!(ran.code, code, "{words:?}");
        let text = lines().collect::<Vec<_>>().join("\n");
        for (written, found) in uuids(&printed.join("\n")).into_iter().zip(uuids(&text)) {
            real.insert(written.to_owned(), found.to_owned());
        }
        if words[0] == "send" {
            // What the bridge of the command did not deliver, the daemon does.
            site.home.start().settle();
        }
    }
}
