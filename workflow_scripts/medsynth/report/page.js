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
})();
