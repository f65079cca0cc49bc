import { effect, signal } from "@preact/signals";

export type Theme = "system" | "light" | "dark";

function stored(): Theme {
  const theme = document.documentElement.dataset["theme"];
  return theme === "light" || theme === "dark" ? theme : "system";
}

/** What was chosen. */
export const theme = signal<Theme>(stored());

const systemIsDark = matchMedia("(prefers-color-scheme: dark)");

/** Counts changes of what is in force: charts draw on canvas and must read colours anew. */
export const themeRound = signal(0);

/** Whether the page is dark now. */
export function isDark(): boolean {
  return theme.value === "system" ? systemIsDark.matches : theme.value === "dark";
}

/** Applies and remembers the choice. */
export function startTheme(): void {
  effect(() => {
    const root = document.documentElement;
    if (theme.value === "system") delete root.dataset["theme"];
    else root.dataset["theme"] = theme.value;
    try {
      localStorage.setItem("theme", theme.value);
    } catch {
      // Without storage the choice lasts as long as the page.
    }
    themeRound.value = themeRound.peek() + 1;
  });
  systemIsDark.addEventListener("change", () => {
    themeRound.value++;
  });
}
