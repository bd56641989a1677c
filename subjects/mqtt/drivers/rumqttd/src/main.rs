//! rumqttd with the configuration of a file, as its own program starts it. The lock file of that one names a crate that
//! Rust of today refuses; here is one of ours.

use std::{env, fs};

fn main() {
    let file = env::args().nth(1).expect("the configuration");
    let text = fs::read_to_string(file).expect("a configuration that can be read");
    let config = toml::from_str(&text).expect("a configuration of rumqttd");
    rumqttd::Broker::new(config).start().expect("a broker that serves");
}
