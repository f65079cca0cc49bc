import { openImport } from "../import/request.ts";
import type { PageProps } from "../shell/app.tsx";
import { config } from "../shell/config.ts";
import { Button } from "../ui/controls.tsx";
import { Icon, Mark } from "../ui/icon.tsx";
import "../welcome/welcome.css";
import "./server.css";

/** An empty store: says how samples get into it. What comes in appears by itself. */
export function Welcome({}: PageProps) {
  const address = config.apiBaseURL === "" ? location.origin : config.apiBaseURL;
  return (
    <div class="welcome">
      <div class="welcome-head">
        <Mark />
        <h1>No samples yet</h1>
        <p>Nothing was sent to this server so far. The first samples appear here by themselves.</p>
      </div>
      <div class="welcome-ways server-ways">
        <section class="panel">
          <Icon name="chart" />
          <h2>Record this machine</h2>
          <p>Processor, memory, disks and network, every ten seconds.</p>
          <pre tabIndex={0}>{`nanotdb collect --to ${address}`}</pre>
        </section>
        <section class="panel">
          <Icon name="live" />
          <h2>Send a sample</h2>
          <p>One line each: database, metric, value, and a time if it is not now.</p>
          <pre tabIndex={0}>
            {`curl ${address}/api/v1/import \\\n  --data-binary 'home/room.temperature 21.5'`}
          </pre>
        </section>
        <section class="panel">
          <Icon name="upload" />
          <h2>Bring your data</h2>
          <p>Line protocol or CSV. Or drop files anywhere.</p>
          <Button kind="primary" label="Import data" onClick={() => openImport()} />
        </section>
      </div>
    </div>
  );
}
