//! Where the host listens, and how to get there.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

/// A connection of any kind.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Where the host listens, as `wasmhost run --from` writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// `unix:PATH`: a Unix socket.
    Unix(PathBuf),
    /// `tcp:HOST:PORT`. Beyond loopback a host asks for TLS.
    Tcp {
        /// Its name or address; an IPv6 address stands in brackets.
        host: String,
        /// Its port.
        port: u16,
    },
}

/// A text that names no [`Target`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadTarget(String);

impl fmt::Display for BadTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "no target: {:?}; write unix:PATH or tcp:HOST:PORT",
            self.0
        )
    }
}

impl std::error::Error for BadTarget {}

impl FromStr for Target {
    type Err = BadTarget;

    fn from_str(text: &str) -> Result<Self, BadTarget> {
        let bad = || BadTarget(text.to_owned());
        match text.split_once(':') {
            Some(("unix", path)) if !path.is_empty() => Ok(Self::Unix(path.into())),
            Some(("tcp", place)) => {
                let (host, port) = place.rsplit_once(':').ok_or_else(bad)?;
                let port = port.parse().map_err(|_| bad())?;
                if host.is_empty() || (host.contains(':') && !host.starts_with('[')) {
                    return Err(bad());
                }
                Ok(Self::Tcp {
                    host: host.to_owned(),
                    port,
                })
            }
            _ => Err(bad()),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp { host, port } => write!(f, "tcp:{host}:{port}"),
        }
    }
}

/// A target with what it takes to connect to it.
pub(crate) struct Way {
    pub(crate) target: Target,
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<crate::tls::Tls>,
}

impl Way {
    pub(crate) async fn connect(&self) -> io::Result<Box<dyn Stream>> {
        match &self.target {
            Target::Unix(path) => Ok(Box::new(UnixStream::connect(path).await?)),
            Target::Tcp { host, port } => {
                let name = host.trim_start_matches('[').trim_end_matches(']');
                let stream = TcpStream::connect((name, *port)).await?;
                stream.set_nodelay(true)?; // what is written is a batch already
                #[cfg(feature = "tls")]
                if let Some(tls) = &self.tls {
                    return tls.wrap(name, stream).await;
                }
                plain_is_enough(stream.peer_addr()?.ip())?;
                Ok(Box::new(stream))
            }
        }
    }
}

/// Without TLS, nothing is said to anybody beyond this machine: not the token, nor what happens in the node.
fn plain_is_enough(host: IpAddr) -> io::Result<()> {
    if host.to_canonical().is_loopback() {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidInput,
        "a host beyond loopback takes TLS (the feature tls, and Builder::tls)",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_tls_only_loopback_is_let_pass() {
        for host in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            assert!(plain_is_enough(host.parse().unwrap()).is_ok(), "{host}");
        }
        for host in ["10.0.0.1", "192.0.2.1", "2001:db8::1", "::ffff:10.0.0.1"] {
            assert!(plain_is_enough(host.parse().unwrap()).is_err(), "{host}");
        }
    }

    #[test]
    fn targets_are_read_as_they_are_written() {
        for text in [
            "unix:/run/wasmhost.sock",
            "tcp:127.0.0.1:7000",
            "tcp:[::1]:7000",
            "tcp:host.example:1",
        ] {
            assert_eq!(
                text.parse::<Target>().map(|target| target.to_string()),
                Ok(text.to_owned())
            );
        }
    }

    #[test]
    fn what_names_no_target_is_told_back() {
        for text in [
            "",
            "unix:",
            "tcp:7000",
            "tcp::7000",
            "tcp:host:70000",
            "tcp:::1:7000",
            "udp:host:1",
            "/run/x",
        ] {
            assert_eq!(
                text.parse::<Target>(),
                Err(BadTarget(text.to_owned())),
                "{text}"
            );
        }
    }
}
