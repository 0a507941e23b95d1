// Until the batch has settled: fetch this page again and show its changed part, keeping place and focus.
const PAUSE_MS = 2000;

async function refresh() {
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (answer.ok) show(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch {
    // The gateway is away; ask again.
  }
  if (document.getElementById("live").dataset.settled === "no") setTimeout(refresh, PAUSE_MS);
}

function show(page) {
  const fresh = page.getElementById("live");
  const shown = document.getElementById("live");
  if (!fresh || fresh.outerHTML === shown.dataset.source) return;
  const focused = shown.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  fresh.dataset.source = fresh.outerHTML;
  shown.replaceWith(fresh);
  if (focused) fresh.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}

setTimeout(refresh, PAUSE_MS);
