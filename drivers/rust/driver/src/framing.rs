//! `Content-Length` framing, without I/O: strict in what is sent, generous in what is taken.

const MOST_MESSAGE: usize = 16 << 20;
const MOST_HEADER: usize = 8 << 10;
const KEY: &[u8] = b"content-length";

/// What a stream of bytes holds.
#[derive(Debug, PartialEq, Eq)]
pub enum Item {
    /// A message.
    Body(Vec<u8>),
    /// Bytes that are none, and why. The search goes on behind them.
    Fault(String),
}

/// Returns the body with the one header that every peer understands.
pub fn encode(body: &[u8]) -> Vec<u8> {
    let mut message = format!("Content-Length: {}\r\n\r\n", body.len()).into_bytes();
    message.extend_from_slice(body);
    message
}

/// Turns bytes into messages, with bounded memory.
#[derive(Default)]
pub struct Decoder {
    buffer: Vec<u8>,
    expected: Option<usize>,
    lost: bool,
}

impl Decoder {
    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Returns what is complete, one item after the other.
    pub fn next(&mut self) -> Option<Item> {
        if self.lost && !self.find_header() {
            return None;
        }
        if self.expected.is_none() {
            match self.header()? {
                Ok(length) => self.expected = Some(length),
                Err(cause) => {
                    self.lost = true;
                    return Some(Item::Fault(cause));
                }
            }
        }
        let length = self.expected?;
        if self.buffer.len() < length {
            return None;
        }
        self.expected = None;
        let rest = self.buffer.split_off(length);
        Some(Item::Body(std::mem::replace(&mut self.buffer, rest)))
    }

    /// Drops everything before the next header.
    fn find_header(&mut self) -> bool {
        let found = self.buffer.windows(KEY.len()).position(|window| window.eq_ignore_ascii_case(KEY));
        self.lost = found.is_none();
        let keep = self.buffer.len().min(KEY.len() - 1);
        self.buffer.drain(..found.unwrap_or(self.buffer.len() - keep));
        found.is_some()
    }

    /// Takes a block of headers; `None` while it is incomplete.
    fn header(&mut self) -> Option<Result<usize, String>> {
        let blank = self.buffer.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        self.buffer.drain(..blank);
        let mut length = None;
        let mut start = 0;
        while let Some(end) = self.buffer[start..].iter().position(|&byte| byte == b'\n') {
            let line = self.buffer[start..start + end].trim_ascii();
            start += end + 1;
            if line.is_empty() {
                self.buffer.drain(..start);
                return Some(length.ok_or_else(|| "headers without Content-Length".into()));
            }
            match parse_line(line) {
                Ok(found) => length = found.or(length),
                Err(cause) => {
                    self.buffer.drain(..start);
                    return Some(Err(cause));
                }
            }
        }
        if self.buffer.len() > MOST_HEADER {
            self.buffer.drain(..1);
            return Some(Err(format!("no end of the headers in {MOST_HEADER} bytes")));
        }
        None
    }
}

fn parse_line(line: &[u8]) -> Result<Option<usize>, String> {
    let text = String::from_utf8_lossy(&line[..line.len().min(60)]).into_owned();
    let colon = line
        .iter()
        .position(|&byte| byte == b':')
        .ok_or_else(|| format!("expected a header, got {text:?}"))?;
    let (key, value) = (line[..colon].trim_ascii(), line[colon + 1..].trim_ascii());
    if key.is_empty() || !key.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte)) {
        return Err(format!("expected a header, got {text:?}"));
    }
    if !key.eq_ignore_ascii_case(KEY) {
        return Ok(None);
    }
    let length =
        std::str::from_utf8(value).ok().filter(|value| value.bytes().all(|byte| byte.is_ascii_digit()));
    match length.and_then(|value| value.parse().ok()) {
        Some(length) if length <= MOST_MESSAGE => Ok(Some(length)),
        Some(length) => {
            Err(format!("a message of {length} bytes is announced, at most {MOST_MESSAGE} are accepted"))
        }
        None => Err(format!("not a usable length: {text:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(stream: &[u8], piece: usize) -> Vec<Item> {
        let mut decoder = Decoder::default();
        let mut items = Vec::new();
        for part in stream.chunks(piece) {
            decoder.feed(part);
            items.extend(std::iter::from_fn(|| decoder.next()));
        }
        items
    }

    fn bodies(items: Vec<Item>) -> Vec<Vec<u8>> {
        items
            .into_iter()
            .filter_map(|item| if let Item::Body(body) = item { Some(body) } else { None })
            .collect()
    }

    #[test]
    fn messages_survive_any_cut() {
        let stream = [encode(b"{}"), encode(b""), encode("\u{e4}".as_bytes())].concat();
        for piece in 1..=stream.len() {
            assert_eq!(bodies(items(&stream, piece)), [&b"{}"[..], b"", "\u{e4}".as_bytes()]);
        }
    }

    #[test]
    fn other_headers_any_case_and_bare_line_feeds_are_taken() {
        let stream = b"content-type: x\ncontent-LENGTH:2\n\n{}Content-Length: 1\r\nA: b\r\n\r\n1";
        assert_eq!(bodies(items(stream, 3)), [&b"{}"[..], b"1"]);
    }

    #[test]
    fn garbage_is_a_fault_and_the_next_message_is_found() {
        for garbage in
            ["nonsense\r\n", "Content-Length: x\r\n\r\n", "A: b\r\n\r\n", "Content-Length: 99999999999\n\n"]
        {
            let stream = [garbage.as_bytes(), &encode(b"7")].concat();
            for piece in [1, 5, stream.len()] {
                let items = items(&stream, piece);
                assert!(matches!(items[0], Item::Fault(_)), "{garbage:?}");
                assert_eq!(bodies(items), [b"7"], "{garbage:?}");
            }
        }
    }

    #[test]
    fn a_header_without_end_takes_bounded_memory() {
        let mut decoder = Decoder::default();
        for _ in 0..100 {
            decoder.feed(&[b'x'; 4096]);
            while decoder.next().is_some() {}
        }
        assert!(decoder.buffer.len() < 2 * MOST_HEADER);
    }
}
