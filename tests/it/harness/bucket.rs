//! [`Bucket`]: as much of S3 as keeping files takes.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

type Files = Arc<Mutex<BTreeMap<String, Bytes>>>;

/// A store of files by key, which lives as long as this.
pub(crate) struct Bucket {
    address: SocketAddr,
    files: Files,
    serving: JoinHandle<()>,
}

impl Drop for Bucket {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Bucket {
    pub(crate) async fn start() -> Self {
        let files = Files::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&files));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, files, serving }
    }

    /// How one gets in.
    pub(crate) fn options(&self) -> Vec<(String, String)> {
        let endpoint = format!("http://{}", self.address);
        let options = [
            ("AWS_ENDPOINT", endpoint.as_str()),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_REGION", "nowhere"),
            ("AWS_ACCESS_KEY_ID", "ann"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
        ];
        options.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
    }

    pub(crate) fn keys(&self) -> Vec<String> {
        self.files.lock().unwrap().keys().cloned().collect()
    }
}

async fn answer(State(files): State<Files>, method: Method, uri: Uri, body: Bytes) -> Response {
    let key = uri.path().to_owned();
    let mut files = files.lock().unwrap();
    match method {
        Method::PUT => {
            files.insert(key, body);
            [(header::ETAG, "\"1\"")].into_response()
        }
        Method::GET => match files.get(&key) {
            Some(content) => {
                let modified = "Mon, 06 May 2024 00:00:00 GMT";
                ([(header::ETAG, "\"1\""), (header::LAST_MODIFIED, modified)], content.clone())
                    .into_response()
            }
            None => StatusCode::NOT_FOUND.into_response(),
        },
        // Several at once, named in XML.
        Method::POST => {
            let listed = String::from_utf8_lossy(&body).into_owned();
            let named = listed.split("<Key>").skip(1).filter_map(|rest| rest.split("</Key>").next());
            let mut deleted = String::new();
            for name in named {
                files.remove(&format!("/bucket/{name}"));
                deleted += &format!("<Deleted><Key>{name}</Key></Deleted>");
            }
            format!("<DeleteResult>{deleted}</DeleteResult>").into_response()
        }
        _ => {
            files.remove(&key);
            StatusCode::NO_CONTENT.into_response()
        }
    }
}
