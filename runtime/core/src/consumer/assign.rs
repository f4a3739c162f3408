//! The range assignor (source: Kafka's `RangeAssignor`, without racks): each topic's partitions in one run per member.
//!
//! Invariant: every partition of a topic that somebody subscribes to goes to exactly one of its subscribers.

use alloc::{collections::BTreeMap, string::String, vec::Vec};

use super::protocol::Assignment;

/// A member as the leader sees it: member id, instance id, topics.
pub type Subscriber = (String, Option<String>, Vec<String>);

/// Who gets what, by member id. `partitions` holds the count for every topic that exists.
pub fn range(members: &[Subscriber], partitions: &BTreeMap<String, i32>) -> BTreeMap<String, Assignment> {
    let mut assigned: BTreeMap<String, Assignment> =
        members.iter().map(|(member, _, _)| (member.clone(), Assignment::new())).collect();
    for (topic, count) in partitions {
        let mut subscribers: Vec<_> = members.iter().filter(|(_, _, topics)| topics.contains(topic)).collect();
        // Members with an instance id come first, in its order, so that a restart of one changes nothing.
        subscribers.sort_by_key(|(member, instance, _)| (instance.is_none(), instance.clone(), member.clone()));
        let Ok(n) = i32::try_from(subscribers.len()) else { continue };
        let mut next = 0;
        for (i, (member, _, _)) in (0..n).zip(subscribers) {
            let share = count / n + i32::from(i < count % n);
            if share > 0 {
                let own = assigned.get_mut(member).expect("every member is in the map");
                own.insert(topic.clone(), (next..next + share).collect());
            }
            next += share;
        }
    }
    assigned
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, string::ToString};

    fn check(members: &[(&str, Option<&str>, &str)], topics: &[(&str, i32)], expected: &[(&str, &str)]) {
        let members: Vec<Subscriber> = members
            .iter()
            .map(|(member, instance, topics)| {
                let topics = topics.split(' ').map(ToString::to_string).collect();
                (member.to_string(), instance.map(ToString::to_string), topics)
            })
            .collect();
        let partitions = topics.iter().map(|(topic, count)| (topic.to_string(), *count)).collect();
        let text = |assignment: &Assignment| {
            let all: Vec<_> = assignment.iter().map(|(topic, all)| format!("{topic}{all:?}")).collect();
            all.join(" ")
        };
        let got: Vec<_> =
            range(&members, &partitions).iter().map(|(member, own)| (member.clone(), text(own))).collect();
        let expected: Vec<_> = expected.iter().map(|(member, own)| (member.to_string(), own.to_string())).collect();
        assert_eq!(got, expected);
    }

    #[test]
    fn the_first_members_get_the_larger_shares() {
        check(
            &[("a", None, "t u"), ("b", None, "t u")],
            &[("t", 3), ("u", 3)],
            &[("a", "t[0, 1] u[0, 1]"), ("b", "t[2] u[2]")],
        );
        check(&[("a", None, "t"), ("b", None, "t")], &[("t", 1)], &[("a", "t[0]"), ("b", "")]);
    }

    #[test]
    fn only_subscribers_get_a_topic() {
        check(
            &[("a", None, "t"), ("b", None, "u")],
            &[("t", 2), ("u", 1), ("v", 1)],
            &[("a", "t[0, 1]"), ("b", "u[0]")],
        );
        check(&[], &[("t", 2)], &[]);
    }

    #[test]
    fn instance_ids_come_first() {
        check(&[("a", None, "t"), ("b", Some("i"), "t")], &[("t", 1)], &[("a", ""), ("b", "t[0]")]);
    }
}
