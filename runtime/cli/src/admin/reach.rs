//! The way to a broker: which address answers, what it speaks, who we are to it, and what is said where nobody answers.

use kafka_protocol::{
    messages::{ApiVersionsRequest, ApiVersionsResponse},
    protocol::StrBytes,
};

use super::{Admin, BACKOFF_MS, To};
use crate::{failure::Failure, world::NoAnswer};

impl Admin<'_> {
    /// Where a broker is; connected, and its versions known.
    pub(super) fn address(&mut self, to: To) -> Result<String, Failure> {
        let bootstrap = match &self.bootstrap {
            Some(address) => address.clone(),
            None => self.bootstrap()?,
        };
        let id = match to {
            To::Any => return Ok(bootstrap),
            To::Controller | To::Broker(_) if self.nodes.is_empty() => {
                self.metadata(Some(&[]))?;
                return self.address(to);
            }
            To::Controller => self.controller,
            To::Broker(id) => id,
        };
        let Some(node) = self.nodes.get(&id) else {
            // A controller that is no broker: any broker passes the request on.
            return if to == To::Controller { Ok(bootstrap) } else { Err(self.unanswered()) };
        };
        let address = node.address();
        self.open(&address).map_err(|why| self.explain(&address, why))?;
        Ok(address)
    }

    /// The first of the bootstrap servers that answers, trying again until the time is up.
    fn bootstrap(&mut self) -> Result<String, Failure> {
        let until = self.deadline();
        let mut said = false;
        loop {
            for address in self.connection.servers.clone() {
                match self.open(&address) {
                    Ok(()) => {
                        self.bootstrap = Some(address.clone());
                        return Ok(address);
                    }
                    Err(NoAnswer::Unusable(why)) => return Err(Failure::new(why)),
                    Err(NoAnswer::Unreachable(why)) if !said => {
                        let tries = "trying again for a while, in case a broker is just starting";
                        self.world.err(&format!("nothing answers at {address} ({why}); {tries}\n"));
                        said = true;
                    }
                    Err(_) => {}
                }
            }
            if self.world.now_ms() >= until {
                return Err(self.unanswered());
            }
            self.world.sleep_ms(BACKOFF_MS);
        }
    }

    fn unanswered(&self) -> Failure {
        let advice = format!(
            "no broker at {}. Is one running? `connectd broker` starts one on localhost:9092",
            self.connection.servers.join(",")
        );
        let call = self.call;
        let failure = Failure::new(format!("Timed out waiting for a node assignment. Call: {call}")).advising(advice);
        Failure { class: Some("TimeoutException"), ..failure }
    }

    pub(super) fn explain(&self, address: &str, why: NoAnswer) -> Failure {
        match why {
            NoAnswer::Unusable(why) => Failure::new(why),
            NoAnswer::Unreachable(why) => {
                let advice =
                    format!("the broker tells clients to find it at {address}, and that is not reachable: {why}");
                self.unanswered().advising(advice)
            }
            NoAnswer::Closed => Failure::kafka(13, None).advising(format!("{address} ended the connection")),
            NoAnswer::TimedOut => {
                let call = self.call;
                Failure { class: Some("TimeoutException"), ..Failure::new(format!("Call(callName={call}) timed out")) }
            }
        }
    }

    /// Connects and learns what the broker speaks.
    fn open(&mut self, address: &str) -> Result<(), NoAnswer> {
        let is_new = self.world.connect(address, &self.connection.security, self.connection.request_timeout_ms)?;
        if !is_new && self.versions.contains_key(address) {
            return Ok(());
        }
        let software = |text: &str| StrBytes::from_string(text.to_owned());
        let request = ApiVersionsRequest::default()
            .with_client_software_name(software("connectd"))
            .with_client_software_version(software(env!("CARGO_PKG_VERSION")));
        let mut answer: ApiVersionsResponse = self.exchanged(address, 3, &request)?;
        if answer.error_code == 35 {
            answer = self.exchanged(address, 0, &ApiVersionsRequest::default())?;
        }
        if answer.error_code != 0 {
            return Err(NoAnswer::Unusable(format!("{address} answers ApiVersions with error {}", answer.error_code)));
        }
        let rows = answer.api_keys.iter().map(|row| (row.api_key, (row.min_version, row.max_version)));
        self.versions.insert(address.to_owned(), rows.collect());
        self.authenticate(address)
    }

    fn authenticate(&mut self, address: &str) -> Result<(), NoAnswer> {
        let Some(mut login) = self.connection.login(self.world) else { return Ok(()) };
        let answer = self.exchanged(address, 1, &login.handshake())?;
        let mut request = login.begin(&answer).map_err(NoAnswer::Unusable)?;
        loop {
            let answer = self.exchanged(address, 1, &request)?;
            match login.go_on(&answer).map_err(NoAnswer::Unusable)? {
                Some(next) => request = next,
                None => return Ok(()),
            }
        }
    }
}
