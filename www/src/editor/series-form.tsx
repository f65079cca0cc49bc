import {
  AGGREGATE_NAMES,
  sourceName,
  type Format,
  type SeriesConfig,
  type Thresholds,
} from "../dashboard/model.ts";
import { formatOf } from "../dashboard/expand.ts";
import { Input, Select } from "../ui/controls.tsx";
import { setField } from "./edits.ts";

interface SeriesFormProps {
  readonly series: SeriesConfig;
  readonly isChart: boolean;
  readonly metrics: readonly string[];
  readonly databases: readonly string[];
  change(part: (series: SeriesConfig) => void): void;
}

/** One series: what it reads, what is done to its numbers, and when they are alarming. */
export function SeriesForm({ series, isChart, metrics, databases, change }: SeriesFormProps) {
  const format = formatOf(series);
  const { thresholds = {} } = series;
  return (
    <div class="series-body">
      <div class="two">
        <Input
          label="Metric"
          value={sourceName(series)}
          list={metrics}
          onInput={(name) => change((own) => setSource(own, name.trim()))}
        />
        <Input
          label="Label"
          value={series.label ?? ""}
          placeholder={sourceName(series)}
          onInput={(label) => change((own) => setField(own, "label", label))}
        />
        <Input
          label="Database"
          value={series.db ?? series.database ?? ""}
          placeholder="Default"
          list={databases}
          onInput={(name) =>
            change((own) => {
              delete own.database;
              setField(own, "db", name.trim());
            })
          }
        />
        <Select
          label="Role"
          value={series.role ?? ""}
          options={[
            ["", "None"],
            ["min", "min"],
            ["avg", "avg"],
            ["max", "max"],
          ]}
          onChange={(role) => change((own) => setField(own, "role", role))}
        />
        <Select
          label="Aggregate"
          value={series.aggregate ?? ""}
          options={[
            ["", isChart ? "Average" : "Newest sample"],
            ...AGGREGATE_NAMES.map((name) => [name, name] as const),
          ]}
          onChange={(name) =>
            change((own) => {
              setField(own, "aggregate", name);
              if (isChart || name === "") delete own.window;
              else own.window ??= "5m";
            })
          }
        />
        {isChart || series.aggregate === undefined ? null : (
          <Input
            label="Window"
            value={series.window ?? ""}
            onInput={(text) => change((own) => setField(own, "window", text.trim()))}
          />
        )}
      </div>
      <div class="four">
        <NumberInput
          label="Factor"
          value={format.factor}
          onChange={(n) => change((own) => setFormat(own, "factor", n))}
        />
        <NumberInput
          label="Offset"
          value={format.offset}
          onChange={(n) => change((own) => setFormat(own, "offset", n))}
        />
        <Input
          label="Unit"
          value={format.unit ?? ""}
          onInput={(unit) => change((own) => setFormat(own, "unit", unit))}
        />
        <NumberInput
          label="Decimals"
          value={format.decimals}
          onChange={(n) => change((own) => setFormat(own, "decimals", n))}
        />
      </div>
      <Input
        label="Format"
        placeholder="{value} or {duration}"
        value={format.format ?? ""}
        onInput={(text) => change((own) => setFormat(own, "format", text))}
      />
      <div class="three">
        <Select
          label="Alarming when"
          value={thresholds.direction ?? ""}
          options={[
            ["", "Never"],
            ["above", "Above"],
            ["below", "Below"],
          ]}
          onChange={(direction) =>
            change((own) => {
              if (direction === "") delete own.thresholds;
              else
                own.thresholds = { ...own.thresholds, direction: direction as "above" | "below" };
            })
          }
        />
        <NumberInput
          label="Warning"
          value={thresholds.warning}
          isDisabled={thresholds.direction === undefined}
          onChange={(n) => change((own) => setThreshold(own, "warning", n))}
        />
        <NumberInput
          label="Critical"
          value={thresholds.critical}
          isDisabled={thresholds.direction === undefined}
          onChange={(n) => change((own) => setThreshold(own, "critical", n))}
        />
      </div>
    </div>
  );
}

interface NumberInputProps {
  readonly label: string;
  readonly value: number | undefined;
  readonly isDisabled?: boolean;
  onChange(value: number | undefined): void;
}

function NumberInput({ label, value, isDisabled, onChange }: NumberInputProps) {
  return (
    <Input
      label={label}
      type="number"
      step="any"
      value={value === undefined ? "" : String(value)}
      disabled={isDisabled ?? false}
      onInput={(text) => {
        const number = Number(text);
        // While "-" or "1e" is being typed there is no number yet.
        if (text === "") onChange(undefined);
        else if (Number.isFinite(number)) onChange(number);
      }}
    />
  );
}

/** Names the metric in the one field it is named in. */
function setSource(series: SeriesConfig, name: string): void {
  if (series.query !== undefined) {
    series.query = name;
    return;
  }
  delete series.measurement;
  delete series.field;
  series.metric = name;
}

/** Writes `transform`, and moves what the older fields say there with the first change. */
function setFormat<K extends keyof Format | "factor">(
  series: SeriesConfig,
  field: K,
  value: (Format & { factor?: number })[K] | undefined,
): void {
  const all: Format & { factor?: number } = { ...formatOf(series) };
  setField(all, field, value);
  for (const old of ["scale", "offset", "unit", "decimals", "format"] as const) delete series[old];
  series.transform = all;
}

function setThreshold(
  series: SeriesConfig,
  field: "warning" | "critical",
  value: number | undefined,
): void {
  const all: Thresholds = { ...series.thresholds };
  setField(all, field, value);
  series.thresholds = all;
}
