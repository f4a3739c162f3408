//! The lines that a pipeline carries: 100 bytes each, all different, the same in every run.
//!
//! Invariant: the line at a place depends on its number alone, so that a source can be extended and a sink compared.

use anyhow::{Context, Result, bail};
use e2e::random::Random;
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

/// The bytes of a line without its newline.
pub const LINE: usize = 100;

/// Lines `first..first + count`, each with its newline.
pub fn lines(first: u64, count: u64) -> Vec<u8> {
    const LETTERS: &[u8; 64] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    let mut out = Vec::with_capacity(count as usize * (LINE + 1));
    for number in first..first + count {
        write!(out, "{number:012} ").expect("a Vec takes it");
        let mut random = Random::new(number + 1);
        let mut left = LINE - 13;
        while left > 0 {
            let mut bits = random.bits();
            for _ in 0..left.min(10) {
                out.push(LETTERS[(bits & 63) as usize]);
                bits >>= 6;
            }
            left -= left.min(10);
        }
        out.push(b'\n');
    }
    out
}

/// Compares two files byte for byte: how many lines and bytes they hold.
///
/// # Errors
/// When they differ; the message holds the first place where they do.
pub fn compare(source: &Path, sink: &Path) -> Result<(u64, u64)> {
    let open = |path: &Path| File::open(path).with_context(|| format!("cannot open {}", path.display()));
    let (mut a, mut b) = (open(source)?, open(sink)?);
    let (mut left, mut right) = (vec![0; 1 << 20], vec![0; 1 << 20]);
    let (mut at, mut count) = (0, 0);
    loop {
        let (n, m) = (fill(&mut a, &mut left)?, fill(&mut b, &mut right)?);
        let same = left[..n].iter().zip(&right[..m]).take_while(|(x, y)| x == y).count();
        count += left[..same].iter().filter(|&&byte| byte == b'\n').count() as u64;
        at += same as u64;
        if same < n || same < m {
            bail!("{} and {} differ at byte {at}, in line {count}", source.display(), sink.display());
        }
        if n < left.len() {
            return Ok((count, at));
        }
    }
}

fn fill(file: &mut File, buffer: &mut [u8]) -> Result<usize> {
    let mut len = 0;
    while len < buffer.len() {
        match file.read(&mut buffer[len..])? {
            0 => break,
            n => len += n,
        }
    }
    Ok(len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_their_length_and_depend_on_their_number_alone() {
        let all = lines(0, 50);
        assert_eq!(all.len(), 50 * (LINE + 1));
        assert_eq!(all[20 * (LINE + 1)..], lines(20, 30)[..]);
        assert!(all.iter().all(|&byte| byte == b'\n' || (b' '..=b'z').contains(&byte)));
    }

    #[test]
    fn a_difference_is_found() {
        let folder = e2e::Folder::new("lines");
        let one = folder.write("one", lines(0, 30_000));
        let same = folder.write("same", lines(0, 30_000));
        let short = folder.write("short", lines(0, 29_999));
        assert_eq!(compare(&one, &same).unwrap(), (30_000, 30_000 * 101));
        assert!(compare(&one, &short).unwrap_err().to_string().contains("line 29999"));
        assert!(compare(&short, &one).is_err());
    }
}
