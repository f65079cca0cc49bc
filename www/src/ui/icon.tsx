/** Outlines on a grid of 16, drawn for this page. */
const PATHS = {
  close: "M4 4l8 8M12 4l-8 8",
  check: "M3 8.5l3.2 3.2L13 5",
  chevron: "M6 4l4 4-4 4",
  down: "M4 6l4 4 4-4",
  up: "M4 10l4-4 4 4",
  plus: "M8 3v10M3 8h10",
  minus: "M3 8h10",
  back: "M6.5 4L3 7.5 6.5 11M3 7.5h6a4 4 0 010 5.5",
  left: "M10 4L6 8l4 4",
  refresh: "M13 8a5 5 0 11-1.5-3.6M13 2v3h-3",
  pause: "M5.5 3.5v9M10.5 3.5v9",
  play: "M5 3.5v9l7-4.5z",
  search: "M7 11.5a4.5 4.5 0 110-9 4.5 4.5 0 010 9zM10.5 10.5L14 14",
  upload: "M8 11V3M5 6l3-3 3 3M3 10.5V13h10v-2.5",
  download: "M8 3v8M5 8l3 3 3-3M3 10.5V13h10v-2.5",
  sun: "M8 10.8a2.8 2.8 0 100-5.6 2.8 2.8 0 000 5.6zM8 1.5v1.2M8 13.3v1.2M1.5 8h1.2M13.3 8h1.2M3.4 3.4l.9.9M11.7 11.7l.9.9M12.6 3.4l-.9.9M4.3 11.7l-.9.9",
  moon: "M13 9.5A5.5 5.5 0 016.5 3 5.5 5.5 0 1013 9.5z",
  auto: "M8 2.5a5.5 5.5 0 100 11zM8 2.5a5.5 5.5 0 010 11",
  chart: "M2.5 13.5h11M3 10l3-4 3 2.5L13 3",
  grid: "M2.5 2.5h4.5v4.5H2.5zM9 2.5h4.5v4.5H9zM2.5 9h4.5v4.5H2.5zM9 9h4.5v4.5H9z",
  disk: "M2.5 4.5C2.5 3.4 5 2.5 8 2.5s5.5.9 5.5 2-2.5 2-5.5 2-5.5-.9-5.5-2zM2.5 4.5v7c0 1.1 2.5 2 5.5 2s5.5-.9 5.5-2v-7M2.5 8c0 1.1 2.5 2 5.5 2s5.5-.9 5.5-2",
  file: "M4 2h5l3.5 3.5V14H4zM9 2v3.5h3.5",
  folder: "M2 12.5v-9h4l1.5 2H14v7z",
  edit: "M3 13l.7-3L10.5 3.2l2.3 2.3L6 12.3z",
  copy: "M6 6h7.5v7.5H6zM3.5 10H2.5V2.5H10v1",
  trash: "M3 4.5h10M6 4.5V3h4v1.5M4.2 4.5l.6 9h6.4l.6-9M6.7 7v4M9.3 7v4",
  more: "M3.5 8h.01M8 8h.01M12.5 8h.01",
  warning: "M8 2.5l6 11H2zM8 6.5v3.5M8 11.8v.01",
  info: "M8 14A6 6 0 118 2a6 6 0 010 12zM8 7.5V11M8 5v.01",
  live: "M8 9.2a1.2 1.2 0 100-2.4 1.2 1.2 0 000 2.4zM5 11a4.2 4.2 0 010-6M11 5a4.2 4.2 0 010 6M3 13a7 7 0 010-10M13 3a7 7 0 010 10",
  image: "M2.5 3h11v10h-11zM2.5 11l3.5-3.5 2.5 2.5 2-2 3 3M10.5 6v.01",
  list: "M5.5 4h8M5.5 8h8M5.5 12h8M2.5 4v.01M2.5 8v.01M2.5 12v.01",
  database: "M2.5 3.5h11v3.5h-11zM2.5 9h11v3.5h-11zM5 5.25v.01M5 10.75v.01",
} as const;

export type IconName = keyof typeof PATHS;

/** A picture beside words, never instead of them: hidden from screen readers. */
export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}

/** The product's mark. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 64 64" aria-hidden="true" focusable="false">
      <rect width="64" height="64" rx="14" />
      <path d="M11 40h9l6-19 9 29 7-19 3 9h8" />
    </svg>
  );
}
