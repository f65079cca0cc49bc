//! Where files go: a folder, or a bucket of an object store.

use super::ExportError;
use core::fmt;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::{Path, PathPart};
use object_store::{ObjectStore, ObjectStoreExt, WriteMultipart};
use std::fs;
use std::io::{self, Write};
use std::sync::Arc;
use tokio::runtime::{Builder, Runtime};

/// Bytes of one part of an upload. S3 takes 10,000 of them, which makes 80 GB.
const PART: usize = 8 << 20;

/// Parts that may be on their way while the next is made.
const PARTS_UNDER_WAY: usize = 2;

/// A place for files.
#[derive(Debug, Clone)]
pub struct Destination {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    runtime: Arc<Runtime>,
    /// As it was named.
    name: String,
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
        let (store, prefix): (Arc<dyn ObjectStore>, Path) = match name.split_once("://") {
            Some(("s3", rest)) => {
                let (_, prefix) = rest.split_once('/').unwrap_or((rest, ""));
                let builder = AmazonS3Builder::from_env().with_url(name);
                let store = builder.build().map_err(|error| refused(&error))?;
                (
                    Arc::new(store),
                    Path::parse(prefix.trim_end_matches('/')).map_err(|error| refused(&error))?,
                )
            }
            Some((scheme, _)) => {
                let what = format!("found {scheme:?}, expected a folder or s3://bucket/prefix");
                return Err(refused(&what));
            }
            None => {
                fs::create_dir_all(name).map_err(|error| refused(&error))?;
                let store = LocalFileSystem::new_with_prefix(name);
                // As an object store promises it, too: what is there stays there.
                (
                    Arc::new(store.map_err(|error| refused(&error))?.with_fsync(true)),
                    Path::default(),
                )
            }
        };
        // One thread sends while the caller encodes.
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = Arc::new(runtime.map_err(|error| refused(&error))?);
        Ok(Self { store, prefix, runtime, name: name.to_owned() })
    }

    /// Begins the file of this path. It appears when it is [finished](Upload::finish).
    pub(super) fn begin(&self, parts: &[String]) -> Result<Upload, ExportError> {
        let path: Path = self
            .prefix
            .parts()
            .chain(parts.iter().map(|part| PathPart::from(part.as_str())))
            .collect();
        let begun = self.runtime.block_on(self.store.put_multipart(&path));
        let upload = begun.map_err(|error| failed(&self.name, &error))?;
        Ok(Upload {
            parts: Some(WriteMultipart::new_with_chunk_size(upload, PART)),
            runtime: Arc::clone(&self.runtime),
            destination: self.name.clone(),
            path: parts.join("/"),
            bytes: 0,
        })
    }
}

fn failed(destination: &str, error: &dyn fmt::Display) -> ExportError {
    ExportError::Destination(format!("{destination}: {error}"))
}

/// A file on its way. Dropping it leaves what was there before.
#[derive(Debug)]
pub(super) struct Upload {
    /// Taken at the end.
    parts: Option<WriteMultipart>,
    runtime: Arc<Runtime>,
    destination: String,
    path: String,
    bytes: u64,
}

impl Upload {
    /// Makes the file appear, and returns its path and length.
    pub(super) fn finish(mut self) -> Result<(String, u64), ExportError> {
        if let Some(upload) = self.parts.take() {
            let finished = self.runtime.block_on(upload.finish());
            finished.map_err(|error| failed(&self.destination, &error))?;
        }
        Ok((core::mem::take(&mut self.path), self.bytes))
    }
}

impl Write for Upload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(upload) = &mut self.parts else { return Err(io::ErrorKind::BrokenPipe.into()) };
        let room = self.runtime.block_on(upload.wait_for_capacity(PARTS_UNDER_WAY));
        room.map_err(io::Error::other)?;
        let _within = self.runtime.enter();
        upload.write(bytes);
        self.bytes += u64::try_from(bytes.len()).unwrap_or(0);
        Ok(bytes.len())
    }

    /// What is in a part that is not full waits for the end.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let Some(upload) = self.parts.take() {
            // What failed is being reported; what is left costs room and is never seen.
            let _ = self.runtime.block_on(upload.abort());
        }
    }
}
