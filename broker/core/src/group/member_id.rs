//! New member ids.
//!
//! Owns a small generator (splitmix64) so that the core stays free of ambient randomness. Leaves the seed to the edge, which
//! draws a new one per start: a repeated seed would hand an old member's id to a stranger.

use alloc::{format, string::String};

/// What an id has beside its prefix: a hyphen and a UUID.
pub(super) const SUFFIX_BYTES: usize = 37;

#[derive(Debug)]
pub(super) struct MemberIds {
    state: u64,
}

impl MemberIds {
    pub fn new(seed: u64) -> Self {
        MemberIds { state: seed }
    }

    /// `<prefix>-<uuid>`; the prefix is the client id, or the group instance id of a static member, as in Kafka.
    pub fn next(&mut self, prefix: &str) -> String {
        let random = (u128::from(self.draw()) << 64) | u128::from(self.draw());
        let uuid = uuid::Builder::from_random_bytes(random.to_be_bytes()).into_uuid();
        format!("{prefix}-{uuid}")
    }

    fn draw(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_the_prefix_and_a_random_uuid() {
        let mut ids = MemberIds::new(1);
        let (first, second) = (ids.next("rdkafka"), ids.next("rdkafka"));
        assert_ne!(first, second);
        let uuid: uuid::Uuid = first.strip_prefix("rdkafka-").unwrap().parse().unwrap();
        assert_eq!((uuid.get_version_num(), first.len()), (4, "rdkafka".len() + SUFFIX_BYTES));
        assert_eq!(MemberIds::new(1).next("rdkafka"), first);
        assert_ne!(MemberIds::new(2).next("rdkafka"), first);
    }
}
