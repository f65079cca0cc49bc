import { back, lost } from "./connection.ts";
import { ServerError, told } from "./error.ts";
import { ask, token } from "./token.ts";
import { tellWarnings, WARNINGS_HEADER } from "./warnings.ts";

/** Parameters of a request; a name may come with several values, and those without one are left out. */
export type Params = Readonly<
  Record<string, string | number | bigint | readonly string[] | undefined>
>;

interface Request {
  readonly body?: string | Uint8Array<ArrayBuffer> | Blob;
  readonly signal?: AbortSignal | undefined;
}

/** Asks a server, with the token that it wants. */
export class Http {
  readonly #address: string;

  constructor(address: string) {
    this.#address = address;
  }

  /** What the call answers, out of its envelope. */
  async json<T>(
    method: "GET" | "POST",
    path: string,
    params: Params = {},
    request: Request = {},
  ): Promise<T> {
    const response = await this.send(method, path, params, request);
    return ((await whole(response.json(), request.signal)) as { data: T }).data;
  }

  async bytes(path: string, params: Params, request: Request = {}): Promise<ArrayBuffer> {
    const response = await this.send("GET", path, params, request);
    return whole(response.arrayBuffer(), request.signal);
  }

  async stream(
    path: string,
    params: Params,
    request: Request = {},
  ): Promise<ReadableStream<Uint8Array>> {
    const response = await this.send("GET", path, params, request);
    return response.body ?? new Blob().stream();
  }

  async send(
    method: string,
    path: string,
    params: Params,
    { body, signal }: Request = {},
  ): Promise<Response> {
    for (;;) {
      const own = token();
      const response = await this.#fetch(`${path}${written(params)}`, {
        method,
        cache: "no-store",
        headers: own === undefined ? {} : { authorization: `Bearer ${own}` },
        ...(body === undefined ? {} : { body }),
        ...(signal === undefined ? {} : { signal }),
      });
      if (response.status === 401) {
        await ask(own, signal);
        continue;
      }
      if (!response.ok) throw await told(response);
      tellWarnings(response.headers.get(WARNINGS_HEADER));
      return response;
    }
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    try {
      const response = await fetch(`${this.#address}${path}`, init);
      back();
      return response;
    } catch (error) {
      init.signal?.throwIfAborted();
      lost(this.#address);
      throw new ServerError("offline", "No answer came.", { cause: error });
    }
  }
}

/** A body that breaks off is no defect of the page. */
async function whole<T>(body: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  try {
    return await body;
  } catch (error) {
    signal?.throwIfAborted();
    throw new ServerError("offline", "The answer broke off.", { cause: error });
  }
}

function written(params: Params): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value === undefined) continue;
    if (typeof value === "object") value.forEach((one) => query.append(name, one));
    else query.append(name, String(value));
  }
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
}
