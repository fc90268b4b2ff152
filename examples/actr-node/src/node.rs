//! Bring a node up by the public interface of the crates, and take it down.

use std::collections::HashMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use actr_config::{ObservabilityConfig, PackageInfo, RuntimeConfig, WebRtcConfig};
use actr_hyper::{ActrRef, Hyper, HyperConfig, Node, StaticTrust};
use actr_protocol::{ActrType, Realm};
use tokio::signal::unix::{SignalKind, signal};
use wasmhost_emit::Emitter;

use crate::Failure;
use crate::options::Place;
use crate::workload::Observed;

/// All nodes of this example live in one realm.
pub const REALM: u32 = 7;

/// How a node differs from another.
#[derive(Default)]
pub struct Shape {
    /// Peers may connect by WebSocket, too.
    pub listens: bool,
    pub handle: Duration,
    pub threshold: Option<usize>,
}

/// A node that runs, and what has to be given back.
pub struct Running {
    pub actor: ActrRef,
    emitter: Emitter,
    folder: PathBuf,
}

/// The type of a node with that name.
pub fn kind(name: &str) -> ActrType {
    ActrType {
        manufacturer: "acme".to_owned(),
        name: name.to_owned(),
        version: "1.0.0".to_owned(),
    }
}

impl Running {
    /// Start a node: link the workload, register, go.
    pub async fn start(place: &Place, shape: Shape) -> Result<Self, Failure> {
        let folder = std::env::temp_dir().join(format!("actr-node-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let emitter = Emitter::to(place.to.clone()).start();
        println!("{}: tells {} as {}", place.name, place.to, emitter.src());
        let workload = Observed {
            emitter: emitter.clone(),
            handle: shape.handle,
        };
        let trust = Arc::new(StaticTrust::dev_only()); // of packages; a linked workload is none
        let config =
            HyperConfig::new(&folder, trust).with_mailbox_backpressure_threshold(shape.threshold);
        let hyper = Hyper::new(config).await?;
        let runtime = runtime_config(place, &folder, shape.listens)?;
        let ais = runtime.ais_endpoint.clone();
        let node = Node::from_hyper(hyper, runtime).link(workload).await?;
        let actor = node.register(&ais).await?.start().await?;
        println!("{}: is node {} and ready", place.name, actor.actor_id());
        Ok(Self {
            actor,
            emitter,
            folder,
        })
    }

    /// Stop the node, and let the host have all that happened.
    pub async fn stop(self) -> Result<(), Failure> {
        let name = self.actor.actor_id().r#type.name;
        self.actor.shutdown();
        self.actor.wait_for_shutdown().await;
        drop(self.actor);
        let stats = self.emitter.close(Duration::from_secs(5)).await;
        println!(
            "{name}: {} events, {} delivered, {} dropped",
            stats.emitted, stats.delivered, stats.dropped
        );
        if let (true, Some(trouble)) = (stats.dropped > 0, self.emitter.link().trouble) {
            println!("{name}: {trouble}");
        }
        std::fs::remove_dir_all(&self.folder)?;
        Ok(())
    }
}

/// Wait for SIGINT or SIGTERM.
pub async fn told_to_stop() -> Result<(), Failure> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

fn runtime_config(place: &Place, folder: &Path, listens: bool) -> Result<RuntimeConfig, Failure> {
    let Place { actrix, name, .. } = place;
    Ok(RuntimeConfig {
        package: PackageInfo {
            name: name.clone(),
            actr_type: kind(name),
            description: None,
            authors: Vec::new(),
            license: None,
        },
        signaling_url: url::Url::parse(&format!("ws://127.0.0.1:{actrix}/signaling/ws"))?,
        realm: Realm { realm_id: REALM },
        ais_endpoint: format!("http://127.0.0.1:{actrix}/ais"),
        realm_secret: None,
        visible_in_discovery: true,
        acl: None,
        mailbox_path: None,
        scripts: HashMap::new(),
        webrtc: WebRtcConfig::default(),
        websocket_listen_port: listens.then(free_port).transpose()?,
        websocket_advertised_host: listens.then(|| "127.0.0.1".to_owned()),
        observability: ObservabilityConfig {
            filter_level: "warn".to_owned(),
            tracing_enabled: false,
            tracing_endpoint: String::new(),
            tracing_service_name: name.clone(),
        },
        config_dir: folder.to_path_buf(),
        trust: Vec::new(),
        package_path: None,
        web: None,
    })
}

/// A port that is free now: the crates advertise the number they are given, so 0 will not do.
fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
