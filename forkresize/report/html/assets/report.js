"use strict";
(() => {
  const PAGE = 50;
  const { rows, timeline } = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const root = document.documentElement;

  // Theme ------------------------------------------------------------------------------------------------------------

  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);

  function showTheme() {
    const button = byId("theme");
    button.hidden = false;
    button.textContent = isDark() ? "Light" : "Dark";
    button.setAttribute("aria-label", isDark() ? "Switch to light colors" : "Switch to dark colors");
    drawCharts();
  }

  byId("theme").removeAttribute("aria-pressed");
  byId("theme").addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    showTheme();
  });
  system.addEventListener("change", showTheme);

  // Time -------------------------------------------------------------------------------------------------------------

  // The time of the run's machine is shown; that of the reader is added if it differs.
  const started = byId("started");
  const moment = new Date(started.dateTime);
  const zone = started.dateTime.match(/([+-])(\d\d):(\d\d)$/);
  const offset = zone ? (zone[1] === "-" ? 1 : -1) * (Number(zone[2]) * 60 + Number(zone[3])) : 0;
  if (offset !== moment.getTimezoneOffset()) {
    started.after(` (${moment.toLocaleString([], { dateStyle: "medium", timeStyle: "short" })} your time)`);
  }

  // Charts -----------------------------------------------------------------------------------------------------------

  let charts = [];

  function drawCharts() {
    charts.forEach((chart) => chart.destroy());
    charts = ["pictures", "megabytes", "busy"].filter(byId).map((name) => chart(byId(name), name));
  }

  // Seconds in a mark of the time axis, and what it is called.
  function scale() {
    const last = timeline.times[timeline.times.length - 1];
    if (last > 7200) return [3600, "h"];
    return last > 180 ? [60, "min"] : [1, "s"];
  }

  function chart(place, name) {
    const [seconds, unit] = scale();
    const style = getComputedStyle(root);
    const color = (variable) => style.getPropertyValue(variable).trim();
    const axis = { stroke: color("--muted"), grid: { stroke: color("--line"), width: 1 }, ticks: { show: false } };
    const top = name === "busy" ? 100 : Math.max(...timeline[name], 1) * 1.1;
    return new uPlot({
      width: place.clientWidth,
      height: place.clientHeight,
      legend: { show: false },
      cursor: { show: false },
      scales: { x: { time: false }, y: { range: [0, top] } },
      axes: [{ ...axis, size: 32, values: (_, marks) => marks.map((mark) => `${mark} ${unit}`) }, { ...axis, size: 48 }],
      series: [{}, {
        stroke: color("--accent"), fill: color("--accent") + "30", width: 2, points: { show: timeline.times.length < 3 },
      }],
    }, [timeline.times.map((time) => time / seconds), timeline[name]], place);
  }

  addEventListener("resize", () => charts.forEach((each) => {
    const place = each.root.parentElement;
    each.setSize({ width: place.clientWidth, height: place.clientHeight });
  }));

  // Before and after -------------------------------------------------------------------------------------------------

  const slidersIn = (place) => place.querySelectorAll(".frame input");

  function slide(slider) {
    slider.parentElement.style.setProperty("--at", `${slider.value}%`);
  }

  slidersIn(document).forEach((slider) => slider.addEventListener("input", () => slide(slider)));
  document.querySelectorAll(".flip").forEach((group) => {
    const sliders = slidersIn(group.parentElement);
    group.hidden = !sliders.length;
    group.addEventListener("click", ({ target }) => {
      if (!target.dataset.at) return;
      sliders.forEach((slider) => {
        slider.value = target.dataset.at;
        slide(slider);
      });
    });
  });

  // Records ----------------------------------------------------------------------------------------------------------

  const [SOURCE, STATUS, REMARK, IN_BYTES, OUT_BYTES, IN_WIDTH, , OUT_WIDTH, , FORMAT, SECONDS] = Array(11).keys();
  const state = { found: rows, page: 0 };
  const heads = [...document.querySelectorAll("#table thead button")];

  const number = new Intl.NumberFormat("en");

  function size(bytes) {
    const power = Math.min(4, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
    return power ? `${(bytes / 1000 ** power).toFixed(1)} ${" kMGT"[power]}B` : `${bytes} Bytes`;
  }

  const known = (value, show) => (value === null ? "" : show(value));
  const sides = (row, column) => known(row[column], (width) => `${width} × ${row[column + 1]}`);

  function cells(row) {
    return [
      ["name", row[SOURCE]],
      [row[STATUS].replaceAll(" ", "-"), row[STATUS]],
      ["number", size(row[IN_BYTES])],
      ["number", known(row[OUT_BYTES], size)],
      ["number", sides(row, IN_WIDTH)],
      ["number", sides(row, OUT_WIDTH)],
      ["", row[FORMAT] ?? ""],
      ["number", known(row[SECONDS], (seconds) => `${seconds.toFixed(2)} s`)],
      ["remark", row[REMARK]],
    ];
  }

  const labels = heads.map((head) => head.textContent);

  function line(row) {
    const shown = document.createElement("tr");
    shown.setAttribute("role", "row");
    cells(row).forEach(([style, text], column) => {
      const cell = document.createElement(column ? "td" : "th");
      cell.setAttribute("role", column ? "cell" : "rowheader");
      if (!column) cell.scope = "row";
      cell.className = style;
      cell.textContent = text;
      cell.dataset.label = labels[column];
      shown.append(cell);
    });
    return shown;
  }

  function show() {
    const start = state.page * PAGE;
    const shown = state.found.slice(start, start + PAGE);
    document.querySelector("#table tbody").replaceChildren(...shown.map(line));
    byId("shown").textContent = shown.length
      ? `${number.format(start + 1)} to ${number.format(start + shown.length)} of ${number.format(state.found.length)}`
      : "No record matches.";
    byId("previous").disabled = state.page === 0;
    byId("next").disabled = start + PAGE >= state.found.length;
  }

  function filter() {
    const text = byId("filter").value.toLowerCase();
    const status = byId("status").value;
    state.found = rows.filter((row) => (!status || row[STATUS] === status)
      && (!text || row[SOURCE].toLowerCase().includes(text) || row[REMARK].toLowerCase().includes(text)));
    state.page = 0;
    show();
  }

  const collator = new Intl.Collator("en", { numeric: true });

  function value(row, columns) {
    const values = columns.map((column) => row[column]);
    if (values[0] === null || values[0] === "") return null;
    return values.length === 1 ? values[0] : values[0] * values[1];
  }

  function compare(one, other) {
    return typeof one === "string" ? collator.compare(one, other) : one - other;
  }

  function sort(button) {
    const head = button.parentElement;
    const direction = head.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
    heads.forEach((each) => each.parentElement.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", direction);
    const sign = direction === "ascending" ? 1 : -1;
    const columns = button.dataset.columns.split(",").map(Number);
    const keyed = rows.map((row) => [value(row, columns), row]);
    // Rows without a value come last in both directions.
    keyed.sort(([one], [other]) => (one === null) - (other === null) || (one === null ? 0 : sign * compare(one, other)));
    keyed.forEach(([, row], index) => { rows[index] = row; });
    filter();
  }

  function turn(by) {
    state.page += by;
    show();
  }

  heads.forEach((button) => button.addEventListener("click", () => sort(button)));
  byId("filter").addEventListener("input", filter);
  byId("status").addEventListener("change", filter);
  byId("status").append(...[...new Set(rows.map((row) => row[STATUS]))].sort().map((status) => new Option(status, status)));
  byId("previous").addEventListener("click", () => turn(-1));
  byId("next").addEventListener("click", () => turn(1));
  document.querySelector(".filters").addEventListener("submit", (event) => event.preventDefault());
  document.querySelectorAll(".filters, #table, .pages").forEach((each) => { each.hidden = false; });
  show();
  showTheme();
})();
