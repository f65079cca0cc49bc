import type { Metric, ValueType } from "../source.ts";

/** A line of the picker. */
export type PickerRow =
  | {
      readonly kind: "group";
      readonly name: string;
      readonly count: number;
      readonly isOpen: boolean;
    }
  | {
      readonly kind: "metric";
      readonly name: string;
      readonly type: ValueType;
      readonly isNested: boolean;
    };

/** With more metrics than this, groups are closed at first. */
const OPEN_UP_TO = 60;

/** The first part of a name: what is before the first of `. / : _`. */
export function groupOf(name: string): string {
  const end = name.slice(1).search(/[./:_]/);
  return end < 0 ? name : name.slice(0, end + 1);
}

/**
 * The rows to show: groups of two or more by prefix, single metrics by themselves. A filter matches
 * all of its words anywhere in a name and opens what it finds.
 */
export function buildRows(
  metrics: readonly Metric[],
  filter: string,
  toggled: ReadonlySet<string>,
  selected: readonly string[],
): readonly PickerRow[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const groups = new Map<string, Metric[]>();
  for (const metric of metrics) {
    const name = metric.name.toLowerCase();
    if (!words.every((word) => name.includes(word))) continue;
    const group = groupOf(metric.name);
    const members = groups.get(group);
    if (members === undefined) groups.set(group, [metric]);
    else members.push(metric);
  }
  const rows: PickerRow[] = [];
  for (const [name, members] of groups) {
    if (members.length === 1) {
      rows.push({ kind: "metric", ...members[0]!, isNested: false });
      continue;
    }
    const isOpenAtFirst =
      metrics.length <= OPEN_UP_TO || members.some((metric) => selected.includes(metric.name));
    const isOpen = words.length > 0 || isOpenAtFirst !== toggled.has(name);
    rows.push({ kind: "group", name, count: members.length, isOpen });
    if (!isOpen) continue;
    for (const metric of members) rows.push({ kind: "metric", ...metric, isNested: true });
  }
  return rows;
}
