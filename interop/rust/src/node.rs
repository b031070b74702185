//! The swarm: TCP and DNS below WebSockets, Noise and yamux above.
use std::{path::Path, time::Duration};

use futures::channel::mpsc::UnboundedReceiver;
use libp2p::{
    core::upgrade::Version,
    dns, identify,
    identity::Keypair,
    noise, ping,
    swarm::{self, NetworkBehaviour},
    tcp, websocket,
    websocket::tls,
    yamux, Multiaddr, Stream, StreamProtocol, Swarm, Transport,
};
use rustls_pki_types::{pem::PemObject, CertificateDer, PrivateKeyDer};

use crate::{
    protocols::{ECHO, PERF, RESET},
    streams, Result,
};

#[derive(Default)]
pub struct Options {
    pub listen: Vec<Multiaddr>,
    cert: Option<String>,
    key: Option<String>,
    ca: Option<String>,
    redirects: u8,
}

impl Options {
    pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self> {
        let mut options = Self::default();

        while let (Some(name), Some(value)) = (arguments.next(), arguments.next()) {
            match name.as_str() {
                "--listen" => {
                    options.listen = value
                        .split(',')
                        .map(str::parse)
                        .collect::<std::result::Result<_, _>>()?
                }
                "--cert" => options.cert = Some(value),
                "--key" => options.key = Some(value),
                "--ca" => options.ca = Some(value),
                "--redirects" => options.redirects = value.parse()?,
                _ => return Err(format!("unknown option {name}").into()),
            }
        }
        Ok(options)
    }
}

#[derive(NetworkBehaviour)]
pub struct Behaviour {
    ping: ping::Behaviour,
    identify: identify::Behaviour,
    pub streams: streams::Behaviour,
}

type Inbound = UnboundedReceiver<(StreamProtocol, Stream)>;

pub fn start(options: &Options) -> Result<(Swarm<Behaviour>, Inbound)> {
    let identity = Keypair::generate_ed25519();
    let tcp = tcp::tokio::Transport::new(tcp::Config::default().nodelay(true));
    let mut websockets = websocket::Config::new(dns::tokio::Transport::system(tcp)?);
    websockets
        .set_tls_config(tls_config(options)?)
        .set_max_redirects(options.redirects);

    let transport = websockets
        .upgrade(Version::V1Lazy)
        .authenticate(noise::Config::new(&identity)?)
        // with any option set this would be yamux 0.12, which forgets to tell a reader of the end of a stream
        .multiplex(yamux::Config::default())
        .boxed();
    let (streams, inbound) = streams::Behaviour::new(vec![ECHO, PERF, RESET]);
    let behaviour = Behaviour {
        ping: ping::Behaviour::default(),
        identify: identify::Behaviour::new(identify::Config::new(
            "interop/1.0.0".into(),
            identity.public(),
        )),
        streams,
    };
    let config = swarm::Config::with_tokio_executor()
        .with_idle_connection_timeout(Duration::from_secs(300))
        .with_max_negotiating_inbound_streams(2_000);

    Ok((
        Swarm::new(transport, behaviour, identity.public().into(), config),
        inbound,
    ))
}

fn tls_config(options: &Options) -> Result<tls::Config> {
    let mut builder = tls::Config::builder();

    if let (Some(cert), Some(key)) = (&options.cert, &options.key) {
        let key = PrivateKeyDer::from_pem_file(Path::new(key))?;
        builder.server(
            tls::PrivateKey::new(key.secret_der().to_vec()),
            [certificate(cert)?],
        )?;
    }
    if let Some(ca) = &options.ca {
        builder.add_trust(&certificate(ca)?)?;
    }
    Ok(builder.finish())
}

fn certificate(file: &str) -> Result<tls::Certificate> {
    let der = CertificateDer::from_pem_file(Path::new(file))?;
    Ok(tls::Certificate::new(der.to_vec()))
}
