"use strict";
/* Theme, enlarged images, tables that sort and copy. The page is complete without it. */
(() => {
  const all = (query, root = document) => [...root.querySelectorAll(query)];
  const root = document.documentElement;

  const theme = document.getElementById("theme");
  const dark = () => (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const named = () => { theme.textContent = dark() ? "Light" : "Dark"; };
  theme.hidden = false;
  theme.addEventListener("click", () => { root.dataset.theme = dark() ? "light" : "dark"; named(); });
  named();

  for (const button of all("[data-more]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const open = button.closest(".card").classList.toggle("all");
      button.setAttribute("aria-expanded", open);
      button.textContent = open ? "Show fewer images" : "Show all images";
    });
  }

  /* A tile enlarged; arrow keys step through the tiles that are shown, Esc closes the dialog. */
  const viewer = document.getElementById("viewer");
  let tiles = [], at = 0;
  const show = (k) => {
    at = (k + tiles.length) % tiles.length;
    const small = tiles[at].querySelector("img"), large = viewer.querySelector("img");
    large.src = small.src;
    large.alt = viewer.querySelector("p").textContent = small.alt;
  };
  document.addEventListener("click", (event) => {
    const tile = event.target.closest(".tile");
    if (!tile) return;
    tiles = all(".tile").filter((each) => each.offsetParent);
    show(tiles.indexOf(tile));
    viewer.showModal();
  });
  for (const button of all("[data-step]", viewer)) button.addEventListener("click", () => show(at + Number(button.dataset.step)));
  viewer.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) show(at + step);
  });
  viewer.addEventListener("click", (event) => { if (event.target === viewer) viewer.close(); });
  viewer.addEventListener("close", () => tiles[at] && tiles[at].focus());

  /* Tables: sorted by a click on a column's head, copied as CSV or as LaTeX. */
  const text = (cell) => {
    const copy = cell.cloneNode(true);
    for (const aside of all("small", copy)) aside.remove();
    return copy.textContent.replace(/\s+/g, " ").trim();
  };
  const rows = (table) => [...table.rows].map((row) => [...row.cells].flatMap((cell) => [text(cell), ...Array(cell.colSpan - 1).fill("")]));
  const csv = (table) => rows(table).map((row) => row.map((t) => (/[",]/.test(t) ? `"${t.replaceAll('"', '""')}"` : t)).join(",")).join("\n") + "\n";
  const escaped = (t) => t.replace(/[\\&%$#_^~]|[{}]/g, (c) => ({ "\\": "\\textbackslash ", "^": "\\^{}", "~": "\\~{}" })[c] || "\\" + c);
  const latex = (table) => {
    const lines = rows(table).map((row) => row.map(escaped).join(" & ") + " \\\\");
    const columns = [...table.rows[0].cells].map((cell) => (cell.classList.contains("num") ? "r" : "l").repeat(cell.colSpan)).join("");
    return ["% \\usepackage{booktabs}", "\\begin{table}", `\\caption{${escaped(text(table.caption))}}`,
      `\\begin{tabular}{${columns}}`, "\\toprule", lines[0], "\\midrule", ...lines.slice(1), "\\bottomrule",
      "\\end{tabular}", "\\end{table}"].join("\n") + "\n";
  };
  const copy = async (button, string) => {
    const name = button.textContent;
    try { await navigator.clipboard.writeText(string); button.textContent = "Copied"; } catch { button.textContent = "No clipboard here"; }
    setTimeout(() => { button.textContent = name; }, 1500);
  };
  const key = (cell) => {
    const data = cell.querySelector("data");
    const shown = data ? data.value : text(cell).replaceAll(",", "");
    return Number.isFinite(parseFloat(shown)) ? parseFloat(shown) : text(cell);
  };
  const order = (a, b) => {
    if (typeof a === typeof b) return typeof a === "number" ? a - b : a.localeCompare(b);
    return typeof a === "number" ? -1 : 1;
  };
  for (const table of all("table")) {
    const tools = document.createElement("p");
    tools.className = "tools";
    for (const [name, form] of [["Copy CSV", csv], ["Copy LaTeX", latex]]) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = name;
      button.addEventListener("click", () => copy(button, form(table)));
      tools.append(button);
    }
    table.parentNode.before(tools);
    const body = table.tBodies[0];
    if (body.rows.length < 2 || table.querySelector("[colspan]")) continue;
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const up = head.getAttribute("aria-sort") !== "ascending";
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        const sorted = [...body.rows].sort((a, b) => order(key(a.cells[column]), key(b.cells[column])));
        body.append(...(up ? sorted : sorted.reverse()));
      });
    });
  }
})();
