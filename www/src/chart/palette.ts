/** How many colours there are for lines; more lines begin again. */
export const COLORS = 12;

/** The name of the custom property of a line's colour. */
export function colorVariable(index: number): string {
  return `--series-${(index % COLORS) + 1}`;
}

/** Colours as they are now, for canvas, which knows no custom properties. */
export interface Paint {
  readonly text: string;
  readonly grid: string;
  readonly axis: string;
  readonly surface: string;
  readonly strong: string;
  readonly font: string;
  line(index: number): string;
  band(index: number): string;
}

export function readPaint(element: Element): Paint {
  // A property's own text may be `light-dark(…)`; what an element makes of it is a colour.
  const probe = document.createElement("i");
  probe.hidden = true;
  element.append(probe);
  const read = (name: string) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const lines = Array.from({ length: COLORS }, (_, index) => read(colorVariable(index)));
  const line = (index: number) => lines[index % COLORS]!;
  const paint = {
    text: read("--muted"),
    grid: read("--grid"),
    axis: read("--line-strong"),
    surface: read("--surface"),
    strong: read("--text"),
    font: `11px ${getComputedStyle(element).fontFamily}`,
    line,
    band: (index: number) => line(index).replace(/^rgb\((.*)\)$/, "rgba($1, 0.18)"),
  };
  probe.remove();
  return paint;
}
