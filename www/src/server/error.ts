/** A failure that a server told, or that there is none. Its codes are those of the package. */
export class ServerError extends Error {
  override readonly name = "ServerError";
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** What a failed answer says. */
interface Told {
  readonly code?: unknown;
  readonly error?: unknown;
  readonly errors?: unknown;
}

/** Codes where the server itself, not its store, has no answer. */
const BY_STATUS: Readonly<Record<number, string>> = {
  400: "invalid",
  403: "forbidden",
  404: "not-found",
  408: "offline",
  413: "too-large",
  422: "invalid",
  502: "offline",
  503: "busy",
  504: "offline",
};

/** The failure that an answer tells of. */
export async function told(response: Response): Promise<ServerError> {
  const text = await response.text().catch(() => "");
  let body: Told = {};
  try {
    body = (JSON.parse(text) ?? {}) as Told;
  } catch {
    // Not from NanoTDB: a proxy between, say.
  }
  const code = typeof body.code === "string" ? body.code : BY_STATUS[response.status];
  const errors = Array.isArray(body.errors) ? body.errors.join(" ") : undefined;
  const message = typeof body.error === "string" ? body.error : errors;
  return new ServerError(
    code ?? "internal",
    message ?? `The server answered ${response.status} ${response.statusText}`.trim(),
  );
}
