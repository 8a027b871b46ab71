// A screen that nobody touches renews what does not stream: the day's energy and the likenesses.
(() => {
  const EVERY_MS = 300000;
  const renew = () => (navigator.onLine ? location.reload() : setTimeout(renew, 10000));
  setTimeout(renew, EVERY_MS);
})();
