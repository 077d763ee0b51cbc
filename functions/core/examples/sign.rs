//! What the links of a page cost, for `make bench`: processor milliseconds of twice sixty, each time anew.
//!
//! `sign RUNS` prints `{"cpu_ms": […]}`.

use std::process::ExitCode;

use cpu_time::ProcessTime;
use functions_core::photo_id::PhotoId;
use functions_core::s3_address::S3Address;
use functions_core::sign::{Credentials, Signer};
use jiff::Timestamp;

const PHOTOS: usize = 60;
const EXPIRES_SECONDS: u32 = 4500;

fn main() -> ExitCode {
    let runs: usize = std::env::args().nth(1).and_then(|runs| runs.parse().ok()).unwrap_or(20);
    let credentials = Credentials {
        access_key_id: "ASIAIOSFODNN7EXAMPLE".into(),
        secret_access_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".into(),
        // As long as Lambda's are.
        session_token: Some(format!("IQoJb3JpZ2luX2VjE{}", "Ab0/".repeat(240))),
    };
    let photos: Vec<PhotoId> = (0..PHOTOS).map(|_| PhotoId::generate()).collect();
    let times: Vec<f64> = (0..runs).map(|_| page(&credentials, &photos)).collect();
    println!("{}", serde_json::json!({"cpu_ms": times}));
    ExitCode::SUCCESS
}

/// Processor milliseconds of one page's links.
fn page(credentials: &Credentials, photos: &[PhotoId]) -> f64 {
    let address = S3Address::new("eu-west-1", None);
    let start = ProcessTime::now();
    let signer = Signer::new(credentials, address.region(), Timestamp::now());
    let mut bytes = 0;
    for photo in photos {
        let response = [
            (
                "response-content-disposition",
                "inline; filename=\"holiday.jpg\"; filename*=UTF-8''holiday.jpg",
            ),
            ("response-content-type", "image/jpeg"),
        ];
        let originals = address.bucket("pg-photos-summer-photos-7k2m9q4x");
        bytes += signer.link(&originals, &photo.photo_key(), &response, EXPIRES_SECONDS).len();
        let thumbnails = address.bucket("pg-photos-summer-thumbnails-7k2m9q4x");
        bytes += signer.link(&thumbnails, &format!("{photo}.jpg"), &[], EXPIRES_SECONDS).len();
    }
    std::hint::black_box(bytes);
    start.elapsed().as_secs_f64() * 1000.0
}
