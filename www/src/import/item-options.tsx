import { Checkbox, Input, Select } from "../ui/controls.tsx";
import type { Found } from "./detect.ts";
import { mapRow, type CsvMapping, type TimeUnit } from "./csv-map.ts";
import type { Choice } from "./run.ts";

interface ItemOptionsProps {
  readonly found: Found;
  readonly choice: Choice;
  readonly databases: readonly string[];
  onChange(choice: Choice): void;
}

const UNITS: readonly (readonly [TimeUnit, string])[] = [
  ["auto", "Guess: dates or digits"],
  ["s", "Seconds"],
  ["ms", "Milliseconds"],
  ["us", "Microseconds"],
  ["ns", "Nanoseconds"],
];

/** What can be chosen for each kind of file. */
export function ItemOptions({ found, choice, databases, onChange }: ItemOptionsProps) {
  if (found.kind === "dashboard") return null;
  if (found.kind === "folder" || found.kind === "archive") {
    return (
      <Checkbox
        label="Replace everything that is stored here"
        checked={choice.replace}
        onChange={(replace) => onChange({ ...choice, replace })}
      />
    );
  }
  const database = (
    <Input
      label={found.kind === "lines" ? "Database, instead of the lines’ own" : "Database"}
      placeholder={found.kind === "lines" ? "As the lines say" : ""}
      value={choice.database}
      list={databases}
      error={
        choice.database !== "" && !/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/.test(choice.database)
          ? "Letters, digits, and _ . - inside."
          : undefined
      }
      onInput={(name) => onChange({ ...choice, database: name.trim() })}
    />
  );
  if (found.kind === "lines" || choice.csv === undefined) return <div class="two">{database}</div>;
  const { head, mapping } = choice.csv;
  const set = (part: Partial<CsvMapping>) =>
    onChange({ ...choice, csv: { head, mapping: { ...mapping, ...part } } });
  const columns = head.header.map(
    (name, index) => [String(index), name || `Column ${index + 1}`] as const,
  );
  const flip = (list: readonly number[], index: number) =>
    list.includes(index)
      ? list.filter((other) => other !== index)
      : [...list, index].sort((a, b) => a - b);
  const chosen = mapping.form === "wide" ? mapping.columns : mapping.names;
  return (
    <div class="csv-map">
      <div class="two">
        {database}
        <Input
          label="Prefix of all metric names"
          placeholder="None"
          value={mapping.prefix}
          onInput={(prefix) => set({ prefix })}
        />
        <Select
          label="Time is in"
          value={String(mapping.time)}
          options={columns}
          onChange={(time) => set({ time: Number(time) })}
        />
        <Select
          label="As"
          value={mapping.unit}
          options={UNITS}
          onChange={(unit) => set({ unit })}
        />
        <Select
          label="Metrics are"
          value={mapping.form}
          options={[
            ["wide", "In a column each"],
            ["long", "Named in a column"],
          ]}
          onChange={(form) => set({ form })}
        />
        {mapping.form === "long" ? (
          <Select
            label="Values are in"
            value={String(mapping.value)}
            options={columns}
            onChange={(value) => set({ value: Number(value) })}
          />
        ) : null}
        <Select
          label="Values are"
          value={mapping.type}
          options={[
            ["f32", "Numbers with fractions"],
            ["i32", "Whole numbers"],
          ]}
          onChange={(type) => set({ type })}
        />
      </div>
      <fieldset class="csv-columns">
        <legend>{mapping.form === "wide" ? "Columns to take" : "Names are made of"}</legend>
        {columns.map(([index, name]) =>
          Number(index) === mapping.time ? null : (
            <Checkbox
              key={index}
              label={name}
              checked={chosen.includes(Number(index))}
              onChange={() =>
                set(
                  mapping.form === "wide"
                    ? { columns: flip(mapping.columns, Number(index)) }
                    : { names: flip(mapping.names, Number(index)) },
                )
              }
            />
          ),
        )}
      </fieldset>
      <Preview head={head} mapping={mapping} />
    </div>
  );
}

function Preview({ head, mapping }: NonNullable<Choice["csv"]>) {
  const samples = head.rows
    .slice(0, 8)
    .flatMap((row) => mapRow(row, head.header, mapping))
    .slice(0, 8);
  return (
    <div class="table-box">
      <table>
        <caption class="visually-hidden">The first samples as they would be taken</caption>
        <thead>
          <tr>
            <th>Metric</th>
            <th>Time (UTC)</th>
            <th class="right">Value</th>
          </tr>
        </thead>
        <tbody>
          {samples.map((sample, index) =>
            "problem" in sample ? (
              <tr key={index}>
                <td colSpan={3} class="bad">
                  {sample.problem}
                </td>
              </tr>
            ) : (
              <tr key={index}>
                <td>{sample.metric}</td>
                <td>
                  {new Date(Number(sample.time / 1_000_000n))
                    .toISOString()
                    .replace("T", " ")
                    .slice(0, 23)}
                </td>
                <td class="right">{sample.value}</td>
              </tr>
            ),
          )}
        </tbody>
      </table>
    </div>
  );
}
