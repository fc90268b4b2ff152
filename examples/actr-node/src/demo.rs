//! All together: actrix, a server, and a caller that is killed and comes back, each a process of its own.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use crate::Failure;
use crate::options::Demo;

const PATIENCE: Duration = Duration::from_secs(60);

/// A process of this program, and what it says.
struct Part {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Part {
    fn start(arguments: &[&str]) -> Result<Self, Failure> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(arguments)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let out = child.stdout.take().ok_or("no standard output")?;
        Ok(Self {
            child,
            lines: BufReader::new(out).lines(),
        })
    }

    /// Pass on what it says until a line has these words.
    async fn until(&mut self, words: &str) -> Result<String, Failure> {
        let waited = timeout(PATIENCE, async {
            while let Some(line) = self.lines.next_line().await? {
                println!("{line}");
                if line.contains(words) {
                    return Ok(line);
                }
            }
            Err::<_, Failure>(format!("it ended without a word of {words:?}").into())
        });
        waited
            .await
            .map_err(|_| format!("no word of {words:?} in {PATIENCE:?}"))?
    }

    /// Have it stop, and pass on what it says to that.
    async fn stop(mut self) -> Result<(), Failure> {
        if let Some(pid) = self.child.id() {
            Command::new("kill")
                .args(["-TERM", &pid.to_string()])
                .status()
                .await?;
        }
        while let Some(line) = self.lines.next_line().await? {
            println!("{line}");
        }
        self.child.wait().await?;
        Ok(())
    }
}

pub async fn run(options: Demo) -> Result<(), Failure> {
    let to = options.to.to_string();
    let mut actrix = Part::start(&["actrix"])?;
    let line = actrix.until("listens on port").await?;
    let port = line.rsplit(' ').next().unwrap_or_default();
    let place = ["--actrix", port, "--to", &to];
    let mut server = Part::start(&[&["serve"], &place[..]].concat())?;
    server.until("and ready").await?;
    for _ in 0..options.kills {
        let mut caller = Part::start(&[&["call"], &place[..]].concat())?;
        caller.until("call 3 was answered").await?;
        println!("demo: kills the caller");
        caller.child.kill().await?;
    }
    let mut caller = Part::start(&[&["call", "--times", "3"], &place[..]].concat())?;
    caller.until("events").await?;
    server.stop().await?;
    actrix.stop().await
}
