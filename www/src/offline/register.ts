/** Keeps the page for use without a network. In development files change, so nothing is kept. */
export function keepForOffline(): void {
  if (!import.meta.env.PROD || !("serviceWorker" in navigator)) return;
  // After loading: filling the cache must not compete with the first chart.
  const register = () => {
    navigator.serviceWorker.register("/sw.js").catch((error: unknown) => {
      console.info("Offline use is not available here:", error);
    });
  };
  if (document.readyState === "complete") register();
  else window.addEventListener("load", register, { once: true });
}
