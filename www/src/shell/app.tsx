import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Source } from "../source.ts";
import { Empty, Skeleton } from "../ui/controls.tsx";
import { FailureNote } from "../ui/note.tsx";
import { paths, productName } from "./config.ts";
import { DropTarget } from "./drop-target.tsx";
import { edition } from "./edition.ts";
import { Header } from "./header.tsx";
import { OpenFailed } from "./open-failed.tsx";
import { here } from "./router.ts";
import { contentRound, session } from "./session.ts";
import { SECOND } from "../util/time.ts";
import { Toasts } from "./toasts.tsx";

/** What every page gets. */
export interface PageProps {
  readonly source: Source;
}

type Loader = () => Promise<{ default: ComponentType<PageProps> }>;

const PAGES: Readonly<Record<string, readonly [title: string, load: Loader]>> = {
  [paths.explore]: ["Explore", () => import("../explore/page.tsx")],
  [paths.dashboard]: ["Dashboard", () => import("../dashboard/page.tsx")],
  [paths.editor]: ["Edit dashboard", () => import("../editor/page.tsx")],
  [paths.engine]: ["Engine", () => import("../inspector/page.tsx")],
};

/** Begins loading the code of the page that was asked for, beside the engine's. */
const loaded = new Map<string, ReturnType<Loader>>();
function loadPage(path: string): ReturnType<Loader> | undefined {
  const page = PAGES[path];
  if (page === undefined) return undefined;
  const known = loaded.get(path) ?? page[1]();
  loaded.set(path, known);
  // A failed load, without a network say, may be tried again.
  known.catch(() => loaded.delete(path));
  return known;
}

export function App() {
  const path = here.value.path === "/" ? paths.dashboard : here.value.path;
  const { Extras } = edition();
  useEffect(() => {
    const title = PAGES[path]?.[0];
    document.title = title === undefined ? productName : `${title} · ${productName}`;
  }, [path]);
  return (
    <>
      <a class="skip" href="#main">
        Skip to content
      </a>
      <Header path={path} />
      <main id="main" tabIndex={-1}>
        <Body path={path} />
      </main>
      <DropTarget />
      <Toasts />
      {Extras === undefined ? null : <Extras />}
    </>
  );
}

function Body({ path }: { readonly path: string }) {
  const [page, setPage] = useState<{ path: string; component: ComponentType<PageProps> }>();
  const [error, setError] = useState<unknown>();
  const [round, setRound] = useState(0);
  useEffect(() => {
    let isCurrent = true;
    setError(undefined);
    loadPage(path)?.then(
      (module) => {
        if (isCurrent) setPage({ path, component: module.default });
      },
      (reason: unknown) => {
        if (isCurrent) setError(reason);
      },
    );
    return () => {
      isCurrent = false;
    };
  }, [path, round]);

  if (PAGES[path] === undefined) {
    return (
      <Empty icon="search" title="There is no such page">
        <a href="/">Go to the dashboard</a>
      </Empty>
    );
  }
  const state = session.value;
  if (state.kind === "failed") return <OpenFailed error={state.error} />;
  if (error !== undefined) {
    return (
      <div class="page">
        <FailureNote error={error} onRetry={() => setRound(round + 1)} />
      </div>
    );
  }
  if (state.kind === "opening" || page?.path !== path) {
    return (
      <div class="page" aria-busy="true">
        <span class="visually-hidden">Opening</span>
        <Skeleton lines={6} />
      </div>
    );
  }
  return <Filled source={state.source} page={page.component} path={path} />;
}

/** So often an empty store is asked whether something came. */
const FIRST_MS = 2 * SECOND;

/** The page, or the first steps when the store has nothing to show. */
function Filled(props: PageProps & { readonly page: ComponentType<PageProps>; path: string }) {
  const { source, page: Page, path } = props;
  const [isEmpty, setEmpty] = useState<boolean>();
  const [Welcome, setWelcome] = useState<ComponentType<PageProps>>();
  const [again, setAgain] = useState(0);
  const round = contentRound.value;
  const { refreshMs } = source.capabilities;
  useEffect(() => {
    let isCurrent = true;
    void source.databases().then(
      (names) => {
        if (!isCurrent) return;
        const none = !names.some((name) => name !== "internal");
        setEmpty(none);
        if (none) {
          void edition()
            .welcome()
            .then((module) => {
              setWelcome(() => module.Welcome);
            });
        }
      },
      () => setEmpty(false),
    );
    return () => {
      isCurrent = false;
    };
  }, [source, round, again]);
  useEffect(() => {
    if (isEmpty !== true || refreshMs === undefined) return;
    // The first sample is waited for, so it is looked for more often than for later ones.
    const timer = setInterval(() => setAgain((old) => old + 1), Math.min(refreshMs, FIRST_MS));
    return () => clearInterval(timer);
  }, [isEmpty, refreshMs]);
  // The engine's page has things to say about an empty store, too.
  if (isEmpty === true && path !== paths.engine) {
    return Welcome === undefined ? <div class="page" /> : <Welcome source={source} />;
  }
  if (isEmpty === undefined && path !== paths.explore) return <div class="page" aria-busy="true" />;
  return <Page source={source} />;
}
