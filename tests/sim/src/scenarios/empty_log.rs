//! A checkpoint knows a partition that nothing was written to yet, so it has no folder. Its first segment once was to be written into
//! that folder after a restart, and the segment thread gave up.

use broker_store::batch::Builder;

use super::Story;
use crate::disk::Death;

#[test]
fn a_log_without_segments_gets_its_folder_after_a_restart() {
    let mut story = Story::new();
    story.create("t");
    story.checkpoint();
    story.die(Death::PowerCut);
    story.produce("t", Builder::new(), "first").expect("room");
    story.checkpoint();
    story.die(Death::PowerCut);
    assert_eq!(story.values("t"), ["first"]);
}
