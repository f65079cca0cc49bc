/** One line of the readout. */
export interface ReadoutRow {
  readonly color: string;
  readonly label: string;
  readonly value: string;
  /** Extremes of the window, where there are. */
  readonly extra?: string;
}

/**
 * The box beside the cursor. Built once and filled by hand: it follows every mouse move, for which
 * a component's rendering would be too slow. Names go in as text, never as HTML.
 */
export class Tooltip {
  readonly #box = document.createElement("div");
  readonly #title = document.createElement("div");
  readonly #rows = document.createElement("div");

  constructor(host: HTMLElement) {
    this.#box.className = "tooltip";
    this.#title.className = "tooltip-title";
    this.#rows.className = "tooltip-rows";
    this.#box.append(this.#title, this.#rows);
    this.#box.hidden = true;
    host.append(this.#box);
  }

  show(title: string, rows: readonly ReadoutRow[], left: number, width: number): void {
    this.#title.textContent = title;
    this.#rows.replaceChildren(...rows.map(buildRow));
    this.#box.hidden = false;
    const own = this.#box.offsetWidth;
    // On the side with more room, and never out of the chart.
    const x = left + 16 + own < width ? left + 16 : left - own - 16;
    this.#box.style.transform = `translateX(${Math.round(Math.max(4, x))}px)`;
  }

  hide(): void {
    this.#box.hidden = true;
  }

  /** What it says now, for a screen reader. */
  get text(): string {
    const rows = [...this.#rows.children].map((row) => row.textContent);
    return `${this.#title.textContent ?? ""}: ${rows.join(", ")}`;
  }

  remove(): void {
    this.#box.remove();
  }
}

function buildRow({ color, label, value, extra }: ReadoutRow): HTMLElement {
  const row = document.createElement("div");
  const swatch = document.createElement("i");
  swatch.style.background = color;
  const name = document.createElement("span");
  name.textContent = `${label} `;
  const number = document.createElement("b");
  number.textContent = value;
  row.append(swatch, name, number);
  const range = document.createElement("small");
  range.textContent = extra === undefined ? "" : ` ${extra}`;
  row.append(range);
  return row;
}
