import { render } from "preact";
import "./styles/index.css";
import { keepForOffline } from "./offline/register.ts";
import { App } from "./shell/app.tsx";
import { followLinks } from "./shell/router.ts";
import { start } from "./shell/session.ts";
import { startTheme } from "./shell/theme.ts";

// First of all: the engine loads while the page is drawn.
void start();
startTheme();
followLinks();
render(<App />, document.getElementById("app")!);
keepForOffline();
