//! What people may expect of a configuration.

mod example;

use secrecy::ExposeSecret;
use tempfile::NamedTempFile;

use super::*;

/// Writes `text` into a file for as long as the returned value lives.
fn file(text: &str) -> (NamedTempFile, Sources) {
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let sources = Sources::default().file(file.path());
    (file, sources)
}

fn with_file(text: &str) -> Result<Effective, Mistakes> {
    let (_file, sources) = file(text);
    load(&sources)
}

fn variables<'a>(pairs: &'a [(&str, &str)]) -> impl Iterator<Item = (String, String)> + 'a {
    pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
}

fn with_environment(pairs: &[(&str, &str)]) -> Result<Effective, Mistakes> {
    load(&Sources::default().environment(variables(pairs)))
}

/// `key: problem` of each mistake.
#[track_caller]
fn mistakes(loaded: Result<Effective, Mistakes>) -> Vec<String> {
    let mistakes = loaded.err().expect("there is no mistake");
    mistakes.iter().map(|mistake| format!("{}: {}", mistake.key, mistake.problem)).collect()
}

#[test]
fn the_defaults_are_a_valid_configuration() {
    let config = load(&Sources::default()).unwrap().config;
    assert_eq!(config.server.public_url.as_str(), "http://127.0.0.1:8080");
    assert_eq!(config.storage.database_url.expose_secret(), "sqlite://data/tickroom.db");
    assert_eq!(config.auth.access_token_ttl, Duration::from_secs(900));
    assert_eq!(config.socket.outbox_bytes, 1024 * 1024);
    assert_eq!(config.chat.rooms.len(), 3);
    assert!(config.auth.signing_key.is_none() && !config.auth.secure_cookies);
}

#[test]
fn each_layer_wins_over_the_one_before() {
    let text = "[socket]\nping_interval_s = 11\npong_timeout_s = 3\nsockets_per_user = 5";
    let (_file, sources) = file(text);
    let environment = [("TICKROOM_SOCKET__PONG_TIMEOUT_S", "4"), ("TICKROOM_SOCKET__SOCKETS_PER_USER", "6")];
    let sources = sources.argument("--sockets", "socket.sockets_per_user", "7");
    let effective = load(&sources.environment(variables(&environment))).unwrap();
    let socket = &effective.config.socket;
    assert_eq!(socket.ping_interval.as_secs(), 11);
    assert_eq!(socket.pong_timeout.as_secs(), 4);
    assert_eq!(socket.sockets_per_user, 7);

    let shown = effective.to_string();
    let line = |key: &str| shown.lines().find(|line| line.starts_with(key)).unwrap().to_owned();
    assert!(line("ping_interval_s").ends_with(" line 2"), "{}", line("ping_interval_s"));
    assert!(line("pong_timeout_s").ends_with("4  # environment variable TICKROOM_SOCKET__PONG_TIMEOUT_S"));
    assert!(line("sockets_per_user").ends_with("7  # --sockets on the command line"));
    assert_eq!(line("outbox_kib"), "outbox_kib = 1024");
}

#[test]
fn all_mistakes_come_together() {
    let text = r#"
        [server]
        listen = "8080"
        max_sockets = "many"
        trusted_proxies = ["10.0.0.0/33", 5]
        handshakes_per_second = 0
        [auth]
        acces_token_ttl_s = 60
        secure_cookies = "maybe"
        [chat]
        rooms = ["two words"]
        [metrics]
        port = 9000
    "#;
    let (_file, sources) = file(text);
    let loaded = load(&sources.environment(variables(&[("TICKROOM_LOG__LEVEL", "inof")])));
    let found = mistakes(loaded).join("\n");
    let expected = [
        r#"server.listen: expected an address such as 127.0.0.1:8080, got "8080""#,
        r#"server.max_sockets: expected a whole number that is not negative, got "many""#,
        r#"server.trusted_proxies: expected a list of texts, got ["10.0.0.0/33", 5]"#,
        "server.handshakes_per_second: expected a whole number from 1 to 1000000, got 0",
        "auth.acces_token_ttl_s: no such key; did you mean auth.access_token_ttl_s?",
        r#"auth.secure_cookies: expected one of auto, always, never, got "maybe""#,
        r#"chat.rooms: expected the name of a room, got "two words""#,
        "metrics: no such section; there are server, storage,",
        r#"log.level: expected a level such as info, or info,tickroom_actors=debug, got "inof""#,
    ];
    for mistake in expected {
        assert!(found.contains(mistake), "no {mistake:?} in\n{found}");
    }
}

#[test]
fn a_mistake_names_its_line() {
    let (file, sources) = file("[server]\n\nlisten = 80\n");
    let mistakes = load(&sources).err().unwrap();
    assert!(mistakes.iter().all(|mistake| mistake.place == Place::File(file.path().to_owned(), 3)));
    assert!(mistakes.to_string().starts_with("1 mistake in the configuration\n  server.listen ("));
}

#[test]
fn a_syntax_error_does_not_hide_the_rest() {
    let found = mistakes(with_file("[server]\nlisten = \n[log]\nformat = \"xml\"\n"));
    assert!(found.iter().any(|mistake| mistake.starts_with("syntax: ")), "{found:?}");
    assert!(found.iter().any(|mistake| mistake.starts_with("log.format: ")), "{found:?}");
}

#[test]
fn a_missing_file_is_a_mistake() {
    let found = mistakes(load(&Sources::default().file("/nowhere/tickroom.toml")));
    assert!(found.concat().starts_with("file: cannot be read"), "{found:?}");
}

#[test]
fn defect_13_a_setting_in_the_wrong_section_is_found_and_hinted_at() {
    let hints = [
        ("[server]\ndata_dir = 'x'", "storage.data_dir"),
        ("[sever]\nlisten = 'x'", "server.listen"),
        ("listen = 'x'", "server.listen"),
        ("[log]\nlvl = 'x'", "log.level"),
    ];
    for (text, meant) in hints {
        let found = mistakes(with_file(text)).join("\n");
        assert!(found.contains(&format!("did you mean {meant}?")), "{text:?}: {found}");
    }
    let found = mistakes(with_file("[server]\nzzz = 1")).join("\n");
    assert!(found.contains("no such key; there are listen, public_url"), "{found}");
    let found = mistakes(with_file("server = 1")).join("\n");
    assert!(found.contains("server: expected a section, got integer"), "{found}");
}

#[test]
fn variables_have_the_type_of_their_key() {
    let key = "0123456789012345678901234567890123456789";
    let loaded = with_environment(&[
        ("TICKROOM_AUTH__SIGNING_KEY", key),
        ("TICKROOM_SERVER__TRUSTED_PROXIES", "10.0.0.7/8, ::1"),
        ("TICKROOM_SERVER__MAX_SOCKETS", "1000"),
        ("TICKROOM_SERVER__PUBLIC_URL", ""),
        ("TICKROOM_PORT", "tcp://10.0.0.1:80"),
        ("HOME", "/root"),
    ]);
    let config = loaded.unwrap().config;
    assert_eq!(config.auth.signing_key.unwrap().expose_secret(), key);
    assert_eq!(config.server.trusted_proxies, ["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()]);
    assert_eq!(config.server.max_sockets, 1000);
}

#[test]
fn a_slip_in_a_variable_is_found() {
    let pairs = [("TICKROOM_SERVER_LISTEN", "x"), ("TICKROOM_SERVER__LITSEN", "x"), ("TICKROOM_X__Y", "x")];
    let found = mistakes(with_environment(&pairs));
    assert!(found[0].ends_with("did you mean TICKROOM_SERVER__LISTEN?"), "{found:?}");
    assert!(found[1].ends_with("did you mean TICKROOM_SERVER__LISTEN?"), "{found:?}");
    assert_eq!(found[2], "x.y: no such key");
}

#[test]
fn the_database_is_also_known_by_its_bare_name() {
    let bare = ("DATABASE_URL", "sqlite:///srv/one.db");
    let config = with_environment(&[bare]).unwrap().config;
    assert_eq!(config.storage.database_url.expose_secret(), "sqlite:///srv/one.db");
    let prefixed = ("TICKROOM_STORAGE__DATABASE_URL", "sqlite:///srv/two.db");
    let config = with_environment(&[prefixed, bare]).unwrap().config;
    assert_eq!(config.storage.database_url.expose_secret(), "sqlite:///srv/two.db");
}

#[test]
fn the_mail_server_is_also_known_by_its_bare_name_and_its_password_stays_hidden() {
    let effective = with_environment(&[("SMTP_URL", "smtps://ann:hunter2@mail.example.com")]).unwrap();
    let url = effective.config.mail.smtp_url.as_ref().unwrap().expose_secret();
    assert_eq!(url, "smtps://ann:hunter2@mail.example.com");
    assert!(!format!("{effective}{:?}", effective.config).contains("hunter2"));
    let found = mistakes(with_file("[mail]\nsmtp_url = 'http://ann:hunter2@host'\nfrom = 'nobody'"));
    assert!(
        found[0].starts_with("mail.smtp_url: expected smtps://… or smtp://…, got a value that is not shown")
    );
    assert!(found[1].starts_with("mail.from: expected a name and an address"), "{found:?}");
}

#[test]
fn pictures_are_kept_in_the_data_folder_or_where_a_url_says() {
    let store = |text: &str| with_file(text).unwrap().config.uploads.store;
    assert_eq!(store("[storage]\ndata_dir = '/srv/x'"), PictureStore::Folder("/srv/x/uploads".into()));
    assert_eq!(store("[uploads]\nurl = 'file:///srv/p'"), PictureStore::Folder("/srv/p".into()));
    assert_eq!(store("[uploads]\nurl = 's3://b/p/'"), PictureStore::Url("s3://b/p".into()));
    for wrong in ["data/uploads", "file://srv", "http://x/y", "s3://"] {
        let found = mistakes(with_file(&format!("[uploads]\nurl = '{wrong}'")));
        assert!(found[0].starts_with("uploads.url: expected file:///FOLDER"), "{found:?}");
    }
}

#[test]
fn what_clouds_ask_for_comes_from_their_own_variables_and_is_never_shown() {
    let effective = with_environment(&[
        ("UPLOADS_URL", "s3://pictures"),
        ("AWS_SECRET_ACCESS_KEY", "hunter2"),
        ("AWS_REGION", ""),
        ("PATH", "/bin"),
    ]);
    let effective = effective.unwrap();
    let uploads = &effective.config.uploads;
    assert_eq!(uploads.store, PictureStore::Url("s3://pictures".into()));
    let [(name, secret)] = &*uploads.credentials else { panic!("{:?}", uploads.credentials) };
    assert_eq!((name.as_str(), secret.expose_secret()), ("AWS_SECRET_ACCESS_KEY", "hunter2"));
    assert!(!format!("{effective}{:?}", effective.config).contains("hunter2"));
}

#[test]
fn secrets_are_never_shown() {
    let key = "hunter2 hunter2 hunter2 hunter2 hunter2";
    let effective = with_environment(&[("TICKROOM_AUTH__SIGNING_KEY", key)]).unwrap();
    let shown = format!("{effective}{:?}", effective.config);
    assert!(shown.contains(r#"signing_key = "***"  # environment variable"#), "{shown}");
    assert!(shown.contains(r#"database_url = "sqlite://data/tickroom.db""#), "{shown}");
    assert!(!shown.contains("hunter2"), "{shown}");

    let wrong = [
        "[storage]\ndatabase_url = 'mongodb://ann:hunter2@db'\n[auth]\nsigning_key = 'hunter2'",
        "[storage]\ndatabase_url = ['hunter2']\n[auth]\nsigning_key = {hunter2 = 1}",
        "[auth]\nsigning_key = 'hunter2",
        "[[auth]]\nsigning_key = 'hunter2'",
        "signing_key = 'hunter2'\nauth = 'hunter2'",
    ];
    for text in wrong {
        let found = mistakes(with_file(text)).join("\n");
        assert!(!found.contains("hunter2"), "{found}");
    }
}

#[test]
fn relations_are_checked_and_argued() {
    let pairs = [
        (
            "[socket]\npong_timeout_s = 25",
            "socket.pong_timeout_s: expected less than socket.ping_interval_s = 25",
        ),
        ("[auth]\nrefresh_token_ttl_s = 60", "auth.access_token_ttl_s: expected less than"),
        ("[chat]\nmessage_burst = 29", "chat.messages_per_second: expected at most chat.message_burst = 29"),
        ("[writer]\nqueue_messages = 1", "writer.batch_messages: expected at most writer.queue_messages = 1"),
        (
            "[server]\nshutdown_drain_ms = 19",
            "writer.linger_ms: expected at most server.shutdown_drain_ms = 19",
        ),
        ("[server]\nmax_sockets = 9", "socket.sockets_per_user: expected at most server.max_sockets = 9"),
    ];
    for (text, mistake) in pairs {
        let found = mistakes(with_file(text));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with(mistake), "{found:?}");
    }
}

#[test]
fn nothing_follows_from_a_key_that_is_a_mistake_itself() {
    let found = mistakes(with_file("[writer]\nbatch_messages = 'all'\nqueue_messages = 10"));
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn cookies_are_secure_unless_this_is_plain_http_on_this_machine() {
    let secure = |url: &str, cookies: &str| {
        let text = format!("[server]\npublic_url = '{url}'\n[auth]\nsecure_cookies = '{cookies}'");
        with_file(&text).unwrap().config.auth.secure_cookies
    };
    assert!(!secure("http://localhost:8080", "auto"));
    assert!(secure("https://localhost:8080", "auto"));
    assert!(secure("http://chat.example.com", "auto"));
    assert!(secure("http://localhost:8080", "always"));
    assert!(!secure("https://chat.example.com", "never"));
}

#[test]
fn a_derived_public_url_follows_the_listener() {
    let bound = "127.0.0.1:4321".parse().unwrap();
    let mut server = with_file("[server]\nlisten = '127.0.0.1:0'").unwrap().config.server;
    server.bound_to(bound);
    assert_eq!((server.listen, server.public_url.as_str()), (bound, "http://127.0.0.1:4321"));

    let written = "[server]\nlisten = '127.0.0.1:0'\npublic_url = 'https://chat.example.com'";
    let mut server = with_file(written).unwrap().config.server;
    server.bound_to(bound);
    assert_eq!(server.public_url.as_str(), "https://chat.example.com");
}

#[test]
fn a_data_folder_with_odd_letters_still_makes_a_url() {
    let config = with_file("[storage]\ndata_dir = '/srv/my data?'").unwrap().config;
    assert_eq!(config.storage.database_url.expose_secret(), "sqlite:///srv/my%20data%3F/tickroom.db");
}

#[test]
fn messages_expire_only_where_an_engine_does_it() {
    let expected = "storage.message_ttl_days: expected storage.mongodb_url to be set with it: the relational database \
                    keeps messages for ever";
    assert_eq!(mistakes(with_file("[storage]\nmessage_ttl_days = 30")), [expected]);
    let environment =
        [("MONGODB_URL", "mongodb://ann:hunter2@db/chat"), ("TICKROOM_STORAGE__MESSAGE_TTL_DAYS", "30")];
    let effective = with_environment(&environment).unwrap();
    assert_eq!(effective.config.storage.message_ttl, Some(Duration::from_secs(30 * 86_400)));
    assert!(!effective.to_string().contains("hunter2"));
}
