// Live progress: the sums as the gateway tells them, and the page's pictures and failures as they change.
const LEAST_PAUSE_MS = 1500;
const LEAST_SAYING_MS = 10000;
const RETRY_MS = 5000;
const live = document.getElementById("live");
const said = document.getElementById("said");
const numbers = new Intl.NumberFormat("en-US");
// What the gateway sent last: the document itself changes when a thumb has loaded.
const sources = new Map([...parts(document)].map(([name, part]) => [name, part.outerHTML]));
let wanted = false;
let asking = false;
let lastAsked = 0;
let lastSaid = 0;

function listen() {
  const events = new EventSource(live.dataset.events);
  events.addEventListener("sums", (event) => show(JSON.parse(event.data)));
  events.addEventListener("settled", (event) => {
    events.close();
    show(JSON.parse(event.data));
  });
  events.addEventListener("error", () => {
    // The browser connects again by itself, except after an answer that is no stream.
    if (events.readyState === EventSource.CLOSED && live.dataset.settled === "no") setTimeout(listen, RETRY_MS);
  });
}

function show(sums) {
  const finished = sums.done + sums.failed + sums.cancelled;
  for (const shown of live.querySelectorAll("[data-sum]")) shown.textContent = numbers.format(sums[shown.dataset.sum]);
  const bar = live.querySelector("progress");
  bar.max = Math.max(sums.accepted, 1);
  bar.value = sums.accepted ? finished : 1;
  bar.setAttribute("aria-label", `${finished} of ${sums.accepted} images done or failed`);
  if (sums.settled) settle(sums.marking);
  say(sums);
  refresh();
}

function settle(marking) {
  live.dataset.settled = "yes";
  const state = document.getElementById("state");
  state.className = "health okay";
  state.firstElementChild.textContent = marking;
  document.getElementById("cancel")?.remove();
}

// A screen reader reads each change aloud: seldom is enough, and the end for certain.
function say(sums) {
  if (!sums.settled && performance.now() - lastSaid < LEAST_SAYING_MS) return;
  lastSaid = performance.now();
  const words = ["done", "pending", "failed", "cancelled", "rejected"].filter((name) => sums[name]);
  said.textContent = `${sums.settled ? "Settled" : "At work"}: ${words.map((name) => `${sums[name]} ${name}`).join(", ")}`;
}

// One request at a time, with a pause between; what changed meanwhile is asked for afterwards.
async function refresh() {
  wanted = true;
  if (asking) return;
  asking = true;
  while (wanted) {
    await new Promise((done) => setTimeout(done, lastAsked + LEAST_PAUSE_MS - performance.now()));
    wanted = false;
    lastAsked = performance.now();
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (answer.ok) patch(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } catch {
      wanted = true;
    }
  }
  asking = false;
}

// The failures, and each picture by its position.
function* parts(page) {
  yield ["failures", page.getElementById("failures")];
  for (const tile of page.querySelectorAll("[data-position]")) yield [tile.dataset.position, tile];
}

function patch(page) {
  const shown = new Map(parts(document));
  const fresh = new Map(parts(page));
  if (fresh.size !== shown.size) {
    // A manifest goes on being read: there are more pictures than before.
    for (const [name, part] of fresh) sources.set(name, part.outerHTML);
    replace(document.getElementById("pictures"), page.getElementById("pictures"));
    replace(shown.get("failures"), fresh.get("failures"));
    return;
  }
  for (const [name, part] of fresh) {
    if (part.outerHTML === sources.get(name)) continue;
    sources.set(name, part.outerHTML);
    replace(shown.get(name), part);
  }
}

function replace(shown, fresh) {
  const focused = shown.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  shown.replaceWith(fresh);
  if (focused) fresh.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}

listen();
