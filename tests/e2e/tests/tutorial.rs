//! docs/tutorial.md, typed line by line: what it says is printed is what is printed.

use e2e::folder::{Folder, binary, repo_dir};
use e2e::free_port;
use std::fs;
use std::process::{Command, Stdio};

/// A command of the page and the lines below it.
struct Step {
    command: String,
    expected: String,
}

/// The steps in the page's blocks of the kind `console`.
fn steps(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut inside = false;
    for line in page.lines() {
        match (line, line.strip_prefix("$ ")) {
            ("```console", _) => inside = true,
            ("```", _) => inside = false,
            (_, Some(command)) if inside => steps.push(Step { command: command.to_owned(), expected: String::new() }),
            (line, None) if inside => {
                let step = steps.last_mut().expect("a block begins with a command");
                step.expected += line;
                step.expected.push('\n');
            }
            _ => {}
        }
    }
    steps
}

/// A topic's id is made up.
fn masked(text: &str) -> String {
    let words = text.split_inclusive([' ', '\t', '\n']).scan("", |before, word| {
        let is_id = *before == "TopicId: ";
        *before = word;
        Some(if is_id { "ID\t" } else { word })
    });
    words.collect()
}

/// Stops what the page starts, whatever became of the page.
struct Stop<'a>(&'a Folder);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        let _ = shell(self.0, "kill $(cat consumers worker) 2> /dev/null; bin/kafka-server-stop.sh").status();
    }
}

fn shell(folder: &Folder, command: &str) -> Command {
    let programs = binary().parent().expect("it lies in a folder").to_path_buf();
    let path = std::env::var("PATH").unwrap_or_default();
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).current_dir(folder.path()).stdin(Stdio::null());
    shell.env("PATH", format!("{}:{path}", programs.display()));
    shell
}

#[test]
fn the_tutorial_prints_what_it_says() {
    let page = fs::read_to_string(repo_dir().join("docs/tutorial.md")).expect("the page is there");
    let steps = steps(&page);
    assert!(steps.len() > 15, "only {} steps were found", steps.len());
    let folder = Folder::new("tutorial");
    let ports = [("9092", free_port().to_string()), ("8083", free_port().to_string())];
    let here = |text: &str| ports.iter().fold(text.to_owned(), |text, (known, port)| text.replace(known, port));
    let _stop = Stop(&folder);
    for Step { command, expected } in steps {
        let command = here(&command);
        let output = shell(&folder, &command).output().expect("a shell");
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(masked(&out), masked(&expected), "$ {command}\n{err}\n{}", folder.read("logs/kafkaServer.out"));
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let folder = Folder::new("head");
    let output =
        shell(&folder, "connectd kafka-topics --help 2>&1 | head -1; connectd kafka-storage random-uuid | true")
            .output()
            .expect("a shell");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "Create, list, describe, change or delete topics.\n");
}
