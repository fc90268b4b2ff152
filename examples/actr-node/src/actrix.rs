//! A mock of actrix, where nodes register and find each other: that of the crates, which knows nodes again.
//!
//! By itself it gives a new serial number to whoever registers, so a node that was killed and came back would be
//! another node to all others. Here the type of a node is its name: who registers under one that was there before
//! is that node, as if it had kept its credential.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use actr_mock_actrix::state::MockState;
use actr_mock_actrix::{http, signaling};
use actr_protocol::prost::Message;
use actr_protocol::{ActrType, RegisterRequest};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use ed25519_dalek::SigningKey;
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::Failure;
use crate::node::told_to_stop;

/// Serial numbers, by the type of the node.
type Known = Mutex<HashMap<ActrType, u64>>;

#[derive(Clone)]
struct Registry {
    mock: Arc<MockState>,
    known: Arc<Known>,
}

pub async fn run(port: u16) -> Result<(), Failure> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("actrix: listens on port {}", listener.local_addr()?.port());
    let key = |byte| SigningKey::from_bytes(&[byte; 32]);
    let cancel = CancellationToken::new();
    let mock = Arc::new(MockState::new(key(42), 1, key(43), cancel.clone()));
    let registry = Registry {
        mock: Arc::clone(&mock),
        known: Arc::default(),
    };
    let app = Router::new()
        .route("/signaling/ws", get(signaling::ws_upgrade_handler))
        .route("/ais/renew", post(http::renew_handler))
        .with_state(mock)
        .merge(
            Router::new()
                .route("/ais/register", post(register))
                .with_state(registry),
        );
    let stop = async move {
        let _ = told_to_stop().await;
        cancel.cancel(); // closes the connections of the nodes
    };
    axum::serve(listener, app)
        .with_graceful_shutdown(stop)
        .await?;
    Ok(())
}

/// Register a node: the mock gives it the next serial number, which is the one that it had.
async fn register(State(registry): State<Registry>, body: Bytes) -> Response {
    let mut known = registry.known.lock().await; // held until the mock has the number
    let Ok(request) = RegisterRequest::decode(body.clone()) else {
        return answer(&registry, body).await; // the mock knows what to say
    };
    let (mock, kind) = (&registry.mock, request.actr_type);
    let next = mock.next_serial.load(Ordering::SeqCst);
    let serial = *known.entry(kind.clone()).or_insert(next);
    mock.registry
        .write()
        .await
        .retain(|entry| entry.actr_type != kind);
    mock.next_serial.store(serial, Ordering::SeqCst);
    let response = answer(&registry, body).await;
    mock.next_serial.fetch_max(next, Ordering::SeqCst);
    println!(
        "actrix: {} {}",
        kind.name,
        if serial == next {
            "registers"
        } else {
            "is back"
        }
    );
    response
}

async fn answer(registry: &Registry, body: Bytes) -> Response {
    http::register_handler(State(Arc::clone(&registry.mock)), body)
        .await
        .into_response()
}
