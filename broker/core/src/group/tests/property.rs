//! Random lives of a group: what must hold whatever the order of joins, syncs, leaves, lost clients and deadlines.

use alloc::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::group::state::State;

#[derive(Clone, Debug)]
enum Step {
    /// Somebody new: with KIP-394 or without, static or not, in process or not.
    Arrive {
        v4: bool,
        instance: Option<u8>,
        in_process: bool,
        sticky: bool,
    },
    /// A known id joins again.
    Rejoin {
        who: usize,
        sticky: bool,
    },
    Sync {
        who: usize,
    },
    Heartbeat {
        who: usize,
    },
    Leave {
        who: usize,
    },
    Disconnect {
        conn: u64,
    },
    Sleep {
        ms: u64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let arrive = (any::<bool>(), prop::option::weighted(0.3, 0..3u8), prop::bool::weighted(0.2), any::<bool>());
    prop_oneof![
        3 => arrive.prop_map(|(v4, instance, in_process, sticky)| Step::Arrive { v4, instance, in_process, sticky }),
        5 => (0..8usize, any::<bool>()).prop_map(|(who, sticky)| Step::Rejoin { who, sticky }),
        5 => (0..8usize).prop_map(|who| Step::Sync { who }),
        3 => (0..8usize).prop_map(|who| Step::Heartbeat { who }),
        1 => (0..8usize).prop_map(|who| Step::Leave { who }),
        1 => (0..4u64).prop_map(|conn| Step::Disconnect { conn }),
        2 => prop_oneof![0..50u64, 3_000..20_000u64].prop_map(|ms| Step::Sleep { ms }),
    ]
}

/// Clients that act at random, and what they have been told.
struct Life {
    harness: Harness,
    /// Ids heard of, oldest first, with the instance id used for them.
    ids: Vec<(String, Option<String>)>,
    asked: Vec<(Sent, Option<String>)>,
    heard: BTreeSet<Sent>,
    left: BTreeSet<String>,
    generation: i32,
}

impl Life {
    fn act(&mut self, step: Step) {
        match step {
            Step::Arrive { v4, instance, in_process, sticky } => {
                let mut request = JoinGroup { require_known_member: v4, in_process, ..join("") };
                request.instance = instance.map(|number| number.to_string());
                self.join(request, sticky);
            }
            Step::Rejoin { who, sticky } => {
                let Some((id, instance)) = self.pick(who) else { return };
                self.join(JoinGroup { instance, ..join(&id) }, sticky);
            }
            Step::Sync { who } => {
                let Some((id, instance)) = self.pick(who) else { return };
                let generation = self.harness.groups.groups.get("g").map_or(0, |group| group.generation);
                let who = Member { instance, ..member_of("g", generation, &id) };
                let sent =
                    self.harness.send(GroupRequest::Sync(SyncGroup { who, protocol: None, assignments: Vec::new() }));
                self.asked.push((sent, None));
            }
            Step::Heartbeat { who } => {
                let Some((id, _)) = self.pick(who) else { return };
                let generation = self.harness.groups.groups.get("g").map_or(0, |group| group.generation);
                let _ = self.harness.heartbeat("g", generation, &id);
            }
            Step::Leave { who } => {
                let Some((id, _)) = self.pick(who) else { return };
                let _ = self.harness.leave("g", &[(&id, None)]);
                self.left.insert(id);
            }
            Step::Disconnect { conn } => self.harness.disconnect(conn),
            Step::Sleep { ms } => self.harness.sleep(ms),
        }
    }

    fn join(&mut self, mut request: JoinGroup, sticky: bool) {
        request.protocols = protocols(if sticky { &["sticky", "range"] } else { &["range"] });
        request.session_timeout_ms = 6_000;
        request.rebalance_timeout_ms = 9_000;
        let instance = request.instance.clone();
        let conn = self.asked.len() as u64 % 4;
        let sent = self.harness.send_on(conn, GroupRequest::Join(request));
        self.asked.push((sent, instance));
    }

    /// One of the ids heard of last.
    fn pick(&self, who: usize) -> Option<(String, Option<String>)> {
        self.ids.iter().rev().nth(who).cloned()
    }

    /// Reads replies as a client would, and remembers ids.
    fn listen(&mut self) {
        for (sent, instance) in &self.asked {
            let Some(Reply::JoinGroup(outcome)) = self.harness.replies.get(&sent.0) else { continue };
            if !self.heard.insert(*sent) {
                continue;
            }
            let id = match outcome {
                Ok(joined) => joined.member.clone(),
                Err((Error::MemberIdRequired, id)) => id.clone(),
                Err(_) => continue,
            };
            if !self.ids.iter().any(|(known, _)| *known == id) {
                self.ids.push((id, instance.clone()));
            }
        }
    }

    fn members(&self) -> BTreeMap<String, Option<ConnId>> {
        let group = self.harness.groups.groups.get("g").into_iter();
        group.flat_map(|group| &group.members).map(|(id, member)| (id.clone(), member.in_process)).collect()
    }

    /// Whose membership a step may end: that of who leaves, of who is replaced or has no room, of who is gone.
    fn may_end(&self, step: &Step, id: &str, in_process: Option<ConnId>) -> bool {
        let group = self.harness.groups.groups.get("g");
        match step {
            Step::Sync { .. } | Step::Heartbeat { .. } | Step::Arrive { instance: None, .. } => false,
            Step::Arrive { instance: Some(number), .. } => {
                let instance = number.to_string();
                self.ids.iter().any(|(known, own)| known == id && own.as_ref() == Some(&instance))
                    || group.is_some_and(|group| group.static_member(&instance).is_some_and(|current| current != id))
            }
            Step::Rejoin { who, .. } | Step::Leave { who } => self.pick(*who).is_some_and(|(known, _)| known == id),
            Step::Disconnect { conn } => in_process == Some(ConnId(*conn)),
            Step::Sleep { .. } => true,
        }
    }

    fn check(&mut self) {
        let groups = &self.harness.groups;
        let Some(group) = groups.groups.get("g") else {
            self.generation = 0;
            assert_eq!((groups.timers.len(), groups.in_process.len()), (0, 0));
            return;
        };
        assert!(group.generation >= self.generation, "generations rise");
        self.generation = group.generation;

        let leaders = group.members.keys().filter(|id| group.is_leader(id)).count();
        assert_eq!(leaders, usize::from(!group.members.is_empty()), "one leader, and it is a member");
        assert!(group.pending.keys().all(|id| !group.members.contains_key(id)), "pending or known, never both");
        assert!(group.pending_sync.iter().all(|id| group.members.contains_key(id)));
        for (id, member) in &group.members {
            assert!(!self.left.contains(id), "who left stays out");
            assert!(
                member.join.is_none() || matches!(group.state, State::PreparingRebalance { .. }),
                "a join waits for a rebalance"
            );
            assert!(member.sync.is_none() || group.state == State::CompletingRebalance, "a sync waits for the leader");
            let instance = member.instance.as_deref();
            assert!(
                instance.is_none_or(|instance| group.static_member(instance) == Some(id)),
                "one member per instance id"
            );
        }
        assert_eq!(
            group.state == State::Empty,
            group.members.is_empty() && !matches!(group.state, State::PreparingRebalance { .. })
        );
        if !group.members.is_empty() {
            group.choose_protocol();
        }
        let bound = group.members.values().filter_map(|member| member.in_process).count()
            + group.pending.values().flatten().count();
        assert_eq!(groups.in_process.len(), bound);
    }

    /// Nobody asks anything any more: all is answered and over in finite time.
    fn end(mut self) {
        self.harness.sleep(10 * 300_000);
        for (sent, _) in &self.asked {
            assert!(!self.harness.is_waiting(*sent), "{sent:?} was never answered");
        }
        // In-process members have no session: they end with their callers.
        let callers: BTreeSet<ConnId> = self.members().into_values().flatten().collect();
        callers.into_iter().for_each(|conn| self.harness.disconnect(conn.0));
        self.harness.sleep(10 * 300_000);
        assert!(matches!(self.harness.state("g"), "Empty" | "Dead"));
        assert_eq!((self.harness.groups.poll_timeout(), self.harness.groups.in_process.len()), (None, 0));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_group_keeps_its_word(initial_rebalance_delay_ms in prop_oneof![Just(0), Just(3_000)], max_size in 1..9usize, steps in prop::collection::vec(step(), 1..120)) {
        let settings = GroupSettings { initial_rebalance_delay_ms, max_size, ..settings() };
        let mut life = Life {
            harness: Harness::new(settings),
            ids: Vec::new(),
            asked: Vec::new(),
            heard: BTreeSet::new(),
            left: BTreeSet::new(),
            generation: 0,
        };
        for step in steps {
            let before = life.members();
            life.act(step.clone());
            let after = life.members();
            for (id, in_process) in before.iter().filter(|(id, _)| !after.contains_key(*id)) {
                prop_assert!(life.may_end(&step, id, *in_process), "{step:?} ended the membership of {id}");
            }
            life.listen();
            life.check();
        }
        life.end();
    }
}
