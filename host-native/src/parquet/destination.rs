//! Where files go: a folder, or a bucket of an object store.

use super::ExportError;
use crate::replace_file::ReplaceFile;
use core::fmt;
use object_store::aws::AmazonS3Builder;
use object_store::path::{Path, PathPart};
use object_store::{ObjectStore, ObjectStoreExt, WriteMultipart};
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::runtime::{Builder, Runtime};

/// Bytes of one part of an upload. S3 takes 10,000 of them, which makes 80 GB.
const PART: usize = 8 << 20;

/// Parts that may be on their way while the next is made.
const PARTS_UNDER_WAY: usize = 2;

/// A place for files.
#[derive(Debug, Clone)]
pub struct Destination {
    place: Place,
    /// As it was named.
    name: String,
}

#[derive(Debug, Clone)]
enum Place {
    Folder(PathBuf),
    Bucket(Bucket),
}

/// A bucket, or a part of one.
#[derive(Debug, Clone)]
struct Bucket {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    runtime: Arc<Runtime>,
}

impl Destination {
    /// A folder, which is made when missing, or `s3://bucket/prefix`.
    ///
    /// An object store is found by the variables `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`,
    /// `AWS_REGION`, `AWS_ENDPOINT`, `AWS_ALLOW_HTTP` and their like.
    ///
    /// # Errors
    ///
    /// [`ExportError::Destination`] when a folder cannot be made, or the address is none.
    pub fn new(name: &str) -> Result<Self, ExportError> {
        let refused = |error: &dyn fmt::Display| failed(name, error);
        let place = match name.split_once("://") {
            Some(("s3", rest)) => Place::Bucket(Bucket::new(name, rest)?),
            Some((scheme, _)) => {
                let what = format!("found {scheme:?}, expected a folder or s3://bucket/prefix");
                return Err(refused(&what));
            }
            None => {
                fs::create_dir_all(name).map_err(|error| refused(&error))?;
                Place::Folder(PathBuf::from(name))
            }
        };
        Ok(Self { place, name: name.to_owned() })
    }

    /// Whether the file of this path is there. Where that cannot be found out, it is taken for
    /// being there.
    pub(super) fn has(&self, parts: &[String]) -> bool {
        match &self.place {
            Place::Folder(folder) => below(folder, parts).try_exists().unwrap_or(true),
            Place::Bucket(bucket) => {
                let path = bucket.path(parts);
                let found = bucket.runtime.block_on(bucket.store.head(&path));
                !matches!(found, Err(object_store::Error::NotFound { .. }))
            }
        }
    }

    /// Begins the file of this path. It appears when it is [finished](Upload::finish).
    pub(super) fn begin(&self, parts: &[String]) -> Result<Upload, ExportError> {
        let to = match &self.place {
            Place::Folder(folder) => {
                let path = below(folder, parts);
                let begun = path
                    .parent()
                    .map_or(Ok(()), fs::create_dir_all)
                    .and_then(|()| ReplaceFile::begin(&path));
                To::File(Some(begun.map_err(|error| failed(&self.name, &error))?))
            }
            Place::Bucket(bucket) => bucket.begin(parts, &self.name)?,
        };
        Ok(Upload { to, destination: self.name.clone(), path: parts.join("/"), bytes: 0 })
    }
}

/// The path of a file in a folder.
fn below(folder: &std::path::Path, parts: &[String]) -> PathBuf {
    let mut path = folder.to_owned();
    path.extend(parts);
    path
}

impl Bucket {
    /// The store of an address, of which `rest` is behind the scheme.
    fn new(name: &str, rest: &str) -> Result<Self, ExportError> {
        let refused = |error: &dyn fmt::Display| failed(name, error);
        let (_, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let builder = AmazonS3Builder::from_env().with_url(name);
        let store = builder.build().map_err(|error| refused(&error))?;
        let prefix = Path::parse(prefix.trim_end_matches('/')).map_err(|error| refused(&error))?;
        // One thread sends while the caller encodes.
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = Arc::new(runtime.map_err(|error| refused(&error))?);
        Ok(Self { store: Arc::new(store), prefix, runtime })
    }

    fn path(&self, parts: &[String]) -> Path {
        let parts = parts.iter().map(|part| PathPart::from(part.as_str()));
        self.prefix.parts().chain(parts).collect()
    }

    fn begin(&self, parts: &[String], name: &str) -> Result<To, ExportError> {
        let begun = self.runtime.block_on(self.store.put_multipart(&self.path(parts)));
        let upload = begun.map_err(|error| failed(name, &error))?;
        let parts = WriteMultipart::new_with_chunk_size(upload, PART);
        Ok(To::Bucket(Some(parts), Arc::clone(&self.runtime)))
    }
}

fn failed(destination: &str, error: &dyn fmt::Display) -> ExportError {
    ExportError::Destination(format!("{destination}: {error}"))
}

/// A file on its way. Dropping it leaves what was there before.
#[derive(Debug)]
pub(super) struct Upload {
    to: To,
    destination: String,
    path: String,
    bytes: u64,
}

/// Where it goes; what is written to is taken at the end.
#[derive(Debug)]
enum To {
    File(Option<ReplaceFile>),
    Bucket(Option<WriteMultipart>, Arc<Runtime>),
}

impl Upload {
    /// Makes the file appear, and returns its path and length.
    pub(super) fn finish(mut self) -> Result<(String, u64), ExportError> {
        let refused = |error: &dyn fmt::Display| failed(&self.destination, error);
        match &mut self.to {
            To::File(file) => {
                let finished = file.take().map_or(Ok(()), ReplaceFile::finish);
                finished.map_err(|error| refused(&error))?;
            }
            To::Bucket(parts, runtime) => {
                if let Some(upload) = parts.take() {
                    // It is aborted when it fails.
                    let finished = runtime.block_on(upload.finish());
                    finished.map_err(|error| refused(&error))?;
                }
            }
        }
        Ok((core::mem::take(&mut self.path), self.bytes))
    }
}

impl Write for Upload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = match &mut self.to {
            To::File(Some(file)) => file.write(bytes)?,
            To::Bucket(Some(upload), runtime) => {
                let room = runtime.block_on(upload.wait_for_capacity(PARTS_UNDER_WAY));
                room.map_err(io::Error::other)?;
                let _within = runtime.enter();
                upload.write(bytes);
                bytes.len()
            }
            To::File(None) | To::Bucket(None, _) => return Err(io::ErrorKind::BrokenPipe.into()),
        };
        self.bytes += u64::try_from(written).unwrap_or(0);
        Ok(written)
    }

    /// What is in a part that is not full waits for the end.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let To::Bucket(parts, runtime) = &mut self.to
            && let Some(upload) = parts.take()
        {
            // What failed is being reported; what is left costs room and is never seen.
            let _ = runtime.block_on(upload.abort());
        }
    }
}
