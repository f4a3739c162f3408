//! The journal is full when the first batch of an idempotent producer arrives, and has room when the second does. The second once was
//! taken, because of a producer without a history every sequence is, and then the first was out of order for ever.

use broker_core::error::Error;
use broker_store::batch::Builder;

use super::Story;

#[test]
fn the_second_batch_does_not_overtake_the_first() {
    let mut story = Story::new();
    story.create("t");
    while story.produce("t", Builder::new(), &"x".repeat(5_000)).is_ok() {}
    let idempotent = |sequence| Builder::new().producer(7, 0, sequence);
    assert_eq!(story.produce("t", idempotent(0), "one"), Err(Error::KafkaStorageError));
    story.checkpoint();
    assert_eq!(story.produce("t", idempotent(1), "two"), Err(Error::OutOfOrderSequenceNumber));
    let first = story.produce("t", idempotent(0), "one").expect("room now");
    assert_eq!(story.produce("t", idempotent(1), "two"), Ok(first + 1));
    assert_eq!(story.produce("t", idempotent(0), "one"), Ok(first), "sent again");
}
