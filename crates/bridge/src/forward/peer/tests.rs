use dimse::acse::{Policy, acceptor::read_associate_request, negotiate};
use tokio::net::TcpListener;

use super::*;
use crate::{
    config::{Peer, PeerAddress},
    tests::site::config,
};

#[tokio::test]
async fn a_peer_that_offers_no_verification_serves_all_the_same() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = async {
        let (stream, _) = listener.accept().await.unwrap();
        let requested = read_associate_request(stream, Settings::default()).await.unwrap();
        let policy = Policy { verification: false, ..Policy::default() };
        let accept = negotiate(requested.request(), &policy).unwrap();
        let (mut receiver, mut sender) = requested.accept(accept).await.unwrap().split();
        receiver.next_message().await.unwrap();
        sender.release_response().await.unwrap();
    };
    let mut config = config(&[("archive", address)]);
    let mut peer = Peer::new("PACS".parse().unwrap());
    peer.address = Some(PeerAddress::new("127.0.0.1", address.port()));
    config.peers.push(peer);
    let snapshot = Snapshot::new(config).unwrap();
    let destination = "peer:PACS".parse().unwrap();
    let (health, ()) = tokio::join!(probe(&snapshot, &destination), acceptor);
    assert_eq!(health, Health::Answered);
}
