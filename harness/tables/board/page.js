"use strict";
// Sorts, searches and filters each table of the page. Without it every row is there, in the order of its CSV.
(() => {
  const STEP = 200; // rows that are laid out at once
  const collator = new Intl.Collator("en", { numeric: true });

  for (const table of document.querySelectorAll("table[data-name]")) begin(table);

  function begin(table) {
    const part = (name) => document.getElementById(`${table.dataset.name}-${name}`);
    const body = table.tBodies[0];
    const given = [...body.rows];
    const heads = [...table.tHead.rows[0].cells];
    const searched = heads.filter((head) => !head.hasAttribute("data-unsorted")).length; // names of records are not
    const controls = part("controls"); // none where there is nothing to choose by
    const search = controls?.querySelector("input");
    const selects = [...(controls?.querySelectorAll("select") ?? [])];
    const more = part("more");
    const texts = new Map();
    let order = given;
    let sorted = "";
    let most = STEP;

    function textOf(row) {
      if (!texts.has(row)) {
        const cells = [...row.cells].slice(0, searched);
        texts.set(row, cells.map((cell) => cell.textContent).join("\n").toLowerCase());
      }
      return texts.get(row);
    }

    function matching() {
      const words = (search?.value ?? "").toLowerCase().split(/\s+/).filter(Boolean);
      const chosen = selects.filter((select) => select.value !== "");
      return order.filter(
        (row) =>
          chosen.every((select) => row.cells[select.dataset.column].textContent === select.value) &&
          words.every((word) => textOf(row).includes(word)),
      );
    }

    function show(all) {
      const rows = matching();
      const shown = all === true ? rows : rows.slice(0, most);
      body.replaceChildren(...shown);
      more.hidden = shown.length === rows.length;
      const found = rows.length === given.length ? `${rows.length} rows` : `${rows.length} of ${given.length} rows`;
      const cut = shown.length === rows.length ? "" : `, the first ${shown.length} are shown`;
      part("status").textContent = `${found}${cut}${sorted}`;
    }

    function sort(head, column) {
      const numeric = head.classList.contains("number");
      const before = head.getAttribute("aria-sort");
      const down = before === "none" ? numeric : before === "ascending";
      for (const other of heads) {
        if (other.hasAttribute("aria-sort")) other.setAttribute("aria-sort", "none");
      }
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const keyed = given.map((row) => ({ row, key: keyOf(row.cells[column], numeric) }));
      const sign = down ? -1 : 1;
      keyed.sort((a, b) => {
        if (a.key === null || b.key === null) return (a.key === null) - (b.key === null); // what is unknown is last
        return sign * (numeric ? a.key - b.key : collator.compare(a.key, b.key));
      });
      order = keyed.map((one) => one.row);
      sorted = `, sorted by ${head.textContent}, ${down ? "descending" : "ascending"}`;
      most = STEP;
      show();
    }

    heads.forEach((head, column) => {
      if (head.hasAttribute("data-unsorted")) return;
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      button.addEventListener("click", () => sort(head, column));
      head.append(button);
      head.setAttribute("aria-sort", "none");
    });
    for (const control of controls?.querySelectorAll("input, select") ?? []) {
      control.addEventListener("input", () => {
        most = STEP;
        show();
      });
    }
    more.addEventListener("click", () => {
      most += 5 * STEP;
      show();
    });
    addEventListener("beforeprint", () => show(true));
    addEventListener("afterprint", () => show());
    if (controls) controls.hidden = false;
    show();
  }

  function keyOf(cell, numeric) {
    const text = (cell.dataset.v ?? cell.textContent).trim();
    if (text === "" || text === "-") return null;
    if (!numeric) return text;
    const number = Number(text);
    return Number.isNaN(number) ? null : number;
  }
})();
