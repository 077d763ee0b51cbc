//! HTTP as a visitor sends it. `*.cloudfront.localhost` does not resolve everywhere, so requests go to the loopback address and
//! carry the gallery's name in their Host header.

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

/// Sends a request to the loopback port under the given host name. The whole answer is read.
pub async fn send(port: u16, host: &str, request: Request<Bytes>) -> Result<Response<Bytes>> {
    let (mut parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let what = format!("{} {path} of {host}", parts.method);
    parts.uri = format!("http://127.0.0.1:{port}{path}").parse()?;
    parts.headers.insert(http::header::HOST, host.parse()?);
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let answer = client.request(Request::from_parts(parts, Full::new(body))).await;
    let (parts, body) = answer.with_context(|| format!("{what} got no answer"))?.into_parts();
    let body = body.collect().await.with_context(|| format!("{what} broke off"))?.to_bytes();
    Ok(Response::from_parts(parts, body))
}

pub async fn get(port: u16, host: &str, path: &str) -> Result<Response<Bytes>> {
    send(port, host, Request::get(path).body(Bytes::new())?).await
}

/// A gallery as its visitors meet it.
#[derive(Debug, Clone)]
pub struct Visitor {
    port: u16,
    host: String,
}

/// An answer of `POST /api/upload`: where to send the file, with which form fields.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Upload {
    pub photo_id: String,
    pub url: String,
    pub fields: std::collections::BTreeMap<String, String>,
    pub expires_at: String,
}

impl Visitor {
    /// `url` as the gallery's status says it: `http://<label>.cloudfront.localhost:<port>`.
    pub fn new(url: &str) -> Result<Self> {
        let uri: http::Uri = url.parse().with_context(|| format!("not a URL: {url}"))?;
        let authority = uri.authority().with_context(|| format!("no host in {url}"))?;
        Ok(Self { port: authority.port_u16().unwrap_or(80), host: authority.to_string() })
    }

    pub async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>> {
        send(self.port, &self.host, request).await
    }

    pub async fn get(&self, path: &str) -> Result<Response<Bytes>> {
        get(self.port, &self.host, path).await
    }

    /// A request of the API; the answer's status and JSON (`null` where there is none).
    pub async fn api(&self, method: Method, path: &str, body: Option<&Value>) -> Result<(u16, Value)> {
        let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
        let body = body.map(ToString::to_string).unwrap_or_default();
        let answer = self.send(request.body(Bytes::from(body))?).await?;
        let value = serde_json::from_slice(answer.body()).unwrap_or(Value::Null);
        Ok((answer.status().as_u16(), value))
    }

    /// The first page of photos, newest first.
    pub async fn photos(&self) -> Result<Vec<Value>> {
        let (status, answer) = self.api(Method::GET, "/api/photos?limit=100", None).await?;
        ensure!(status == 200, "the list of photos answered {status}: {answer}");
        Ok(answer["photos"].as_array().cloned().unwrap_or_default())
    }

    /// Asks for a permission to upload, as the page does.
    pub async fn request_upload(&self, filename: &str, content_type: &str, size: usize) -> Result<Upload> {
        let body = json!({ "filename": filename, "contentType": content_type, "size": size });
        let (status, answer) = self.api(Method::POST, "/api/upload", Some(&body)).await?;
        ensure!(status == 201, "the request to upload {filename} answered {status}: {answer}");
        serde_json::from_value(answer).context("the answer is not what the page expects")
    }

    /// Sends the file to S3 with the form that the permission consists of.
    pub async fn post_form(&self, upload: &Upload, filename: &str, file: &[u8]) -> Result<Response<Bytes>> {
        let uri: http::Uri = upload.url.parse()?;
        let authority = uri.authority().with_context(|| format!("no host in {}", upload.url))?;
        let boundary = "----photogallery-7MA4YWxkTrZu0gW";
        let mut body = Vec::with_capacity(file.len() + 4096);
        for (name, value) in &upload.fields {
            body.extend_from_slice(
                format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
                    .as_bytes(),
            );
        }
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n",
            filename.replace(['"', '\r', '\n'], "_")
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(file);
        body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        let request = Request::post(uri.path_and_query().map_or("/", |path| path.as_str()))
            .header("content-type", format!("multipart/form-data; boundary={boundary}"))
            .header("origin", format!("http://{}", self.host))
            .body(Bytes::from(body))?;
        send(authority.port_u16().unwrap_or(80), authority.as_str(), request).await
    }

    /// The whole way of one photo. The answer is its id; the thumbnail follows a moment later.
    pub async fn upload(&self, filename: &str, content_type: &str, file: &[u8]) -> Result<String> {
        let upload = self.request_upload(filename, content_type, file.len()).await?;
        let answer = self.post_form(&upload, filename, file).await?;
        ensure!(
            answer.status().is_success(),
            "the upload of {filename} answered {}: {}",
            answer.status(),
            String::from_utf8_lossy(answer.body())
        );
        Ok(upload.photo_id)
    }
}
