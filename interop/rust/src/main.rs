//! A rust-libp2p node for the interoperability matrix. See ../README.md for its command line and the verbs on its stdin.
mod node;
mod protocols;
mod streams;

use std::{collections::HashSet, env, error::Error, process};

use futures::{future::try_join_all, StreamExt};
use libp2p::{
    multiaddr::Protocol,
    swarm::{dial_opts::DialOpts, ConnectionId, SwarmEvent},
    Multiaddr, PeerId, Swarm,
};
use node::{Behaviour, BehaviourEvent, Options};
use protocols::{answer, echo, perf, ping, ECHO, PERF, PING};
use serde_json::{json, Value};
use tokio::io::{stdin, AsyncBufReadExt, BufReader};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse(env::args().skip(1))?;
    let (mut swarm, mut inbound) = node::start(&options)?;

    tokio::spawn(async move {
        while let Some((protocol, stream)) = inbound.next().await {
            tokio::spawn(answer(protocol, stream));
        }
    });

    say(
        json!({ "peer": swarm.local_peer_id().to_string(), "addresses": listen(&mut swarm, &options.listen).await? }),
    );

    // ends with the program that started this one
    let mut lines = BufReader::new(stdin()).lines();
    let mut dials = HashSet::new();

    loop {
        tokio::select! {
            line = lines.next_line() => match line? {
                Some(line) => obey(&mut swarm, &mut dials, &line).unwrap_or_else(fail),
                None => return Ok(()),
            },
            event = swarm.select_next_some() => tell(&mut dials, event),
        }
    }
}

/// Returns the addresses listened on, when there is one for each that was asked for.
async fn listen(swarm: &mut Swarm<Behaviour>, wanted: &[Multiaddr]) -> Result<Vec<String>> {
    let mut addresses = vec![];

    for address in wanted {
        swarm.listen_on(address.clone())?;
    }
    while addresses.len() < wanted.len() {
        match swarm.select_next_some().await {
            SwarmEvent::NewListenAddr { address, .. } => addresses.push(
                address
                    .with(Protocol::P2p(*swarm.local_peer_id()))
                    .to_string(),
            ),
            SwarmEvent::ListenerClosed { reason, .. } => reason?,
            _ => {}
        }
    }
    Ok(addresses)
}

/// Does what a line says, and answers it: at once, later in a task, or for a dial when the swarm tells how that went.
fn obey(swarm: &mut Swarm<Behaviour>, dials: &mut HashSet<ConnectionId>, line: &str) -> Result<()> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let (verb, words) = words.split_first().ok_or("no verb")?;

    if *verb == "dial" {
        let dial = DialOpts::from(words[0].parse::<Multiaddr>()?);
        dials.insert(dial.connection_id());
        return Ok(swarm.dial(dial)?);
    }
    if *verb == "exit" {
        process::exit(0);
    }

    let numbers = words
        .iter()
        .map(|word| word.parse())
        .collect::<std::result::Result<Vec<usize>, _>>()?;
    let peer = only_peer(swarm)?;

    match *verb {
        "ping" => {
            let stream = swarm.behaviour_mut().streams.open(peer, PING);
            answer_with(async move {
                Ok(json!({ "ms": ping(stream.await??).await?, "peer": peer.to_string() }))
            });
        }
        "echo" => {
            let (stream, length) = (swarm.behaviour_mut().streams.open(peer, ECHO), numbers[0]);
            answer_with(async move {
                echo(stream.await??, length).await?;
                Ok(json!({ "bytes": length }))
            });
        }
        "streams" => {
            let (count, length) = (numbers[0], numbers[1]);
            let opening: Vec<_> = (0..count)
                .map(|_| swarm.behaviour_mut().streams.open(peer, ECHO))
                .collect();
            answer_with(async move {
                // all are open before the first ends
                let streams = try_join_all(opening)
                    .await?
                    .into_iter()
                    .collect::<std::io::Result<Vec<_>>>()?;
                try_join_all(streams.into_iter().map(|stream| echo(stream, length))).await?;
                Ok(json!({ "streams": count }))
            });
        }
        "perf" => {
            let stream = swarm.behaviour_mut().streams.open(peer, PERF);
            answer_with(async move {
                Ok(json!({ "seconds": perf(stream.await??, numbers[0], numbers[1]).await? }))
            });
        }
        "close" => {
            swarm.disconnect_peer_id(peer).map_err(|()| "no peer")?;
            say(json!({}));
        }
        _ => return Err(format!("unknown verb {verb}").into()),
    }
    Ok(())
}

fn only_peer(swarm: &Swarm<Behaviour>) -> Result<PeerId> {
    let peers: Vec<_> = swarm.connected_peers().collect();

    match peers[..] {
        [peer] => Ok(*peer),
        _ => Err(format!("{} connections instead of 1", peers.len()).into()),
    }
}

fn tell(dials: &mut HashSet<ConnectionId>, event: SwarmEvent<BehaviourEvent>) {
    match event {
        SwarmEvent::ConnectionEstablished {
            peer_id,
            connection_id,
            endpoint,
            ..
        } if dials.remove(&connection_id) => say(json!({
            "peer": peer_id.to_string(),
            "address": endpoint.get_remote_address().to_string(),
        })),
        SwarmEvent::OutgoingConnectionError {
            connection_id,
            error,
            ..
        } if dials.remove(&connection_id) => fail(error.into()),
        _ => {}
    }
}

fn answer_with(work: impl std::future::Future<Output = Result<Value>> + Send + 'static) {
    tokio::spawn(async move { work.await.map_or_else(fail, say) });
}

fn fail(error: Box<dyn Error + Send + Sync>) {
    say(json!({ "error": format!("{error}: {error:?}") }));
}

fn say(what: Value) {
    println!("{what}");
}
