import { signal } from "@preact/signals";

/** Where the token is kept: as long as this tab is open. */
const KEY = "nanotdb-token";

/** A question for the token that waits for an answer. */
export interface Question {
  /** Whether one was given that the server did not take. */
  readonly isWrong: boolean;
  answer(token: string): void;
}

/** What the page has to ask now. */
export const question = signal<Question | undefined>(undefined);

let current = stored();
let asked: Promise<void> | undefined;

/** The token, if there is one. */
export function token(): string | undefined {
  return current;
}

/**
 * Asks for a token, because the server refused `refused`. All calls that need one wait for the same
 * answer; one that was made before the answer came goes on at once.
 */
export async function ask(refused: string | undefined, signal?: AbortSignal): Promise<void> {
  if (refused !== current) return;
  asked ??= new Promise<void>((resolve) => {
    question.value = {
      isWrong: refused !== undefined,
      answer: (given) => {
        current = given;
        keep(given);
        question.value = undefined;
        asked = undefined;
        resolve();
      },
    };
  });
  await Promise.race([asked, aborted(signal)]);
  signal?.throwIfAborted();
}

function aborted(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    signal?.addEventListener("abort", () => resolve(), { once: true });
  });
}

function stored(): string | undefined {
  try {
    return sessionStorage.getItem(KEY) ?? undefined;
  } catch {
    return undefined;
  }
}

function keep(value: string): void {
  try {
    sessionStorage.setItem(KEY, value);
  } catch {
    // Without storage it lasts as long as the page.
  }
}
