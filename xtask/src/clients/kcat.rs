//! kcat 1.7.1, the one that Debian ships (librdkafka 2.0.2).

use super::case::Case;
use super::target::{CONNECT_TEST, Target};
use crate::repo;
use crate::test::Score;
use anyhow::Result;
use std::process::Command;

/// What is missing on this machine.
pub fn missing() -> Option<&'static str> {
    (!repo::has("kcat", "-V")).then_some("kcat (apt-get install kcat)")
}

/// The table.
pub fn cases(target: &Target) -> Result<Score> {
    let kcat = |args: &str| {
        let mut command = Command::new("kcat");
        command.args(["-b", &target.bootstrap, "-X", "broker.address.family=v4"]).args(args.split_whitespace());
        command
    };
    let lines: String = (0..1_000).map(|n| format!("line {n} é 漢\n")).collect();
    let many: String = (0..200_000).map(|n| format!("{n:0100}\n")).collect();
    let big = "x".repeat(900_000) + "\n";
    let mut score = Score::default();
    let mut run = |case: Case| score.add(case.run());

    run(Case::new("the tutorial's record, byte for byte", kcat("-t connect-test -C -e -q"))
        .prints(format!("{CONNECT_TEST}\n")));
    run(Case::new("its key is null, its offset 0", kcat("-t connect-test -C -e -q -f %K,%o,%p\\n")).prints("-1,0,0\n"));
    run(Case::new("metadata", kcat("-L")).says("1 brokers:").says("topic \"connect-test\" with 1 partitions:"));
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let produce = kcat(&format!("-P -t kcat-{codec} -z {codec}"));
        run(Case::new(format!("produce, {codec}"), produce)
            .stdin(lines.clone())
            .expect("no complaint", |_, err| err.is_empty()));
        run(Case::new(format!("consume, {codec}"), kcat(&format!("-C -t kcat-{codec} -e -q"))).prints(lines.clone()));
    }
    run(Case::new("produce, idempotent", kcat("-P -t kcat-idem -X enable.idempotence=true")).stdin(lines.clone()));
    run(Case::new("consume, once each", kcat("-C -t kcat-idem -e -q")).prints(lines.clone()));
    run(Case::new("produce, acks=1", kcat("-P -t kcat-acks1 -X acks=1")).stdin("one\n"));
    run(Case::new("produce, acks=0", kcat("-P -t kcat-acks0 -X acks=0")).stdin("one\n"));
    run(Case::new("consume what was not acknowledged", kcat("-C -t kcat-acks0 -c 1 -q")).prints("one\n"));
    run(Case::new("produce keys, headers", kcat("-P -t kcat-keys -K : -H a=1 -H b=2")).stdin("k1:v1\nk2:v2\n"));
    run(Case::new("consume keys, headers", kcat("-C -t kcat-keys -e -q -f %k=%s@%o[%h]\\n"))
        .prints("k1=v1@0[a=1,b=2]\nk2=v2@1[a=1,b=2]\n"));
    run(Case::new("produce a tombstone", kcat("-P -t kcat-null -Z -K :")).stdin("k1:\n"));
    run(Case::new("consume a tombstone", kcat("-C -t kcat-null -e -q -f %k,%S\\n")).prints("k1,-1\n"));
    run(Case::new("consume from an offset", kcat("-C -t kcat-none -o 998 -e -q"))
        .prints("line 998 é 漢\nline 999 é 漢\n"));
    run(Case::new("consume the last three", kcat("-C -t kcat-none -o -3 -e -q"))
        .says("line 997")
        .never_says("line 996"));
    run(Case::new("consume a number of records", kcat("-C -t kcat-zstd -o beginning -c 2 -q"))
        .prints("line 0 é 漢\nline 1 é 漢\n"));
    run(Case::new("ask for the end", kcat("-Q -t kcat-none:0:-1")).says("kcat-none [0] offset 1000"));
    run(Case::new("ask for the beginning", kcat("-Q -t kcat-none:0:-2")).says("kcat-none [0] offset 0"));
    run(Case::new("ask for a moment long ago", kcat("-Q -t kcat-none:0:1000")).says("kcat-none [0] offset 0"));
    run(Case::new("a group reads all", kcat("-G kcat-group -X auto.offset.reset=earliest -e -q kcat-none"))
        .prints(lines.clone()));
    run(Case::new("and goes on where it was", kcat("-G kcat-group -X auto.offset.reset=earliest -e -q kcat-none"))
        .prints(""));
    run(Case::new("produce a big record", kcat("-P -t kcat-big")).stdin(big.clone()));
    run(Case::new("consume a big record", kcat("-C -t kcat-big -e -q")).prints(big));
    run(Case::new("produce 200,000 records", kcat("-P -t kcat-many")).stdin(many.clone()));
    run(Case::new("consume 200,000 records", kcat("-C -t kcat-many -e -q")).prints(many));
    run(Case::new("read_committed sees the same", kcat("-C -t kcat-idem -X isolation.level=read_committed -e -q"))
        .prints(lines));
    run(Case::new("a partition that is not there", kcat("-C -t kcat-none -p 7 -e -q"))
        .exits(1)
        .complains("partition 7 does not exist"));
    run(Case::new("a name that no topic may have", kcat("-P -t kcat/none"))
        .stdin("x\n")
        .exits(1)
        .complains("Invalid topic"));
    Ok(score)
}
