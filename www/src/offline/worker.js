// The service worker: keeps the built page, so that it loads without a network.
// The build fills in the version and the list; see build/offline.ts.
const CACHE = "nanotdb-page-__VERSION__";
const ASSETS = ["__ASSETS__"];

self.addEventListener("install", (event) => {
  const fill = async () => {
    const cache = await caches.open(CACHE);
    // "reload": what an HTTP cache kept may be of an older build.
    await cache.addAll(ASSETS.map((path) => new Request(path, { cache: "reload" })));
    await self.skipWaiting();
  };
  event.waitUntil(fill());
});

self.addEventListener("activate", (event) => {
  const tidy = async () => {
    for (const name of await caches.keys()) {
      if (name.startsWith("nanotdb-page-") && name !== CACHE) await caches.delete(name);
    }
    await self.clients.claim();
  };
  event.waitUntil(tidy());
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  // Only this page's own files: calls to a server's API must reach the server.
  if (request.method !== "GET" || url.origin !== location.origin) return;
  const isPage = request.mode === "navigate";
  if (!isPage && !ASSETS.includes(url.pathname)) return;
  const answer = async () => {
    const cache = await caches.open(CACHE);
    return (await cache.match(isPage ? "/" : url.pathname)) ?? fetch(request);
  };
  event.respondWith(answer());
});
