//! An answer of the fake hub, as it goes over the wire: also with a length that is not its own.

use std::io::Write;
use std::net::TcpStream;

use super::Request;

pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// The length that is announced, if it is not the body's; 0 for none.
    pub length: Option<usize>,
}

impl Answer {
    pub fn new(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
            length: None,
        }
    }

    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub fn send(self, mut stream: &TcpStream, request: &Request) -> std::io::Result<()> {
        let mut head = format!("HTTP/1.1 {} X\r\nConnection: close\r\n", self.status);
        match self.length {
            Some(0) => {}
            Some(length) => head += &format!("Content-Length: {length}\r\n"),
            None => head += &format!("Content-Length: {}\r\n", self.body.len()),
        }
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        stream.write_all(format!("{head}\r\n").as_bytes())?;
        if request.method != "HEAD" {
            stream.write_all(&self.body)?;
        }
        stream.flush()
    }
}
