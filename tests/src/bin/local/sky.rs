//! The weather between the operator and the local AWS, when one is asked for.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use photogallery_tests::weather::{Profile, Weather};

/// Minutes of CloudFront become half a minute.
const FACTOR: f64 = 0.1;

#[derive(Debug, Clone, Copy, Args)]
pub struct Sky {
    /// calm, normal, storm or hostile: see docs/aws-weather.md.
    #[arg(long)]
    weather: Option<Profile>,
    /// Another storm of the same kind.
    #[arg(long, default_value_t = 1)]
    weather_seed: u64,
}

impl Sky {
    /// `None`: always fair.
    pub fn weather(self) -> Result<Option<Arc<Weather>>> {
        self.weather.map(|profile| Weather::new(profile, self.weather_seed, FACTOR).map(Arc::new)).transpose()
    }

    /// Will the gallery be ready at all?
    pub fn is_hostile(self) -> bool {
        self.weather == Some(Profile::Hostile)
    }

    /// How long a gallery may take to become ready. Locally it takes seconds; a cold laptop on battery may need more.
    pub fn deadline(self) -> Duration {
        match self.weather {
            None => Duration::from_secs(300),
            Some(Profile::Hostile) => Duration::from_secs(60),
            Some(Profile::Calm | Profile::Normal | Profile::Storm) => Duration::from_secs(900),
        }
    }

    /// The arguments that say the same.
    pub fn arguments(self) -> Vec<String> {
        let weather = self.weather.map(|profile| format!("--weather={profile}"));
        weather.into_iter().chain([format!("--weather-seed={}", self.weather_seed)]).collect()
    }
}

/// What was injected.
pub fn report(weather: Option<&Arc<Weather>>) -> Option<String> {
    weather.map(|weather| format!("\nInjected so far (docs/aws-weather.md):\n{}", weather.report()))
}
