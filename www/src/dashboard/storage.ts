import type { CallOptions, Source } from "../source.ts";
import { INTERNAL } from "../shell/databases.ts";
import { defaultDashboard } from "./default.ts";
import { sourceName, type Dashboard } from "./model.ts";
import { checkDashboard } from "./validate.ts";

export const FILE = "dashboard.json";

/** A dashboard and where it is from. */
export interface Stored {
  readonly dashboard: Dashboard;
  /** Made from the metrics, because there is no file. */
  readonly isDefault: boolean;
  /** Whether that is what the server shows without a file. */
  readonly isUsual?: boolean;
  readonly errors: readonly string[];
}

/** A file that is no dashboard at all; it is never replaced without a backup. */
export class DashboardError extends Error {
  readonly code = "dashboard";
}

/** Reads the dashboard, or makes one of what exists. */
export async function loadDashboard(source: Source, signal?: AbortSignal): Promise<Stored> {
  const options = signal === undefined ? {} : { signal };
  const { dashboard: file } = source;
  if (file === undefined) {
    const content = await source.readFile(FILE, options);
    return content === undefined ? madeOfWhatExists(source, options) : parse(content, false);
  }
  const { content, isDefault } = await file.load(options);
  const stored = parse(content, isDefault);
  // A server's own default is for what it can record; it may have been sent something else.
  const fits = !isDefault || (await hasSome(source, stored.dashboard, options));
  return fits ? { ...stored, isUsual: isDefault } : madeOfWhatExists(source, options);
}

async function madeOfWhatExists(source: Source, options: CallOptions): Promise<Stored> {
  const databases = await source.databases(options);
  const database = databases.find((name) => name !== INTERNAL) ?? databases[0] ?? "";
  const metrics = database === "" ? [] : await source.metrics(database, options);
  return { dashboard: defaultDashboard(database, metrics), isDefault: true, errors: [] };
}

/** Whether any metric of a dashboard exists. */
async function hasSome(
  source: Source,
  dashboard: Dashboard,
  options: CallOptions,
): Promise<boolean> {
  const database = dashboard.default_db ?? "";
  if (!(await source.databases(options)).includes(database)) return false;
  const known = new Set((await source.metrics(database, options)).map(({ name }) => name));
  const shown = Object.values(dashboard.widgets).flatMap((widget) => widget.series);
  return shown.some((series) => known.has(sourceName(series)));
}

function parse(content: Uint8Array, isDefault: boolean): Stored {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(content));
  } catch (error) {
    throw new DashboardError(`${FILE} is no JSON: ${String(error)}`);
  }
  const { dashboard, errors } = checkDashboard(value);
  if (dashboard === undefined)
    throw new DashboardError(`${FILE} is no dashboard. ${errors.join(" ")}`);
  return { dashboard, isDefault, errors };
}

/** The text of a dashboard's file: two spaces, one line feed at the end. */
export function toText(dashboard: unknown): string {
  return `${JSON.stringify(dashboard, null, 2)}\n`;
}

/** Saves a dashboard; a file that is there is kept as a backup, whose path is the answer. */
export async function saveDashboard(
  source: Source,
  dashboard: unknown,
): Promise<string | undefined> {
  if (source.dashboard !== undefined) return source.dashboard.save(toText(dashboard));
  const old = await source.readFile(FILE);
  let backup: string | undefined;
  if (old !== undefined) {
    backup = `dashboard_backups/${FILE.replace(/\.json$/, "")}.${backupStamp(new Date())}.json`;
    // Before the new one: with a full disk the old one must stay.
    await source.writeFile(backup, old);
  }
  await source.writeFile(FILE, toText(dashboard));
  return backup;
}

/** `20260514T080000.123000000Z`, which sorts by time. */
export function backupStamp(time: Date): string {
  const iso = time.toISOString();
  return `${iso.slice(0, 19).replaceAll(/[-:]/g, "")}.${iso.slice(20, 23)}000000Z`;
}
