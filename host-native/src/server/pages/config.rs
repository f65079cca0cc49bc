//! What pages are told of the settings.

use crate::server::answer::to_json;
use crate::server::settings::WebSettings;
use serde::Serialize;

/// Beginnings of paths that are answered by something else than pages.
const TAKEN: [&str; 9] =
    ["api", "assets", "health", "ready", "write", "query", "ping", "metrics", "prometheus"];

/// What pages are told.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Config {
    base_path: String,
    editor_path: String,
    explore_path: String,
    engine_path: String,
    refresh_seconds: u32,
    #[serde(rename = "apiBaseURL")]
    pub(super) api_base_url: String,
    title: String,
}

impl Config {
    pub(super) fn new(web: &WebSettings) -> Self {
        let mut used = Vec::new();
        let base_path = free(&web.base_path, "/dashboard", &mut used);
        let editor_path = format!("{}/edit", base_path.trim_end_matches('/'));
        used.push(editor_path.clone());
        Self {
            explore_path: free(&web.explore_path, "/explore", &mut used),
            engine_path: free(&web.engine_path, "/engine", &mut used),
            base_path,
            editor_path,
            refresh_seconds: web.refresh_seconds.max(1),
            api_base_url: web.api_base_url.trim_end_matches('/').to_owned(),
            title: web.title.clone(),
        }
    }

    /// Whether a page is at this path.
    pub(super) fn has(&self, path: &str) -> bool {
        let path = match path.trim_end_matches('/') {
            "" => return true,
            path => path,
        };
        let pages = [&self.base_path, &self.editor_path, &self.explore_path, &self.engine_path];
        pages.into_iter().any(|page| page == path)
    }

    /// As a page has it: no character in it is markup.
    pub(super) fn to_json(&self) -> String {
        let mut json = Vec::new();
        // Text and a number, into memory: nothing can fail.
        let _ = to_json(&mut json, self);
        String::from_utf8(json).unwrap_or_default()
    }
}

/// The path if it can be one and is free, else the usual one, else one beside it.
fn free(path: &str, usual: &str, used: &mut Vec<String>) -> String {
    let beside = format!("{usual}-page");
    let wanted = cleaned(path);
    let all = [wanted.as_deref(), Some(usual), Some(&beside)];
    let is_free = |path: &&str| !used.iter().any(|used| used == path);
    let chosen = all.into_iter().flatten().find(is_free).unwrap_or(&beside).to_owned();
    used.push(chosen.clone());
    chosen
}

/// The path without doubled or trailing slashes; nothing when it is not absolute, leads up or
/// belongs to something else.
fn cleaned(path: &str) -> Option<String> {
    let parts: Vec<&str> =
        path.trim().strip_prefix('/')?.split('/').filter(|part| !part.is_empty()).collect();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    let is_plain = |part: &&str| !matches!(*part, "." | "..") && part.chars().all(plain);
    let is_taken = parts.first().is_some_and(|first| TAKEN.contains(first));
    (parts.iter().all(is_plain) && !is_taken).then(|| format!("/{}", parts.join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(base: &str, explore: &str, engine: &str) -> Config {
        Config::new(&WebSettings {
            base_path: base.into(),
            explore_path: explore.into(),
            engine_path: engine.into(),
            title: "</script><b>".into(),
            ..WebSettings::default()
        })
    }

    #[test]
    fn paths_are_cleaned_and_never_collide() {
        let config = of("//ui//home/", "/api/x", "engine");
        assert_eq!(
            (config.base_path.as_str(), config.editor_path.as_str()),
            ("/ui/home", "/ui/home/edit")
        );
        assert_eq!(
            (config.explore_path.as_str(), config.engine_path.as_str()),
            ("/explore", "/engine")
        );
        let config = of("/explore", "/explore", "/explore/edit");
        assert_eq!(config.explore_path, "/explore-page");
        assert_eq!(config.engine_path, "/engine");
        for odd in ["", "x", "/..", "/a/../b", "/<b>", "/assets", "/metrics/x"] {
            assert_eq!(cleaned(odd), None, "{odd}");
        }
    }

    #[test]
    fn pages_are_at_their_paths_and_at_the_root() {
        let config = of("/", "/explore", "/engine");
        assert_eq!(config.editor_path, "/edit");
        for path in ["/", "/edit", "/explore", "/explore/", "/engine"] {
            assert!(config.has(path), "{path}");
        }
        assert!(!config.has("/dashboard") && !config.has("/assets/app.js"));
    }

    #[test]
    fn nothing_in_it_is_markup() {
        let json = of("/a", "/b", "/c").to_json();
        assert!(json.contains(r"\u003c/script\u003e") && !json.contains('<'), "{json}");
        assert!(json.contains(r#""apiBaseURL":"","#), "{json}");
    }
}
