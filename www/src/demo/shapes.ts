import type { ValueType } from "../source.ts";
import { DAY, HOUR, MINUTE, SECOND } from "../util/time.ts";

/** Numbers that look random and are the same each time (mulberry32's constants). */
export function chance(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** A metric of the demo: what it measures, how often, and what comes next. */
export interface Shape {
  readonly metric: string;
  readonly type: ValueType;
  /** Milliseconds between samples. Events come when they come. */
  readonly every: number;
  readonly isEvent?: boolean;
  /** Makes the function that gives the value at a time; it is asked in order of time. */
  start(random: () => number): (time: number) => number | undefined;
}

/** -1 to 1 over a day, highest at `peak` hours. */
function daily(time: number, peak: number): number {
  return Math.cos(((time - peak * HOUR) / DAY) * 2 * Math.PI);
}

/** A value that drifts and comes back. */
function drift(random: () => number, size: number, pull: number): () => number {
  let value = 0;
  return () => {
    value += (random() - 0.5) * size - value * pull;
    return value;
  };
}

/** Weather of days, smooth from one to the next. */
function weather(random: () => number): (time: number) => number {
  const days = new Map<number, number>();
  const of = (day: number) => {
    const known = days.get(day) ?? (random() - 0.5) * 8;
    days.set(day, known);
    return known;
  };
  return (time) => {
    const day = Math.floor(time / DAY);
    const part = time / DAY - day;
    const blend = (1 - Math.cos(part * Math.PI)) / 2;
    const today = of(day);
    return today + (of(day + 1) - today) * blend;
  };
}

function isWeekend(time: number): boolean {
  return [0, 6].includes(new Date(time).getUTCDay());
}

function room(name: string, base: number, seedPeak: number): Shape[] {
  return [
    {
      metric: `climate.${name}.temperature`,
      type: "f32",
      every: MINUTE,
      start: (random) => {
        const wander = drift(random, 0.08, 0.01);
        // The heating switches between two temperatures, so the line saws.
        let isHeating = false;
        let warmth = 0;
        return (time) => {
          const hour = (time % DAY) / HOUR;
          const target = hour > 6 && hour < 22.5 ? 0.6 : -0.9;
          if (warmth < target - 0.25) isHeating = true;
          if (warmth > target + 0.25) isHeating = false;
          warmth += isHeating ? 0.02 : -0.006;
          return base + warmth + daily(time, seedPeak) * 0.4 + wander();
        };
      },
    },
    {
      metric: `climate.${name}.humidity`,
      type: "f32",
      every: MINUTE,
      start: (random) => {
        const wander = drift(random, 0.6, 0.01);
        let shower = 0;
        return (time) => {
          const hour = (time % DAY) / HOUR;
          if (hour > 6.5 && hour < 8 && random() < 0.01) shower += 9;
          shower *= 0.985;
          return 46 - daily(time, seedPeak) * 3 + shower + wander();
        };
      },
    },
  ];
}

function door(name: string, perDay: number): Shape {
  return {
    metric: `door.${name}.open`,
    type: "i32",
    every: 20 * SECOND,
    isEvent: true,
    start: (random) => {
      let isOpen = false;
      return (time) => {
        const hour = (time % DAY) / HOUR;
        const busy = hour < 6.5 || hour > 23 ? 0.02 : isWeekend(time) ? 1.4 : 1;
        const odds = isOpen ? 0.35 : (perDay * busy) / (DAY / (20 * SECOND));
        if (random() >= odds) return undefined;
        isOpen = !isOpen;
        return isOpen ? 1 : 0;
      };
    },
  };
}

function counter(metric: string, perSecond: number): Shape {
  return {
    metric,
    type: "i32",
    every: 30 * SECOND,
    start: (random) => {
      let total = 0;
      let burst = 1;
      return (time) => {
        if (random() < 0.01) burst = 1 + random() * 14;
        burst += (1 - burst) * 0.05;
        total += 30 * perSecond * burst * (1.2 + daily(time, 20)) * (0.6 + random() * 0.8);
        // Counters of 32 bits begin again, as real ones do.
        if (total > 2 ** 31 - 1) total -= 2 ** 31;
        return Math.floor(total);
      };
    },
  };
}

/** A house with a small computer in it. */
export const SHAPES: readonly Shape[] = [
  ...room("living", 21.2, 17),
  ...room("bedroom", 18.6, 15),
  {
    metric: "climate.outdoor.temperature",
    type: "f32",
    every: MINUTE,
    start: (random) => {
      const days = weather(random);
      const wander = drift(random, 0.12, 0.02);
      return (time) => 11 + days(time) + daily(time, 15) * 5 + wander();
    },
  },
  {
    metric: "climate.outdoor.humidity",
    type: "f32",
    every: MINUTE,
    start: (random) => {
      const wander = drift(random, 1.1, 0.01);
      return (time) => Math.max(28, Math.min(100, 71 - daily(time, 15) * 16 + wander()));
    },
  },
  {
    metric: "pi.cpu.load",
    type: "f32",
    every: 10 * SECOND,
    start: (random) => {
      let job = 0;
      return (time) => {
        const minute = Math.floor(time / MINUTE) % 60;
        if (minute === 5 && random() < 0.3) job = 0.7 + random();
        job *= 0.94;
        return Math.max(0.01, 0.12 + random() * 0.12 + job);
      };
    },
  },
  {
    metric: "pi.cpu.temperature",
    type: "f32",
    every: 10 * SECOND,
    start: (random) => {
      const wander = drift(random, 0.8, 0.05);
      return (time) => 47 + daily(time, 16) * 2.5 + wander();
    },
  },
  {
    metric: "pi.memory.used_percent",
    type: "f32",
    every: 30 * SECOND,
    start: (random) => {
      let leak = 0;
      return (time) => {
        leak += 0.0011;
        // A restart once a week.
        if (time % (7 * DAY) < 30 * SECOND) leak = 0;
        return Math.min(96, 38 + leak + random() * 1.4);
      };
    },
  },
  counter("network.eth0.rx_kib", 34),
  counter("network.eth0.tx_kib", 9),
  {
    metric: "power.house.watts",
    type: "f32",
    every: 10 * SECOND,
    start: (random) => {
      let [oven, fridge] = [0, 0];
      return (time) => {
        const hour = (time % DAY) / HOUR;
        const isMeal = (hour > 7 && hour < 8) || (hour > 18 && hour < 19.5);
        if (isMeal && random() < 0.004) oven = 900 + random() * 1300;
        if (random() < 0.03) oven *= 0.2;
        fridge = time % (42 * MINUTE) < 15 * MINUTE ? 92 : 4;
        const evening = hour > 17 && hour < 23.5 ? 140 : 30;
        return 62 + evening + fridge + oven + random() * 14;
      };
    },
  },
  door("front", 14),
  door("garage", 5),
];
