import { useState } from "preact/hooks";
import { generateDemo } from "../demo/generate.ts";
import { startLive } from "../demo/live.ts";
import { openImport } from "../import/request.ts";
import { go } from "../shell/router.ts";
import { contentChanged } from "../shell/session.ts";
import { notify, report } from "../shell/toasts.tsx";
import type { PageProps } from "../shell/app.tsx";
import { Button } from "../ui/controls.tsx";
import { Icon, Mark } from "../ui/icon.tsx";
import { formatCount } from "../util/format.ts";
import { formatSpan } from "../util/time.ts";
import "./welcome.css";

/** The first visit: nothing is stored yet. Says what this is and offers three ways to begin. */
export function Welcome({ source }: PageProps) {
  const [progress, setProgress] = useState<number>();
  const makeDemo = async () => {
    setProgress(0);
    try {
      const { samples, tookMs } = await generateDemo(source, { onProgress: setProgress });
      notify("Demo data is there", `${formatCount(samples)} samples in ${formatSpan(tookMs)}.`);
      go("/dashboard");
    } catch (error) {
      report(error);
    }
    setProgress(undefined);
    contentChanged();
  };
  const makeLive = () => {
    startLive(source);
    go("/explore?db=demo&m=climate.living.temperature&m=pi.cpu.load&last=5m&refresh=1s");
  };
  return (
    <div class="welcome">
      <div class="welcome-head">
        <Mark />
        <h1>Your metrics, in this browser</h1>
        <p>
          NanoTDB keeps time series in this browser’s own storage: no server, no account, and
          nothing is sent anywhere. It works offline, and data moves to and from a NanoTDB on any
          machine as plain files.
        </p>
      </div>
      <div class="welcome-ways">
        <section class="panel">
          <Icon name="upload" />
          <h2>Bring your data</h2>
          <p>Line protocol, CSV, or the data directory of a NanoTDB. Or drop files anywhere.</p>
          <Button
            label="Import data"
            disabled={progress !== undefined}
            onClick={() => openImport()}
          />
        </section>
        <section class="panel">
          <Icon name="chart" />
          <h2>Try it with demo data</h2>
          <p>A month of a house and its small computer: over a million samples, made here.</p>
          {progress === undefined ? (
            <Button kind="primary" label="Try it with demo data" onClick={() => void makeDemo()} />
          ) : (
            <div class="welcome-progress">
              <progress value={progress} max={1} aria-label="Making demo data" />
            </div>
          )}
        </section>
        <section class="panel">
          <Icon name="live" />
          <h2>Watch it live</h2>
          <p>This tab adds samples each second while you look at them, until you stop it.</p>
          <Button label="Start live demo" disabled={progress !== undefined} onClick={makeLive} />
        </section>
      </div>
    </div>
  );
}
