//! Prints `docs/apis.md`.

fn main() {
    print!("{}", broker_wire::apis::page::page());
}
