//! Clients that keep to the protocol: whatever came before, left alone they end up in one stable generation.

use proptest::prelude::*;

use super::*;

/// What a client does next, as the Java and C clients do it.
#[derive(Debug)]
enum Doing {
    /// Asks to join at its next turn.
    Joining,
    /// Its JoinGroup or SyncGroup is not answered yet.
    Waiting(Sent),
    /// It has an assignment and sends heartbeats.
    Working,
}

#[derive(Debug)]
struct Client {
    id: String,
    instance: Option<String>,
    generation: i32,
    doing: Doing,
    assignment: Bytes,
    /// It crashed, or is so slow that it might as well have.
    silent_until: Now,
}

impl Client {
    fn turn(&mut self, harness: &mut Harness) {
        if harness.now < self.silent_until {
            return;
        }
        match self.doing {
            Doing::Joining => {
                let mut request = join(&self.id).v4();
                request.instance = self.instance.clone();
                self.doing = Doing::Waiting(harness.send(GroupRequest::Join(request)));
                self.hear(harness);
            }
            Doing::Waiting(_) => self.hear(harness),
            Doing::Working => {
                let sent = harness.send(GroupRequest::Heartbeat(self.as_member()));
                match harness.replies.get(&sent.0) {
                    Some(Reply::Heartbeat(Ok(()))) => {}
                    Some(Reply::Heartbeat(Err(error))) => self.start_over(*error),
                    other => panic!("a heartbeat is answered at once, not with {other:?}"),
                }
            }
        }
    }

    fn hear(&mut self, harness: &mut Harness) {
        let Doing::Waiting(sent) = self.doing else { return };
        match harness.replies.get(&sent.0).cloned() {
            None => {}
            Some(Reply::JoinGroup(Ok(joined))) => {
                self.id = joined.member;
                self.generation = joined.generation;
                let members: Vec<String> = joined.members.into_iter().map(|(id, _, _)| id).collect();
                let request = SyncGroup { who: self.as_member(), protocol: None, assignments: assign_to(&members) };
                self.doing = Doing::Waiting(harness.send(GroupRequest::Sync(request)));
                self.hear(harness);
            }
            Some(Reply::JoinGroup(Err((error, id)))) => {
                self.id = id;
                self.start_over(error);
            }
            Some(Reply::SyncGroup(Ok(synced))) => {
                self.assignment = synced.assignment;
                self.doing = Doing::Working;
            }
            Some(Reply::SyncGroup(Err(error))) => self.start_over(error),
            Some(other) => panic!("not an answer to a join or sync: {other:?}"),
        }
    }

    fn start_over(&mut self, error: Error) {
        match error {
            Error::MemberIdRequired | Error::RebalanceInProgress => {}
            Error::UnknownMemberId | Error::IllegalGeneration => self.id.clear(),
            other => panic!("a client that keeps to the protocol is never told {other:?}"),
        }
        self.doing = Doing::Joining;
    }

    fn as_member(&self) -> Member {
        Member { instance: self.instance.clone(), ..member_of("g", self.generation, &self.id) }
    }
}

/// Per second: which client, if any, falls silent and for how many seconds.
fn trouble() -> impl Strategy<Value = Vec<Option<(usize, u64)>>> {
    prop::collection::vec(prop::option::weighted(0.1, (0..6usize, 1..90u64)), 0..120)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn clients_left_alone_end_up_in_one_stable_generation(
        initial_rebalance_delay_ms in prop_oneof![Just(0), Just(3_000)],
        kinds in prop::collection::vec(any::<bool>(), 1..6),
        trouble in trouble(),
    ) {
        let mut harness = Harness::new(GroupSettings { initial_rebalance_delay_ms, ..settings() });
        let client = |(number, is_static): (usize, &bool)| Client {
            id: String::new(),
            instance: is_static.then(|| number.to_string()),
            generation: -1,
            doing: Doing::Joining,
            assignment: Bytes::new(),
            silent_until: Now(0),
        };
        let mut clients: Vec<Client> = kinds.iter().enumerate().map(client).collect();
        let quiet = core::iter::repeat_n(None, 300);
        for event in trouble.into_iter().chain(quiet) {
            if let Some((who, seconds)) = event && let Some(client) = clients.get_mut(who) {
                client.silent_until = harness.now.plus(seconds * 1_000);
            }
            clients.iter_mut().for_each(|client| client.turn(&mut harness));
            harness.sleep(1_000);
        }
        prop_assert_eq!(harness.state("g"), "Stable");
        let group = &harness.groups.groups["g"];
        prop_assert_eq!(group.members.len(), clients.len());
        for client in &clients {
            prop_assert!(matches!(client.doing, Doing::Working), "{:?}", client);
            prop_assert_eq!(client.generation, group.generation);
            prop_assert!(group.members.contains_key(&client.id));
        }
    }
}
