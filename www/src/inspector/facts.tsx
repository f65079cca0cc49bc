import type { ComponentChildren } from "preact";

/** A number with its name. */
export type Fact = readonly [name: string, value: ComponentChildren, hint?: string];

/** Numbers side by side. */
export function Facts({ facts }: { readonly facts: readonly Fact[] }) {
  return (
    <dl class="facts panel">
      {facts.map(([name, value, hint]) => (
        <div key={name} title={hint}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

interface TableProps {
  readonly label: string;
  /** Texts of the head; one that begins with `>` is of a column of numbers. */
  readonly head: readonly string[];
  readonly rows: readonly (readonly ComponentChildren[])[];
  readonly none: string;
  readonly class?: string;
}

/** A plain table. */
export function Table({ label, head, rows, none, ...rest }: TableProps) {
  const isNumber = (column: number) => head[column]!.startsWith(">");
  return (
    <div class={`table-box ${rest.class ?? ""}`} tabIndex={0} role="region" aria-label={label}>
      <table>
        <thead>
          <tr>
            {head.map((text, column) => (
              <th key={column} scope="col" class={isNumber(column) ? "right" : ""}>
                {text.replace(/^>/, "")}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.length === 0 ? (
            <tr>
              <td colSpan={head.length} class="muted">
                {none}
              </td>
            </tr>
          ) : null}
          {rows.map((row, index) => (
            <tr key={index}>
              {row.map((cell, column) => (
                <td key={column} class={isNumber(column) ? "right" : ""}>
                  {cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface SectionProps {
  readonly title: string;
  readonly children: ComponentChildren;
  readonly actions?: ComponentChildren;
}

/** A part of a page with its heading. */
export function Section({ title, children, actions }: SectionProps) {
  return (
    <section class="part">
      <header>
        <h2>{title}</h2>
        {actions === undefined ? null : <div class="row">{actions}</div>}
      </header>
      {children}
    </section>
  );
}
