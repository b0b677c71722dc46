//! Nobody can be talked to.

use std::io::Read;
use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};

use crate::support::{lines, prints, python};

#[test]
fn no_socket_of_any_family_can_be_made() {
    prints(
        "
import _socket as s
for family, kind in [(2, 1), (2, 2), (10, 1), (10, 2), (1, 1), (1, 2), (1, 5), (16, 3), (17, 3), (2, 3), (40, 1)]:
    print(said(s.socket, family, kind, 0))",
        &["EPERM"; 11],
    );
}

#[test]
fn listeners_on_this_machine_hear_nothing() {
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let name = format!("farthing-sandbox-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let unix = UnixListener::bind_addr(&address).unwrap();
    for listener in [
        tcp.set_nonblocking(true),
        udp.set_nonblocking(true),
        unix.set_nonblocking(true),
    ] {
        listener.unwrap();
    }
    let finished = python(&format!(
        "
import _socket as s
def reach(family, kind, address):
    socket = s.socket(family, kind, 0)
    socket.connect(address)
    return socket.send(b'hello')
print(said(reach, 2, 1, ('127.0.0.1', {})))
print(said(reach, 2, 2, ('127.0.0.1', {})))
print(said(reach, 1, 1, '\\0{name}'))",
        tcp.local_addr().unwrap().port(),
        udp.local_addr().unwrap().port(),
    ));
    assert_eq!(lines(&finished), ["EPERM"; 3]);
    assert!(tcp.accept().is_err());
    assert!(udp.recv(&mut [0; 8]).is_err());
    let heard = unix
        .accept()
        .map(|(mut stream, _)| stream.read(&mut [0; 8]));
    assert!(heard.is_err());
}

#[test]
fn a_pair_of_stream_sockets_works_and_one_of_datagrams_does_not() {
    prints(
        "
import _socket as s
one, other = s.socketpair(1, 1, 0)
one.send(b'hello'); print(other.recv(5))
print(said(s.socketpair, 1, 2, 0), said(s.socketpair, 2, 1, 0))
print(said(one.connect, '\\0anything'), said(one.bind, 'name'), said(one.listen, 1))",
        &["b'hello'", "ENOSYS ENOSYS", "EPERM EPERM EPERM"],
    );
}
