//! The node that calls: it finds the one that answers, and a WebRTC connection forms by the first call.

use std::time::{Duration, Instant};

use actr_framework::{Bytes, Context};
use actr_protocol::{ActorResult, ActrId};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::Failure;
use crate::node::{Running, Shape, kind, told_to_stop};
use crate::options::Call;
use crate::workload::ECHO;

/// The name of the node that is called.
const SERVER: &str = "echo";
const CALL_WITHIN: Duration = Duration::from_secs(30);
/// The first call may fail while the connection is being made, and actrix needs a moment to know a new node.
const AGAIN: Duration = Duration::from_millis(200);

pub async fn run(options: Call) -> Result<(), Failure> {
    let node = Running::start(&options.place, Shape::default()).await?;
    tokio::select! {
        () = call(&node, &options) => {}
        stopped = told_to_stop() => stopped?,
    }
    node.stop().await
}

async fn call(node: &Running, options: &Call) {
    let name = &options.place.name;
    let server = find(node).await;
    println!("{name}: found node {server}");
    let mut number = 0;
    while options.times == 0 || number < options.times {
        number += 1;
        let start = Instant::now();
        let mut calls = JoinSet::new();
        for _ in 0..options.at_once {
            let (context, server) = (node.actor.app_context().await, server.clone());
            calls.spawn(async move { until_answered(&context, &server, number).await });
        }
        let failures: u32 = calls.join_all().await.into_iter().sum();
        let (took, tries) = (
            start.elapsed().as_millis(),
            if failures > 0 { " not at once" } else { "" },
        );
        println!("{name}: call {number} was answered{tries}, in {took} ms");
        sleep(options.every).await;
    }
}

/// Ask actrix for the server until it knows one.
async fn find(node: &Running) -> ActrId {
    loop {
        match node.actor.discover_route_candidates(&kind(SERVER), 1).await {
            Ok(found) if !found.is_empty() => return found[0].clone(),
            _ => sleep(AGAIN).await,
        }
    }
}

/// Call until there is an answer; how often there was none.
async fn until_answered<C: Context>(context: &C, server: &ActrId, number: u64) -> u32 {
    let mut failures = 0;
    loop {
        match once(context, server, number).await {
            Ok(answer) if answer == number.to_string() => return failures,
            _ => failures += 1,
        }
        sleep(AGAIN).await;
    }
}

async fn once<C: Context>(context: &C, server: &ActrId, number: u64) -> ActorResult<Bytes> {
    let said = Bytes::from(number.to_string());
    timeout(CALL_WITHIN, context.call_raw(server, ECHO, said))
        .await
        .unwrap_or(Err(actr_protocol::ActrError::TimedOut))
}
