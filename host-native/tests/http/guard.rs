//! Who may ask.

use crate::support::{Answer, Served};

fn asked(served: &Served, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let method = method.parse().unwrap();
    let mut request = served.client().request(method, served.url(path));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Answer::of(request.body("home/a 1\n").send().unwrap())
}

#[test]
fn a_token_is_asked_for_everywhere_but_for_health() {
    let served = Served::with("", |settings| settings.token = Some("secret".into()));
    for path in ["/api/v1/databases", "/api/engine/overview", "/metrics", "/api/v1/nothing"] {
        assert_eq!(served.get(path).error().0, 401, "{path}");
        for wrong in ["Bearer wrong", "Bearer ", "Basic secret", "secret"] {
            assert_eq!(
                asked(&served, "GET", path, &[("authorization", wrong)]).status,
                401,
                "{wrong}"
            );
        }
        assert_ne!(asked(&served, "GET", path, &[("authorization", "Bearer secret")]).status, 401);
    }
    assert_eq!(served.post("/api/v1/import", "home/a 1\n").status, 401);
    assert_eq!(
        asked(&served, "POST", "/api/v1/import", &[("authorization", "Token secret")]).status,
        200
    );
    assert_eq!((served.get("/health").status, served.get("/ready").status), (200, 200));
}

#[test]
fn a_page_of_a_stranger_can_change_nothing() {
    let served = Served::new();
    let evil = [("origin", "https://evil.example"), ("content-type", "text/plain")];
    assert_eq!(asked(&served, "POST", "/api/v1/import", &evil).error().0, 403);
    assert_eq!(asked(&served, "POST", "/api/v1/import", &[("origin", "null")]).error().0, 403);
    let own = served.url("");
    assert_eq!(asked(&served, "POST", "/api/v1/import", &[("origin", &own)]).status, 200);
    assert_eq!(asked(&served, "POST", "/api/v1/import", &[]).status, 200);
}

#[test]
fn a_name_that_a_stranger_bound_to_this_machine_is_refused() {
    let served = Served::new();
    for path in ["/api/v1/databases", "/api/engine/overview", "/health"] {
        assert_eq!(
            asked(&served, "GET", path, &[("host", "evil.example")]).error().0,
            403,
            "{path}"
        );
        assert_eq!(asked(&served, "GET", path, &[("host", "localhost:80")]).status, 200, "{path}");
    }
    let allowed = Served::with("[server]\nallowed_hosts = [\"box.lan\"]\n", |_| ());
    assert_eq!(asked(&allowed, "GET", "/health", &[("host", "box.lan")]).status, 200);
}

#[test]
fn other_origins_are_told_nothing_unless_configured() {
    let ask = |served: &Served| {
        let headers = [("origin", "https://a.example"), ("access-control-request-method", "POST")];
        asked(served, "OPTIONS", "/api/v1/import", &headers)
    };
    let closed = ask(&Served::new());
    assert_eq!(closed.header("access-control-allow-origin"), "");
    let open = Served::with("[server]\ncors_origins = [\"https://a.example\"]\n", |_| ());
    let answer = ask(&open);
    assert_eq!(answer.header("access-control-allow-origin"), "https://a.example");
    let headers = [("origin", "https://a.example")];
    assert_eq!(asked(&open, "POST", "/api/v1/import", &headers).status, 200);
    assert_eq!(
        asked(&open, "POST", "/api/v1/import", &[("origin", "https://b.example")]).status,
        403
    );
}
