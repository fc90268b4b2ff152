//! Emit so many events to a host, wait until it has them, and say what became of them.
//!
//! `cargo run --example tell -- TARGET COUNT [--every-us N] [--token SECRET] [--tls CA CERT KEY]`

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use wasmhost_emit::{ActrId, ActrType, Builder, Context, Emitter, HookEvent};

/// How long to wait for the host at the end.
const WITHIN: Duration = Duration::from_secs(30);

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let mut need = |what: &str| words.next().ok_or(format!("say {what}"));
    let mut builder = Emitter::to(need("the target")?.parse()?).room(100_000, 64 << 20);
    let count: u32 = need("how many events")?.parse()?;
    let mut every = Duration::ZERO;
    while let Ok(option) = need("an option") {
        match option.as_str() {
            "--every-us" => every = Duration::from_micros(need("how often")?.parse()?),
            "--token" => builder = builder.token(need("the token")?),
            "--tls" => {
                builder = tls(
                    builder,
                    [need("the CA")?, need("a certificate")?, need("its key")?],
                )?
            }
            other => return Err(format!("{other} is no option").into()),
        }
    }
    let emitter = builder.start();
    let kind = ActrType {
        manufacturer: "acme",
        name: "echo",
        version: "1.0.0",
    };
    let me = ActrId {
        realm: 7,
        serial_number: 1,
        kind,
    };
    let ctx = Context {
        self_id: me,
        caller_id: None,
        request_id: "r-1",
    };
    for _ in 0..count {
        emitter.emit(&HookEvent::SignalingConnected, Some(&ctx));
        if !every.is_zero() {
            tokio::time::sleep(every).await;
        }
    }
    let stats = emitter.close(WITHIN).await;
    let link = emitter.link();
    println!(
        "{} emitted {} delivered {} dropped {} connections {}",
        emitter.src(),
        stats.emitted,
        stats.delivered,
        stats.dropped,
        link.connections
    );
    if let Some(trouble) = link.trouble {
        println!("{trouble}");
    }
    Ok(if stats.dropped == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

#[cfg(feature = "tls")]
fn tls(
    builder: Builder,
    [authorities, certificate, key]: [String; 3],
) -> Result<Builder, Box<dyn Error>> {
    Ok(builder.tls(wasmhost_emit::Tls::from_files(
        authorities,
        certificate,
        key,
    )?))
}

#[cfg(not(feature = "tls"))]
fn tls(_builder: Builder, _files: [String; 3]) -> Result<Builder, Box<dyn Error>> {
    Err("TLS takes the feature tls".into())
}
