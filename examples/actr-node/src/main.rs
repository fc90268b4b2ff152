//! A real Actor-RTC node whose hooks reach wasmhost; and what such a node needs around it. See README.md.

mod actrix;
mod caller;
mod demo;
mod node;
mod options;
mod server;
mod told;
mod workload;

use std::error::Error;
use std::process::ExitCode;

use tracing_subscriber::EnvFilter;

use crate::options::{Command, USAGE, parse};

/// Whatever went wrong, for people to read.
type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    let command = match parse(std::env::args().skip(1)) {
        Ok(command) => command,
        Err(why) => {
            eprintln!("actr-node: {why}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    // The crates of the node talk much. RUST_LOG=info lets them.
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("off"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let done = match command {
        Command::Help => {
            println!("{USAGE}");
            Ok(())
        }
        Command::Actrix { port } => actrix::run(port).await,
        Command::Serve(options) => server::run(options).await,
        Command::Call(options) => caller::run(options).await,
        Command::Demo(options) => demo::run(options).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("actr-node: {why}");
            ExitCode::FAILURE
        }
    }
}
