//! Streams of any protocol, in and out. Unlike the published libp2p-stream it drops none when a thousand come at once.
use std::{
    collections::VecDeque,
    convert::Infallible,
    future::{ready, Ready},
    io,
    task::{Context, Poll},
    time::Duration,
};

use futures::channel::{
    mpsc::{unbounded, UnboundedReceiver, UnboundedSender},
    oneshot,
};
use libp2p::{
    core::{
        transport::PortUse,
        upgrade::{InboundUpgrade, OutboundUpgrade, UpgradeInfo},
        Endpoint,
    },
    swarm::{
        handler::{
            ConnectionEvent, DialUpgradeError, FullyNegotiatedInbound, FullyNegotiatedOutbound,
        },
        ConnectionDenied, ConnectionHandler, ConnectionHandlerEvent, ConnectionId, FromSwarm,
        NetworkBehaviour, NotifyHandler, StreamUpgradeError, SubstreamProtocol, THandlerInEvent,
        ToSwarm,
    },
    Multiaddr, PeerId, Stream, StreamProtocol,
};

/// For the negotiation of one stream among many.
const TIMEOUT: Duration = Duration::from_secs(60);

type Reply = oneshot::Sender<io::Result<Stream>>;
type Inbound = UnboundedSender<(StreamProtocol, Stream)>;

#[derive(Debug)]
pub struct Request {
    protocol: StreamProtocol,
    reply: Reply,
}

pub struct Behaviour {
    protocols: Vec<StreamProtocol>,
    inbound: Inbound,
    requests: VecDeque<(PeerId, Request)>,
}

impl Behaviour {
    /// Accepts streams of these protocols.
    pub fn new(
        protocols: Vec<StreamProtocol>,
    ) -> (Self, UnboundedReceiver<(StreamProtocol, Stream)>) {
        let (inbound, accepted) = unbounded();
        (
            Self {
                protocols,
                inbound,
                requests: VecDeque::new(),
            },
            accepted,
        )
    }

    pub fn open(
        &mut self,
        peer: PeerId,
        protocol: StreamProtocol,
    ) -> oneshot::Receiver<io::Result<Stream>> {
        let (reply, stream) = oneshot::channel();
        self.requests.push_back((peer, Request { protocol, reply }));
        stream
    }

    fn handler(&self) -> Handler {
        Handler {
            protocols: self.protocols.clone(),
            inbound: self.inbound.clone(),
            requests: VecDeque::new(),
        }
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = Handler;
    type ToSwarm = Infallible;

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<Handler, ConnectionDenied> {
        Ok(self.handler())
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<Handler, ConnectionDenied> {
        Ok(self.handler())
    }

    fn on_swarm_event(&mut self, _: FromSwarm) {}

    fn on_connection_handler_event(&mut self, _: PeerId, _: ConnectionId, event: Infallible) {
        match event {}
    }

    fn poll(&mut self, _: &mut Context) -> Poll<ToSwarm<Infallible, THandlerInEvent<Self>>> {
        match self.requests.pop_front() {
            Some((peer_id, event)) => Poll::Ready(ToSwarm::NotifyHandler {
                peer_id,
                handler: NotifyHandler::Any,
                event,
            }),
            // whoever opens a stream polls the swarm next
            None => Poll::Pending,
        }
    }
}

pub struct Handler {
    protocols: Vec<StreamProtocol>,
    inbound: Inbound,
    requests: VecDeque<Request>,
}

impl ConnectionHandler for Handler {
    type FromBehaviour = Request;
    type ToBehaviour = Infallible;
    type InboundProtocol = AnyOf;
    type OutboundProtocol = AnyOf;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = Reply;

    fn listen_protocol(&self) -> SubstreamProtocol<AnyOf> {
        SubstreamProtocol::new(AnyOf(self.protocols.clone()), ()).with_timeout(TIMEOUT)
    }

    fn connection_keep_alive(&self) -> bool {
        true
    }

    fn on_behaviour_event(&mut self, request: Request) {
        self.requests.push_back(request);
    }

    fn poll(&mut self, _: &mut Context) -> Poll<ConnectionHandlerEvent<AnyOf, Reply, Infallible>> {
        match self.requests.pop_front() {
            Some(Request { protocol, reply }) => {
                Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest {
                    protocol: SubstreamProtocol::new(AnyOf(vec![protocol]), reply)
                        .with_timeout(TIMEOUT),
                })
            }
            None => Poll::Pending,
        }
    }

    fn on_connection_event(&mut self, event: ConnectionEvent<AnyOf, AnyOf, (), Reply>) {
        // who gave up waiting for a stream is not told
        match event {
            ConnectionEvent::FullyNegotiatedInbound(FullyNegotiatedInbound {
                protocol, ..
            }) => {
                let _ = self.inbound.unbounded_send(protocol);
            }
            ConnectionEvent::FullyNegotiatedOutbound(FullyNegotiatedOutbound {
                protocol: (_, stream),
                info,
            }) => {
                let _ = info.send(Ok(stream));
            }
            ConnectionEvent::DialUpgradeError(DialUpgradeError { error, info }) => {
                let _ = info.send(Err(match error {
                    StreamUpgradeError::Io(error) => error,
                    error => io::Error::other(error.to_string()),
                }));
            }
            _ => {}
        }
    }
}

/// Negotiates one of some protocols, and says which.
pub struct AnyOf(Vec<StreamProtocol>);

impl UpgradeInfo for AnyOf {
    type Info = StreamProtocol;
    type InfoIter = std::vec::IntoIter<StreamProtocol>;

    fn protocol_info(&self) -> Self::InfoIter {
        self.0.clone().into_iter()
    }
}

impl InboundUpgrade<Stream> for AnyOf {
    type Output = (StreamProtocol, Stream);
    type Error = Infallible;
    type Future = Ready<Result<Self::Output, Infallible>>;

    fn upgrade_inbound(self, stream: Stream, protocol: StreamProtocol) -> Self::Future {
        ready(Ok((protocol, stream)))
    }
}

impl OutboundUpgrade<Stream> for AnyOf {
    type Output = (StreamProtocol, Stream);
    type Error = Infallible;
    type Future = Ready<Result<Self::Output, Infallible>>;

    fn upgrade_outbound(self, stream: Stream, protocol: StreamProtocol) -> Self::Future {
        ready(Ok((protocol, stream)))
    }
}
