//! The pages: built from `www` into `host-native/pages`, and part of the program.
//!
//! All of them are one file, which is answered for each of their paths, with what this server's
//! settings say in it. `web.web_root` names a directory whose files take their place.

mod config;

use super::Settings;
use super::answer::Failure;
use super::app::App;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use config::Config;
use core::hash::{Hash as _, Hasher as _};
use include_dir::{Dir, include_dir};
use std::borrow::Cow;
use std::hash::DefaultHasher;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

static BUILT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/pages");

/// The file that all pages are.
const PAGE: &str = "index.html";

/// Where the page has the settings of the server, and which it has without one.
const SLOT: &str = r#"<script id="config" type="application/json">null</script>"#;

/// The pages of a server.
#[derive(Debug)]
pub(super) struct Pages {
    config: Config,
    policy: String,
    /// Files that take the place of those in the program.
    root: Option<PathBuf>,
}

impl Pages {
    /// The pages, unless the settings want none.
    pub(super) fn new(settings: &Settings) -> Option<Self> {
        let web = &settings.web;
        if !web.enabled {
            return None;
        }
        let config = Config::new(web);
        let policy = policy(&config.api_base_url);
        let root = Some(web.web_root.as_str()).filter(|root| !root.is_empty());
        Some(Self { config, policy, root: root.map(|root| settings.root.join(root)) })
    }

    /// Answers what no other route did.
    pub(super) async fn answer(
        self: Arc<Self>,
        app: Arc<App>,
        method: Method,
        path: String,
        headers: HeaderMap,
    ) -> Result<Response, Failure> {
        let unknown = Failure::not_found(format_args!("{method} {path}: no such path"));
        if !matches!(method, Method::GET | Method::HEAD) {
            return Err(unknown);
        }
        let is_page = self.config.has(&path);
        let name = if is_page { PAGE } else { path.trim_start_matches('/') }.to_owned();
        let file = match self.root.clone() {
            None => BUILT.get_file(&name).map(|file| Cow::Borrowed(file.contents())),
            Some(root) => {
                let name = name.clone();
                app.work(move |_| Ok(read(&root, &name))).await?.map(Cow::Owned)
            }
        };
        let Some(content) = file else { return Err(unknown) };
        let content = if name == PAGE { self.filled(&content) } else { content };
        Ok(self.file(&name, content, &headers))
    }

    /// The page with the settings in it.
    fn filled(&self, page: &[u8]) -> Cow<'static, [u8]> {
        let page = String::from_utf8_lossy(page);
        let filled = SLOT.replace("null", &self.config.to_json());
        Cow::Owned(page.replacen(SLOT, &filled, 1).into_bytes())
    }

    fn file(&self, name: &str, content: Cow<'static, [u8]>, headers: &HeaderMap) -> Response {
        let tag = tag(&content);
        let known = headers.get_all(IF_NONE_MATCH).iter();
        let is_known = known
            .filter_map(|tags| tags.to_str().ok())
            .flat_map(|tags| tags.split(','))
            .any(|known| known.trim() == tag);
        let own: [(HeaderName, &str); 7] = [
            (CONTENT_TYPE, content_type(name)),
            (ETAG, &tag),
            (CACHE_CONTROL, "no-cache"),
            (CONTENT_SECURITY_POLICY, &self.policy),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (X_FRAME_OPTIONS, "SAMEORIGIN"),
            (REFERRER_POLICY, "no-referrer"),
        ];
        if is_known {
            (StatusCode::NOT_MODIFIED, own).into_response()
        } else {
            (own, content.into_owned()).into_response()
        }
    }
}

/// What a page may do: run what is here, and ask the API.
fn policy(api_base_url: &str) -> String {
    let api = origin(api_base_url).map(|origin| format!(" {origin}")).unwrap_or_default();
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
         connect-src 'self'{api}; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    )
}

/// Scheme and authority of an address, if it has both and nothing that could mean more.
fn origin(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split('/').next()?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "-.:[]".contains(c);
    let is_origin = matches!(scheme, "http" | "https") && !authority.is_empty();
    (is_origin && authority.chars().all(plain)).then(|| format!("{scheme}://{authority}"))
}

/// A file of a directory, or of one in it, and of no other place.
fn read(root: &Path, name: &str) -> Option<Vec<u8>> {
    let name = Path::new(name);
    let is_inside = name.components().all(|part| matches!(part, Component::Normal(_)));
    // A link may lead out, too.
    let root = root.canonicalize().ok()?;
    let path = root.join(name).canonicalize().ok()?;
    (is_inside && path.starts_with(&root) && path.is_file()).then(|| std::fs::read(path).ok())?
}

/// Changes when the content does. Weak, because the content may be sent compressed.
fn tag(content: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    format!("W/\"{:016x}\"", hasher.finish())
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, end)| end) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("json") => "application/json",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_page_has_a_place_for_settings() {
        let page = BUILT.get_file(PAGE).unwrap().contents_utf8().unwrap();
        assert_eq!(page.matches(SLOT).count(), 1);
        assert!(!page.contains("<script>"), "an inline script would not run");
    }

    #[test]
    fn a_directory_gives_its_own_files_and_no_others() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().join("web");
        std::fs::create_dir_all(root.join("assets")).unwrap();
        std::fs::write(root.join("assets/app.js"), "1").unwrap();
        std::fs::write(place.path().join("secret"), "2").unwrap();
        assert_eq!(read(&root, "assets/app.js").unwrap(), b"1");
        for outside in ["../secret", "assets/../../secret", "/etc/passwd", "assets", "", "gone"] {
            assert_eq!(read(&root, outside), None, "{outside}");
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(place.path().join("secret"), root.join("link")).unwrap();
            assert_eq!(read(&root, "link"), None);
        }
    }

    #[test]
    fn only_an_origin_gets_into_the_policy() {
        assert_eq!(origin("https://a.example:8/x").as_deref(), Some("https://a.example:8"));
        assert_eq!(origin("http://[::1]:80").as_deref(), Some("http://[::1]:80"));
        for odd in ["", "/api", "javascript://x", "https://", "https://a;script-src *"] {
            assert_eq!(origin(odd), None, "{odd}");
        }
        assert!(policy("http://box:1/").contains("connect-src 'self' http://box:1;"));
    }
}
