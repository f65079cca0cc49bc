import { Button, Input } from "../ui/controls.tsx";
import { move, setField } from "./edits.ts";
import type { FormProps } from "./page.tsx";

/** What holds for the whole dashboard. */
export function DashboardForm({ draft, edit, databases }: FormProps) {
  return (
    <div class="form">
      <h2>Dashboard</h2>
      <Input
        label="Title"
        value={draft.title}
        error={draft.title.trim() === "" ? "A dashboard needs a title." : undefined}
        onInput={(title) =>
          edit((own) => {
            own.title = title;
          })
        }
      />
      <Input
        label="Default database"
        hint="For series that name none."
        value={draft.default_db ?? ""}
        list={databases}
        onInput={(name) => edit((own) => setField(own, "default_db", name.trim()))}
      />
      <p class="hint">
        Choose a group or a widget in the list to edit it. Nothing is written before you save.
      </p>
    </div>
  );
}

/** A group: its name and place. */
export function GroupForm({
  draft,
  edit,
  index,
  onSelect,
}: FormProps & { readonly index: number }) {
  const group = draft.groups[index];
  if (group === undefined) return null;
  const isTaken = draft.groups.some((other, at) => at !== index && other.id === group.id);
  const shift = (by: number) =>
    edit((own) => onSelect({ kind: "group", index: move(own.groups, index, by) }));
  return (
    <div class="form">
      <h2>Group</h2>
      <Input
        label="Name"
        value={group.label ?? ""}
        placeholder={group.id}
        onInput={(label) => edit((own) => setField(own.groups[index]!, "label", label))}
      />
      <Input
        label="Id"
        hint="In addresses; unique among groups."
        value={group.id}
        error={
          group.id === ""
            ? "A group needs an id."
            : isTaken
              ? "Another group has this id."
              : undefined
        }
        onInput={(id) =>
          edit((own) => {
            own.groups[index]!.id = id.trim();
          })
        }
      />
      <div class="row">
        <Button icon="up" label="Up" disabled={index === 0} onClick={() => shift(-1)} />
        <Button
          icon="down"
          label="Down"
          disabled={index === draft.groups.length - 1}
          onClick={() => shift(1)}
        />
        <Button
          icon="trash"
          kind="danger"
          label="Delete group"
          title="Its widgets stay"
          disabled={draft.groups.length === 1}
          onClick={() =>
            edit((own) => {
              own.groups.splice(index, 1);
              onSelect({ kind: "dashboard" });
            })
          }
        />
      </div>
    </div>
  );
}
