//! What is held of every gallery all the time, in little memory: a status of 25 KiB and a snapshot of 150 KiB take some 3 KiB,
//! because the same tags and names stand in them many times.

use std::fmt;
use std::io::Write as _;
use std::marker::PhantomData;

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A value as deflated JSON.
#[derive(Clone)]
pub struct Packed<T> {
    bytes: Box<[u8]>,
    of: PhantomData<fn() -> T>,
}

impl<T: Serialize + DeserializeOwned> Packed<T> {
    /// `None` if it cannot be told in JSON.
    pub fn new(value: &T) -> Option<Self> {
        let mut packed = DeflateEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(&serde_json::to_vec(value).ok()?).ok()?;
        Some(Self { bytes: packed.finish().ok()?.into(), of: PhantomData })
    }

    /// The value. `None` if there is none.
    pub fn unpack(&self) -> Option<T> {
        self.unpack_as()
    }

    /// The value as another type. `None` if there is none, or of another shape.
    pub fn unpack_as<U: DeserializeOwned>(&self) -> Option<U> {
        serde_json::from_reader(DeflateDecoder::new(&*self.bytes)).ok()
    }

    /// Bytes that it takes.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }
}

/// None.
impl<T> Default for Packed<T> {
    fn default() -> Self {
        Self { bytes: Box::default(), of: PhantomData }
    }
}

impl<T> fmt::Debug for Packed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.bytes.len())
    }
}

impl<T: Serialize + DeserializeOwned> Serialize for Packed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.unpack().serialize(serializer)
    }
}

impl<'de, T: Serialize + DeserializeOwned> Deserialize<'de> for Packed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::new(&T::deserialize(deserializer)?).unwrap_or_default())
    }
}
