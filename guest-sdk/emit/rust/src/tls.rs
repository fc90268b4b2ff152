//! TLS to the host, with the node's own certificate.

use std::io;
use std::path::Path;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::target::Stream;

/// Whom to believe, and how to prove who we are: made once, used for every connection.
#[derive(Clone)]
pub struct Tls(TlsConnector);

impl Tls {
    /// Read three files in PEM: the authorities that may vouch for the host, and the node's certificate chain
    /// and private key.
    pub fn from_files(
        authorities: impl AsRef<Path>,
        certificate: impl AsRef<Path>,
        key: impl AsRef<Path>,
    ) -> io::Result<Self> {
        let mut roots = RootCertStore::empty();
        for root in certificates(authorities.as_ref())? {
            roots
                .add(root)
                .map_err(|error| unfit(authorities.as_ref(), error))?;
        }
        let chain = certificates(certificate.as_ref())?;
        let private = PrivateKeyDer::from_pem_file(key.as_ref())
            .map_err(|error| unfit(key.as_ref(), error))?;
        let config = ClientConfig::builder()
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, private)
            .map_err(|error| unfit(certificate.as_ref(), error))?;
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }

    pub(crate) async fn wrap(&self, host: &str, stream: TcpStream) -> io::Result<Box<dyn Stream>> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        Ok(Box::new(self.0.connect(name, stream).await?))
    }
}

fn certificates(path: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match read {
        Ok(found) if found.is_empty() => Err(unfit(path, "there is no certificate in it")),
        Ok(found) => Ok(found),
        Err(error) => Err(unfit(path, error)),
    }
}

fn unfit(path: &Path, why: impl std::fmt::Display) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("{}: {why}", path.display()),
    )
}
