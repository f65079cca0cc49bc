import { useEffect, useRef, useState } from "preact/hooks";
import { Button } from "../ui/controls.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Icon } from "../ui/icon.tsx";
import { isLost } from "./connection.ts";
import { question, type Question } from "./token.ts";
import "./server.css";

/** What a server's pages may have to say or ask, whatever is shown. */
export function Extras() {
  const asked = question.value;
  return (
    <>
      {isLost.value ? (
        <div class="lost" role="status">
          <Icon name="warning" />
          <span>The server does not answer. This page goes on when it is back.</span>
        </div>
      ) : null}
      {asked === undefined ? null : <TokenDialog asked={asked} />}
    </>
  );
}

function TokenDialog({ asked }: { readonly asked: Question }) {
  const [text, setText] = useState("");
  const given = text.trim();
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.focus(), []);
  return (
    <Dialog
      title="This server wants a token"
      // Without one there is nothing to show, so there is nowhere to close to.
      isFirm
      onClose={() => undefined}
      footer={
        <Button
          kind="primary"
          label="Go on"
          disabled={given === ""}
          onClick={() => asked.answer(given)}
        />
      }
    >
      <form
        class="token-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (given !== "") asked.answer(given);
        }}
      >
        <p>It is the first line of the file that the server was started with.</p>
        <div class="field">
          <label for="token">Token</label>
          <input
            ref={input}
            id="token"
            type="password"
            value={text}
            autocomplete="off"
            aria-invalid={asked.isWrong}
            aria-describedby="token-note"
            onInput={(event) => setText(event.currentTarget.value)}
          />
          <p id="token-note" class={`hint ${asked.isWrong ? "bad" : ""}`}>
            {asked.isWrong ? "The server did not take it." : "Kept until this tab is closed."}
          </p>
        </div>
      </form>
    </Dialog>
  );
}
