//! What a server has written to people, read from its outbox.

use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// One mail, decoded.
#[derive(Debug, Clone)]
pub(crate) struct Mail {
    /// The file's name, which rises with time.
    name: String,
    pub(crate) headers: String,
    pub(crate) text: String,
    pub(crate) html: String,
}

impl Mail {
    /// All mails to this address, the oldest first.
    pub(crate) fn all_to(data_dir: &Path, address: &str) -> Vec<Self> {
        let files =
            std::fs::read_dir(data_dir.join("outbox")).into_iter().flatten().map(|file| file.unwrap().path());
        let files = files.filter(|file| file.extension().is_some_and(|extension| extension == "eml"));
        let mut mails: Vec<_> = files.map(|file| Self::read(&file)).collect();
        mails.retain(|mail| mail.headers.contains(&format!("To: {address}")));
        mails.sort_by(|a, b| a.name.cmp(&b.name));
        mails
    }

    fn read(file: &Path) -> Self {
        let raw = std::fs::read_to_string(file).unwrap();
        let (headers, body) = raw.split_once("\r\n\r\n").unwrap();
        let boundary = headers.split("boundary=\"").nth(1).unwrap().split('"').next().unwrap();
        let parts: Vec<_> = body.split(&format!("--{boundary}")).map(decode).collect();
        let of_type =
            |name: &str| parts.iter().find(|(headers, _)| headers.contains(name)).unwrap().1.clone();
        Self {
            name: file.file_name().unwrap().to_str().unwrap().to_owned(),
            headers: headers.to_owned(),
            text: of_type("text/plain"),
            html: of_type("text/html"),
        }
    }

    /// Path and query of the link, as a client at the server itself follows it.
    pub(crate) fn path(&self) -> String {
        let link = self.text.lines().find(|line| line.starts_with("http")).expect("a link");
        let path = link.splitn(4, '/').nth(3).unwrap();
        format!("/{path}")
    }

    /// The token in the link.
    pub(crate) fn token(&self) -> String {
        self.path().rsplit('=').next().unwrap().to_owned()
    }
}

/// A part's headers and its text.
fn decode(part: &str) -> (String, String) {
    let (headers, body) = part.split_once("\r\n\r\n").unwrap_or((part, ""));
    let headers = headers.to_lowercase();
    let bytes = if headers.contains("base64") {
        BASE64_STANDARD.decode(body.replace("\r\n", "")).unwrap()
    } else if headers.contains("quoted-printable") {
        unquote(body)
    } else {
        body.as_bytes().to_vec()
    };
    (headers, String::from_utf8(bytes).unwrap().replace("\r\n", "\n"))
}

fn unquote(body: &str) -> Vec<u8> {
    let body = body.replace("=\r\n", "");
    let mut parts = body.split('=');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
        bytes.extend(&part.as_bytes()[2..]);
    }
    bytes
}
