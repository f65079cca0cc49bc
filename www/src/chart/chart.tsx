import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { isDark, themeRound } from "../shell/theme.ts";
import { readPaint } from "./palette.ts";
import { Plot, type Line, type PlotEvents } from "./plot.ts";
import "./chart.css";

interface ChartProps extends PlotEvents {
  readonly lines: readonly Line[];
  /** The visible range in milliseconds. */
  readonly from: number;
  readonly to: number;
  /** What it shows, for those who do not see it. */
  readonly label: string;
  readonly group?: string;
  /** Gives the canvas to whoever wants a picture of it. */
  readonly onPlot?: (plot: Plot | undefined) => void;
  /** Resets to the range it had at first. */
  readonly onHome?: () => void;
}

const HELP =
  "Plus and minus zoom, left and right arrows pan, comma and point move the readout, Escape goes back.";

/** A chart that fills the box it is in. */
export function Chart(props: ChartProps) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot | undefined>(undefined);
  const newest = useRef(props);
  newest.current = props;
  const [spoken, setSpoken] = useState("");
  const isInteractive = props.onRange !== undefined;
  const round = themeRound.value;

  useLayoutEffect(() => {
    const element = host.current;
    if (element === null) return;
    const own = new Plot(element, {
      paint: readPaint(element),
      ...(props.group === undefined ? {} : { group: props.group }),
      ...(isInteractive
        ? {
            onRange: (from, to, isFinal) => newest.current.onRange?.(from, to, isFinal),
            onBack: () => newest.current.onBack?.(),
          }
        : {}),
    });
    plot.current = own;
    own.setRange(newest.current.from, newest.current.to);
    own.setLines(newest.current.lines);
    newest.current.onPlot?.(own);
    const observer = new ResizeObserver(() => own.resize());
    observer.observe(element);
    return () => {
      observer.disconnect();
      newest.current.onPlot?.(undefined);
      own.destroy();
      plot.current = undefined;
    };
    // Colours are read once: another theme is another chart.
  }, [round, isDark(), isInteractive]);

  useEffect(() => plot.current?.setLines(props.lines), [props.lines]);
  useEffect(() => plot.current?.setRange(props.from, props.to), [props.from, props.to]);

  const onKey = (event: KeyboardEvent) => {
    const { from, to, onRange, onBack, onHome } = newest.current;
    const span = to - from;
    const show = (left: number, right: number) => {
      plot.current?.setRange(from + span * left, to + span * right);
      onRange?.(from + span * left, to + span * right, true);
    };
    const keys: Readonly<Record<string, () => void>> = {
      "+": () => show(0.2, -0.2),
      "=": () => show(0.2, -0.2),
      "-": () => show(-0.33, 0.33),
      ArrowLeft: () => show(-0.2, -0.2),
      ArrowRight: () => show(0.2, 0.2),
      Escape: () => onBack?.(),
      Home: () => onHome?.(),
      ",": () => setSpoken(plot.current?.moveCursor(-1) ?? ""),
      ".": () => setSpoken(plot.current?.moveCursor(1) ?? ""),
    };
    const run = keys[event.key];
    if (run === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    run();
  };

  return (
    <div
      class="chart"
      ref={host}
      role={isInteractive ? "application" : "img"}
      aria-roledescription="chart"
      aria-label={isInteractive ? `${props.label}. ${HELP}` : props.label}
      tabIndex={isInteractive ? 0 : undefined}
      onKeyDown={isInteractive ? onKey : undefined}
    >
      <span class="visually-hidden" aria-live="polite">
        {spoken}
      </span>
    </div>
  );
}
