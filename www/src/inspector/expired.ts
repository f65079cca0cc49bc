import type { PartitionInfo, Setting } from "../source.ts";
import { DAY, toMs } from "../util/time.ts";

/** What a database's settings say of retention. */
export interface Retention {
  readonly action: string;
  readonly days: number;
}

/** Reads it off the settings; a source that does not say keeps everything. */
export function retentionOf(settings: readonly Setting[]): Retention {
  const value = (key: string) => settings.find((setting) => setting.key === key)?.value;
  return {
    action: value("retention.retention_action") ?? "keep",
    days: Number(value("retention.retention_days") ?? Infinity),
  };
}

/** What ends before this has expired: whole days are counted, in UTC, as the engine does. */
export function expiresBefore({ days }: Retention, now: number): number {
  return Math.floor(now / DAY) * DAY - days * DAY;
}

/** Partitions that retention may take away now, the oldest first. */
export function expired(
  partitions: readonly PartitionInfo[],
  retention: Retention,
  now: number,
): readonly PartitionInfo[] {
  if (retention.action === "keep") return [];
  const before = expiresBefore(retention, now);
  return partitions
    .filter(({ to, open }) => !open && toMs(to) < before)
    .sort((a, b) => toMs(a.from) - toMs(b.from));
}
