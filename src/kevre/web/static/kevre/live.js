// Follows the live power of a site; the page is complete without it.
(() => {
  const panel = document.querySelector("[data-live]");
  if (!panel || !window.EventSource) return;
  const QUIET_MS = 30000;
  const spoken = panel.querySelector("[data-spoken]");
  let source = null, again = 0, spokenAt = Date.now();

  const show = (event) => {
    const reading = JSON.parse(event.data);
    const figure = panel.querySelector(`[data-series="${reading.series}"]`);
    if (!figure) return;
    figure.querySelector("[data-value]").textContent = reading.value;
    figure.querySelector("[data-unit]").textContent = reading.unit;
    const at = figure.querySelector("[data-at]");
    at.textContent = reading.at;
    at.dateTime = reading.instant;
    panel.classList.add("is-live");
    // A screen reader is told twice a minute at most: live must not mean loud.
    if (spoken && Date.now() - spokenAt > QUIET_MS) {
      spokenAt = Date.now();
      spoken.textContent = `${reading.value} ${reading.unit}`;
    }
  };
  const stop = () => {
    clearTimeout(again);
    if (source) source.close();
    source = null;
    panel.classList.remove("is-live");
  };
  const start = () => {
    stop();
    source = new EventSource(panel.dataset.live);
    source.onmessage = show;
    source.onerror = () => {
      panel.classList.remove("is-live");
      if (source && source.readyState === EventSource.CLOSED) again = setTimeout(start, 60000);
    };
  };
  document.addEventListener("visibilitychange", () => (document.hidden ? stop() : start()));
  window.addEventListener("pagehide", stop);
  if (!document.hidden) start();
})();
