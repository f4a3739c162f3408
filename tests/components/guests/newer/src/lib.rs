//! A component of a contract that is yet to come.

wit_bindgen::generate!({
    inline: "
        package connect:connector@0.2.0;
        interface plugin { describe: func() -> string; }
        world later { export plugin; }
    ",
});

struct Newer;

impl exports::connect::connector::plugin::Guest for Newer {
    fn describe() -> String {
        "later".to_owned()
    }
}

export!(Newer);
