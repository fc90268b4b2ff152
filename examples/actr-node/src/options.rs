//! What the command line says.

use std::time::Duration;

use wasmhost_emit::Target;

pub const USAGE: &str = "\
usage: actr-node actrix [--port N]
       actr-node serve --actrix PORT --to TARGET [--name NAME] [--handle-ms N] [--threshold N]
       actr-node call  --actrix PORT --to TARGET [--name NAME] [--times N] [--every-ms N] [--at-once N]
       actr-node demo  --to TARGET [--kills N]

  actrix   a mock of the server where nodes register and find each other; it prints its port
  serve    a node that answers calls, until SIGINT or SIGTERM
  call     a node that finds that one and calls it: --times, 0 for until a signal
  demo     all three as processes, where the caller is killed with SIGKILL and comes back, --kills times

  --to         where wasmhost listens: unix:PATH or tcp:HOST:PORT
  --name       the name of what the node runs (echo, caller). The mock knows a node by it: who comes back
               under a name is the same node
  --handle-ms  how long the node takes to answer a call (0)
  --threshold  how many calls may wait until that is pressure (the crates' own default)
  --every-ms   how long to wait between calls (200)
  --at-once    how many calls to make each time (1)";

/// What to be.
#[derive(Debug)]
pub enum Command {
    Help,
    Actrix { port: u16 },
    Serve(Serve),
    Call(Call),
    Demo(Demo),
}

/// What every node is told.
#[derive(Clone, Debug)]
pub struct Place {
    /// The port of the mock of actrix, on loopback.
    pub actrix: u16,
    /// Where wasmhost listens.
    pub to: Target,
    /// The name of what the node runs.
    pub name: String,
}

#[derive(Debug)]
pub struct Serve {
    pub place: Place,
    pub handle: Duration,
    pub threshold: Option<usize>,
}

#[derive(Debug)]
pub struct Call {
    pub place: Place,
    pub times: u64,
    pub every: Duration,
    pub at_once: usize,
}

#[derive(Debug)]
pub struct Demo {
    pub to: Target,
    pub kills: u32,
}

/// Read the command line, without the program's own name.
pub fn parse(arguments: impl Iterator<Item = String>) -> Result<Command, String> {
    let mut arguments = arguments.collect::<Vec<_>>().into_iter();
    let word = arguments.next().ok_or("say what to be")?;
    let mut rest = Rest(arguments.collect());
    let command = match word.as_str() {
        "actrix" => Command::Actrix {
            port: rest.number("--port")?.unwrap_or(0),
        },
        "serve" => Command::Serve(Serve {
            place: rest.place("echo")?,
            handle: Duration::from_millis(rest.number("--handle-ms")?.unwrap_or(0)),
            threshold: rest.number("--threshold")?,
        }),
        "call" => Command::Call(Call {
            place: rest.place("caller")?,
            times: rest.number("--times")?.unwrap_or(0),
            every: Duration::from_millis(rest.number("--every-ms")?.unwrap_or(200)),
            at_once: rest.number("--at-once")?.unwrap_or(1),
        }),
        "demo" => Command::Demo(Demo {
            to: rest.target()?,
            kills: rest.number("--kills")?.unwrap_or(3),
        }),
        "help" | "--help" | "-h" => Command::Help,
        other => return Err(format!("{other} is nothing to be")),
    };
    match rest.0.first() {
        Some(left) => Err(format!("{word} has no use for {left}")),
        None => Ok(command),
    }
}

/// The options that were not read yet.
struct Rest(Vec<String>);

impl Rest {
    /// Take an option with its value out.
    fn take(&mut self, name: &str) -> Result<Option<String>, String> {
        let Some(at) = self.0.iter().position(|word| word == name) else {
            return Ok(None);
        };
        if at + 1 == self.0.len() {
            return Err(format!("{name} takes a value"));
        }
        let value = self.0.remove(at + 1);
        self.0.remove(at);
        Ok(Some(value))
    }

    fn number<T: std::str::FromStr>(&mut self, name: &str) -> Result<Option<T>, String> {
        let Some(value) = self.take(name)? else {
            return Ok(None);
        };
        value
            .parse()
            .map(Some)
            .map_err(|_| format!("{name} takes a number, got {value:?}"))
    }

    fn target(&mut self) -> Result<Target, String> {
        let value = self
            .take("--to")?
            .ok_or("say where wasmhost listens: --to")?;
        value
            .parse()
            .map_err(|bad: wasmhost_emit::BadTarget| bad.to_string())
    }

    fn place(&mut self, name: &str) -> Result<Place, String> {
        Ok(Place {
            actrix: self
                .number("--actrix")?
                .ok_or("say the port of actrix: --actrix")?,
            to: self.target()?,
            name: self.take("--name")?.unwrap_or_else(|| name.to_owned()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command, String> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn a_node_is_told_where_things_are() {
        let Ok(Command::Call(call)) = parsed("call --to unix:/s --actrix 8081 --times 5") else {
            panic!("not read");
        };
        assert_eq!(
            (call.place.actrix, call.place.to.to_string()),
            (8081, "unix:/s".to_owned())
        );
        assert_eq!(
            (call.place.name.as_str(), call.times, call.at_once),
            ("caller", 5, 1)
        );
    }

    #[test]
    fn mistakes_are_told_by_name() {
        for (line, why) in [
            ("", "say what to be"),
            ("dance", "dance is nothing to be"),
            ("serve --actrix 1", "say where wasmhost listens: --to"),
            ("serve --to unix:/s", "say the port of actrix: --actrix"),
            (
                "serve --to unix:/s --actrix x",
                "--actrix takes a number, got \"x\"",
            ),
            ("actrix --port", "--port takes a value"),
            ("actrix --times 3", "actrix has no use for --times"),
        ] {
            assert_eq!(parsed(line).map(|_| ()).unwrap_err(), why, "{line}");
        }
    }
}
