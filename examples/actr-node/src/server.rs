//! The node that answers.

use crate::Failure;
use crate::node::{Running, Shape, told_to_stop};
use crate::options::Serve;

pub async fn run(options: Serve) -> Result<(), Failure> {
    let shape = Shape {
        listens: true,
        handle: options.handle,
        threshold: options.threshold,
    };
    let node = Running::start(&options.place, shape).await?;
    told_to_stop().await?;
    node.stop().await
}
