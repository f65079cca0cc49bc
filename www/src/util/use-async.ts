import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { isAborted } from "../source.ts";

/** What became of a call: the newest value stays while the next one is awaited. */
export interface Loadable<T> {
  readonly value?: T;
  readonly error?: unknown;
  readonly isLoading: boolean;
  /** Calls again, unless a call is under way: frequent refreshes must not starve a slow one. */
  reload(): void;
}

/**
 * Calls `load` when one of `inputs` changes and gives the call before it up.
 *
 * An error does not take the last value away: a chart that fails to refresh still shows what it had.
 */
export function useAsync<T>(
  load: (signal: AbortSignal) => Promise<T>,
  inputs: readonly unknown[],
): Loadable<T> {
  const [state, setState] = useState<{ value?: T; error?: unknown; isLoading: boolean }>({
    isLoading: true,
  });
  const [round, setRound] = useState(0);
  const newest = useRef(load);
  newest.current = load;
  const isUnderWay = useRef(false);
  useEffect(() => {
    const controller = new AbortController();
    isUnderWay.current = true;
    setState((old) => ({ ...old, isLoading: true }));
    newest.current(controller.signal).then(
      (value) => {
        if (controller.signal.aborted) return;
        isUnderWay.current = false;
        setState({ value, isLoading: false });
      },
      (error: unknown) => {
        if (controller.signal.aborted) return;
        isUnderWay.current = false;
        setState((old) =>
          isAborted(error) ? { ...old, isLoading: false } : { ...old, error, isLoading: false },
        );
      },
    );
    return () => controller.abort();
  }, [...inputs, round]);
  const reload = useCallback(() => {
    if (!isUnderWay.current) setRound((old) => old + 1);
  }, []);
  return { ...state, reload };
}
