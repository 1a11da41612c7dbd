//! Mail that leaves by SMTP, to a server that answers as a test says.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};

use super::*;
use crate::language::Language;
use crate::limits::OUTBOX_FILES_MAX;

/// Long enough for one retry, on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(30);

/// Takes mail, or refuses recipients with the answers it was given, in order.
struct SmtpServer {
    url: String,
    received: Arc<Mutex<Vec<String>>>,
    refusals: Arc<Mutex<Vec<&'static str>>>,
}

impl SmtpServer {
    async fn start(refusals: &[&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let received = Arc::new(Mutex::new(Vec::new()));
        let refusals = Arc::new(Mutex::new(refusals.to_vec()));
        let server = Self { url, received, refusals };
        let (received, refusals) = (Arc::clone(&server.received), Arc::clone(&server.refusals));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(talk(stream, Arc::clone(&received), Arc::clone(&refusals)));
            }
        });
        server
    }

    fn mailer(&self) -> Mailer {
        mailer(&self.url)
    }
}

async fn talk(stream: TcpStream, received: Arc<Mutex<Vec<String>>>, refusals: Arc<Mutex<Vec<&'static str>>>) {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 test\r\n").await.unwrap();
    let mut line = String::new();
    while stream.read_line(&mut line).await.unwrap_or_default() > 0 {
        let refusal =
            || Some(refusals.lock().unwrap()).filter(|left| !left.is_empty()).map(|mut left| left.remove(0));
        let answer = match line.get(..4).unwrap_or_default() {
            "RCPT" => refusal().unwrap_or("250 ok"),
            "DATA" => {
                stream.write_all(b"354 go on\r\n").await.unwrap();
                let mail = read_mail(&mut stream).await;
                received.lock().unwrap().push(mail);
                "250 taken"
            }
            _ => "250 ok",
        };
        stream.write_all(format!("{answer}\r\n").as_bytes()).await.unwrap();
        line.clear();
    }
}

async fn read_mail(stream: &mut BufReader<TcpStream>) -> String {
    let mut mail = String::new();
    while !mail.ends_with("\r\n.\r\n") {
        assert!(stream.read_line(&mut mail).await.unwrap() > 0, "cut off after {mail:?}");
    }
    mail
}

fn mailer(url: &str) -> Mailer {
    let settings =
        config::Mail { smtp_url: Some(url.into()), from: "Tickroom <no-reply@example.com>".parse().unwrap() };
    Mailer::new(&settings, Path::new("unused")).unwrap()
}

fn letter() -> Letter {
    let (to, name) = ("ann@example.com".parse().unwrap(), "ann".parse().unwrap());
    Letter::verification(to, &name, "https://tickroom.example/x".into(), Language::English)
}

#[tokio::test]
async fn a_mail_goes_to_its_reader_by_smtp() {
    let server = SmtpServer::start(&[]).await;
    let mailer = server.mailer();
    mailer.reserve().unwrap().send(letter());
    assert_eq!(mailer.settle(PATIENCE).await, 0);
    let mails = server.received.lock().unwrap();
    assert_eq!(mails.len(), 1);
    for part in [
        "From: Tickroom <no-reply@example.com>\r\n",
        "To: ann@example.com\r\n",
        "Message-ID: <",
        "multipart/alternative",
        "https://tickroom.example/x",
    ] {
        assert!(mails[0].contains(part), "no {part:?} in {}", mails[0]);
    }
}

#[tokio::test]
async fn a_mailbox_that_is_refused_for_now_is_tried_again() {
    let server = SmtpServer::start(&["451 4.7.1 come back later"]).await;
    let mailer = server.mailer();
    mailer.reserve().unwrap().send(letter());
    assert_eq!(mailer.settle(PATIENCE).await, 0);
    assert_eq!(server.received.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_mailbox_that_does_not_exist_is_given_up_at_once() {
    let server = SmtpServer::start(&["550 5.1.1 no such user"]).await;
    let mailer = server.mailer();
    mailer.reserve().unwrap().send(letter());
    assert_eq!(mailer.settle(PATIENCE).await, 0);
    assert!(server.received.lock().unwrap().is_empty());
}

#[tokio::test]
async fn while_one_mail_waits_for_its_next_try_others_leave() {
    let server = SmtpServer::start(&["451 4.7.1 come back later"; 8]).await;
    let mailer = server.mailer();
    for _refused in 0..8 {
        mailer.reserve().unwrap().send(letter());
    }
    let all_refused = async || {
        while !server.refusals.lock().unwrap().is_empty() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, all_refused()).await.unwrap();
    mailer.reserve().unwrap().send(letter());
    let first_taken = async || {
        while server.received.lock().unwrap().is_empty() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, first_taken()).await.unwrap();
    assert!(MAILS_WAITING_MAX - mailer.0.places.available_permits() >= 8, "it overtook those that wait");
}

#[tokio::test]
async fn defect_18_without_a_mail_server_mail_waits_and_too_much_of_it_is_refused() {
    // Nobody listens there: the port is taken and then given back.
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let mailer = mailer(&format!("smtp://{address}"));
    for _ in 0..MAILS_WAITING_MAX {
        mailer.reserve().unwrap().send(letter());
    }
    let refused = mailer.reserve().err().unwrap();
    assert_eq!((refused.status().as_u16(), refused.code()), (503, "mail_busy"));
    assert_eq!(mailer.settle(Duration::from_millis(10)).await, MAILS_WAITING_MAX);
}

#[test]
fn a_url_that_makes_no_sense_is_refused_without_being_shown() {
    let settings = config::Mail {
        smtp_url: Some("smtp://ann:hunter2@host:port?tls=perhaps".into()),
        from: "no-reply@example.com".parse().unwrap(),
    };
    let error = Mailer::new(&settings, Path::new("unused")).err().unwrap();
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
}

#[tokio::test]
async fn the_outbox_keeps_the_last_mails_only() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = folder.path().join("outbox");
    std::fs::create_dir(&outbox).unwrap();
    for n in 0..OUTBOX_FILES_MAX {
        std::fs::write(outbox.join(format!("{n:013}-old.eml")), "").unwrap();
    }
    let settings = config::Mail { smtp_url: None, from: "no-reply@example.com".parse().unwrap() };
    let mailer = Mailer::new(&settings, folder.path()).unwrap();
    mailer.reserve().unwrap().send(letter());
    assert_eq!(mailer.settle(PATIENCE).await, 0);
    assert_eq!(std::fs::read_dir(&outbox).unwrap().count(), OUTBOX_FILES_MAX);
    assert!(!outbox.join(format!("{:013}-old.eml", 0)).exists());
}
