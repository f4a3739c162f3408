//! SCRAM from the client's side (RFC 5802, RFC 7677), as KIP-84 has it.
//!
//! Owns the three messages and their proofs, and HMAC over the hashes that are here already. Leaves hashing to `sha2`. Invariant: an answer of the broker is believed only after it has
//! proved that it knows the password, and a number of rounds that would take for ever is refused.

use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256, Sha512};

/// Rounds that a broker may ask for: Kafka's are 4096 to 16384.
const ROUNDS: std::ops::RangeInclusive<u32> = 4096..=1_000_000;

/// Which hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Sha256,
    Sha512,
}

impl Hash {
    fn of(self, parts: &[&[u8]]) -> Vec<u8> {
        match self {
            Self::Sha256 => parts.iter().fold(Sha256::new(), Digest::chain_update).finalize().to_vec(),
            Self::Sha512 => parts.iter().fold(Sha512::new(), Digest::chain_update).finalize().to_vec(),
        }
    }

    /// HMAC (RFC 2104).
    fn keyed(self, key: &[u8], text: &[&[u8]]) -> Vec<u8> {
        let block = if self == Self::Sha256 { 64 } else { 128 };
        let mut key = if key.len() > block { self.of(&[key]) } else { key.to_vec() };
        key.resize(block, 0);
        let with = |pad: u8| key.iter().map(|byte| byte ^ pad).collect::<Vec<u8>>();
        let inner_key = with(0x36);
        let inner = self.of(&[&[inner_key.as_slice()], text].concat());
        self.of(&[&with(0x5c), &inner])
    }

    /// `Hi` of RFC 5802: PBKDF2 (RFC 8018) with HMAC, of one block.
    fn salted(self, password: &str, salt: &[u8], rounds: u32) -> Vec<u8> {
        let mut last = self.keyed(password.as_bytes(), &[salt, &1u32.to_be_bytes()]);
        let mut sum = last.clone();
        for _ in 1..rounds {
            last = self.keyed(password.as_bytes(), &[&last]);
            sum.iter_mut().zip(&last).for_each(|(sum, byte)| *sum ^= byte);
        }
        sum
    }
}

/// What is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Next {
    /// Salt, rounds and the broker's half of the nonce.
    Challenge,
    /// The broker's proof, which must be this.
    Proof(Vec<u8>),
    /// Nothing.
    Nothing,
}

/// One conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scram {
    hash: Hash,
    user: String,
    password: String,
    nonce: String,
    next: Next,
}

impl Scram {
    pub fn new(hash: Hash, user: &str, password: &str, nonce: [u8; 16]) -> Self {
        Self::with_nonce(hash, user, password, STANDARD.encode(nonce).replace('=', ""))
    }

    fn with_nonce(hash: Hash, user: &str, password: &str, nonce: String) -> Self {
        let (user, password) = (user.replace('=', "=3D").replace(',', "=2C"), password.to_owned());
        Self { hash, user, password, nonce, next: Next::Challenge }
    }

    /// The first message.
    pub fn first(&self) -> String {
        format!("n,,{}", self.first_bare())
    }

    fn first_bare(&self) -> String {
        format!("n={},r={}", self.user, self.nonce)
    }

    /// What follows on what the broker has said; `None` when it has proved itself. The error is a sentence.
    pub fn answer(&mut self, said: &str) -> Result<Option<String>, String> {
        let field = |name: &str| said.split(',').find_map(|field| field.strip_prefix(name)?.strip_prefix('='));
        if let Some(why) = field("e") {
            return Err(format!("the broker refuses the login: {why}"));
        }
        match std::mem::replace(&mut self.next, Next::Nothing) {
            Next::Challenge => {
                let missing = || "the broker's challenge is not one of SCRAM".to_owned();
                let (nonce, salt, rounds) =
                    (field("r").ok_or_else(missing)?, field("s").ok_or_else(missing)?, field("i").ok_or_else(missing)?);
                let salt = STANDARD.decode(salt).map_err(|_| missing())?;
                let rounds = rounds.parse().ok().filter(|rounds| ROUNDS.contains(rounds)).ok_or_else(|| {
                    format!(
                        "the broker asks for {rounds} rounds, and from {} to {} are taken",
                        ROUNDS.start(),
                        ROUNDS.end()
                    )
                })?;
                if !nonce.starts_with(&self.nonce) || nonce.len() == self.nonce.len() {
                    return Err("the broker's challenge answers somebody else".to_owned());
                }
                Ok(Some(self.proof(said, nonce, &salt, rounds)))
            }
            Next::Proof(expected) => match field("v").map(|proof| STANDARD.decode(proof)) {
                Some(Ok(proof)) if proof == expected => Ok(None),
                _ => Err("the broker does not know the password: it is not the one that is meant".to_owned()),
            },
            Next::Nothing => Err("the broker goes on after the end of the login".to_owned()),
        }
    }

    fn proof(&mut self, challenge: &str, nonce: &str, salt: &[u8], rounds: u32) -> String {
        let hash = self.hash;
        let salted = hash.salted(&self.password, salt, rounds);
        let client_key = hash.keyed(&salted, &[b"Client Key"]);
        let without_proof = format!("c=biws,r={nonce}");
        let spoken = format!("{},{challenge},{without_proof}", self.first_bare());
        let signature = hash.keyed(&hash.of(&[&client_key]), &[spoken.as_bytes()]);
        let proof: Vec<u8> = client_key.iter().zip(&signature).map(|(key, signature)| key ^ signature).collect();
        self.next = Next::Proof(hash.keyed(&hash.keyed(&salted, &[b"Server Key"]), &[spoken.as_bytes()]));
        format!("{without_proof},p={}", STANDARD.encode(proof))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7677, section 3.
    fn example() -> Scram {
        Scram::with_nonce(Hash::Sha256, "user", "pencil", "rOprNGfwEbeRWgbNEkqO".into())
    }

    const CHALLENGE: &str = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";

    #[test]
    fn the_example_of_the_rfc() {
        let mut scram = example();
        assert_eq!(scram.first(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        let expected = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
        assert_eq!(scram.answer(CHALLENGE), Ok(Some(expected.to_owned())));
        assert_eq!(scram.answer("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="), Ok(None));
        assert!(scram.answer("v=").is_err());
    }

    #[test]
    fn a_broker_is_not_believed() {
        let refused = |challenge: &str, says: &str| {
            let why = example().answer(challenge).unwrap_err();
            assert!(why.contains(says), "{why}");
        };
        refused("r=other,s=AAAA,i=4096", "somebody else");
        refused("r=rOprNGfwEbeRWgbNEkqO,s=AAAA,i=4096", "somebody else");
        refused("r=rOprNGfwEbeRWgbNEkqOx,s=AAAA,i=1", "rounds");
        refused("r=rOprNGfwEbeRWgbNEkqOx,s=AAAA,i=4000000000", "rounds");
        refused("r=x", "not one of SCRAM");
        refused("e=unknown-user", "unknown-user");
        let mut scram = example();
        scram.answer(CHALLENGE).unwrap();
        assert!(scram.answer("v=AAAA").unwrap_err().contains("does not know the password"));
    }

    #[test]
    fn names_with_commas() {
        let scram = Scram::with_nonce(Hash::Sha512, "a=b,c", "", "n".into());
        assert_eq!(scram.first(), "n,,n=a=3Db=2Cc,r=n");
    }

    /// Test case 2 of RFC 4231.
    #[test]
    fn keyed_hashes() {
        let hex = |bytes: Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let keyed = |hash: Hash| hex(hash.keyed(b"Jefe", &[b"what do ya want ", b"for nothing?"]));
        assert_eq!(keyed(Hash::Sha256), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        assert!(keyed(Hash::Sha512).starts_with("164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"));
        let long = hex(Hash::Sha256.keyed(&[0xaa; 131], &[b"Test Using Larger Than Block-Size Key - Hash Key First"]));
        assert_eq!(long, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    }
}
