import { render } from "preact";
import "./styles/index.css";
import { App } from "./shell/app.tsx";
import { chooseEdition, type Edition } from "./shell/edition.ts";
import { followLinks } from "./shell/router.ts";
import { start } from "./shell/session.ts";
import { startTheme } from "./shell/theme.ts";

/** Draws the page and opens its source, of whatever edition it is. */
export function boot(edition: Edition): void {
  chooseEdition(edition);
  // First of all: the source opens while the page is drawn.
  void start();
  startTheme();
  followLinks();
  render(<App />, document.getElementById("app")!);
}
