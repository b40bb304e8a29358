// Refreshes the numbers of the page from /status.json every two seconds. When rows,
// states or findings have changed (another "shape"), the page itself is fetched anew.
// Without this script the page shows what was true when it was loaded.

const interval = 2000;
const [width, height, samples] = [300, 60, 150];

// Numbers for people; the same functions as in units.go.
const digits = (n) => n.toFixed(Number.isInteger(n) || n >= 100 ? 0 : n >= 10 ? 1 : 2);
const scaled = (n, base, units) => {
  let i = 0;
  while (n >= base && i < units.length - 1) { n /= base; i++; }
  return units[i] === "" ? digits(n) : `${digits(n)} ${units[i]}`;
};
const took = (n) => {
  const s = Math.floor(n);
  if (n <= 0) return "–";
  if (n < 1) return `${digits(n * 1000)} ms`;
  if (s < 60) return `${digits(n)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
};
const units = {
  count: (n) => (n < 1000 ? `${n}` : n < 100000 ? `${Math.floor(n / 1000)},${String(n % 1000).padStart(3, "0")}`
    : scaled(n, 1000, ["", "k", "M", "G", "T", "P", "E"])),
  size: (n) => scaled(n, 1024, ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]),
  bits: (n) => scaled(n, 1000, ["bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"]),
  rate: (n) => scaled(n, 1000, ["/s", "k/s", "M/s"]),
  percent: (n) => (n > 0.9995 && n < 1 ? "> 99.9 %" : `${(n * 100).toFixed(1)} %`),
  took,
};
const write = (unit, v, now) => {
  if (unit === "ago") return v ? `${took(Math.max(1, Math.floor((Date.parse(now) - Date.parse(v)) / 1000)))} ago` : "never";
  return typeof v === "number" ? units[unit](v) : "–";
};

// value walks along a dotted path; behind a list, "max" and "min" pick a number.
const value = (doc, path) => path.split(".").reduce((v, name) => {
  if (Array.isArray(v) && (name === "max" || name === "min")) {
    const known = v.filter((n) => n !== null);
    return known.length ? Math[name](...known) : null;
  }
  return v?.[name];
}, doc);

// trace draws a list as two SVG paths, the newest value at the right.
const trace = (list) => {
  const known = list.filter((n) => n !== null);
  if (known.length < 2) return ["", ""];
  const top = Math.max(1, ...known) * 1.05;
  const at = (i) => width - (list.length - 1 - i) * (width / (samples - 1));
  const points = list.flatMap((n, i) => (n === null ? [] : [[at(i).toFixed(1), (height - (height * n) / top).toFixed(1)]]));
  const line = `M${points.map((p) => p.join(" ")).join("L")}`;
  return [line, `${line}L${points.at(-1)[0]} ${height}L${points[0][0]} ${height}Z`];
};

const put = (node, text) => { if (node.textContent !== text) node.textContent = text; };

const paint = (doc) => {
  for (const node of document.querySelectorAll("[data-v]")) {
    put(node, write(node.dataset.u, value(doc, node.dataset.v), doc.time));
  }
  for (const svg of document.querySelectorAll("[data-spark]")) {
    const [line, area] = trace(value(doc, svg.dataset.spark));
    svg.querySelector(".line").setAttribute("d", line);
    svg.querySelector(".area").setAttribute("d", area);
  }
  for (const svg of document.querySelectorAll("[data-bar]")) {
    const of = value(doc, svg.dataset.of);
    let x = 0;
    svg.dataset.bar.split(" ").forEach((path, i) => {
      const w = of > 0 ? Math.min(100 - x, (100 * value(doc, path)) / of) : 0;
      svg.children[i].setAttribute("x", x.toFixed(2));
      svg.children[i].setAttribute("width", w.toFixed(2));
      x += w;
    });
  }
  const time = document.getElementById("time");
  time.dateTime = doc.time;
  put(time, `${doc.time.slice(0, 10)} ${doc.time.slice(11, 19)} UTC`);
};

// renew takes over the page that the server makes, and keeps what the reader opened.
const renew = async () => {
  const fresh = new DOMParser().parseFromString(await (await fetch("/status", { headers: { Accept: "text/html" } })).text(), "text/html");
  const open = new Map([...document.querySelectorAll("details")].map((d) => [d.id, d.open]));
  const focus = document.activeElement?.closest("details")?.id;
  document.getElementById("main").replaceWith(fresh.getElementById("main"));
  for (const d of document.querySelectorAll("details")) if (open.has(d.id)) d.open = open.get(d.id);
  if (focus) document.getElementById(focus)?.querySelector("summary").focus();
  const health = document.getElementById("health");
  const now = fresh.getElementById("health");
  if (health.textContent !== now.textContent) { health.className = now.className; health.replaceChildren(...now.childNodes); }
};

const lost = () => {
  const health = document.getElementById("health");
  health.className = "pill bad";
  put(health, "✕ no answer");
  document.getElementById("main").dataset.shape = "";
};

const refresh = async () => {
  try {
    const doc = await (await fetch("/status.json")).json();
    if (doc.shape !== document.getElementById("main").dataset.shape) await renew();
    paint(doc);
    document.body.dataset.refreshed = doc.time;
  } catch {
    lost();
  }
};

let paused = false;
const button = document.getElementById("pause");
button.hidden = false;
button.addEventListener("click", () => {
  paused = !paused;
  button.setAttribute("aria-pressed", String(paused));
  put(button, paused ? "Paused" : "Pause");
});
const loop = async () => {
  if (!paused && !document.hidden) await refresh();
  setTimeout(loop, interval);
};
loop();
