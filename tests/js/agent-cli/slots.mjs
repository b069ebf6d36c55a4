/**
 * How two roads tell one event: the rule of the ledger, in memory, without a sidecar.
 *
 * An event is `{road, own, session, agent, type, id, what}`; `what` is its tool and canonical input, or its prompt.
 */

/** The JSON of a value with the keys of its objects sorted at every depth. */
export function canonical(value) {
  const sorted = (key, some) => (some && typeof some === "object" && !Array.isArray(some) ? Object.fromEntries(Object.entries(some).sort(([a], [b]) => (a < b ? -1 : 1))) : some);
  return JSON.stringify(value, sorted) ?? "null";
}

export class Slots {
  constructor() {
    this.all = [];
  }

  tell(event) {
    const { road, own, session, agent, type, id, what } = event;
    const same = this.all.filter(slot => slot.session === session && slot.type === type);
    if (same.some(slot => slot.told[road] === own)) return;
    const free = same.filter(slot => slot.told[road] === undefined);
    const equal = slot => slot.agent === agent && slot.what === what && (!slot.id || !id);
    const found = (id && free.find(slot => slot.id === id)) || free.find(equal);
    const slot = found || { session, agent, type, what, id: null, told: {} };
    if (!found) this.all.push(slot);
    slot.told[road] = own;
    if (id) slot.id = id;
    if (road === "transcript") slot.agent = agent;
  }

  /** How many slots both roads have told, and how many only one: of those of these types. */
  count(...types) {
    const counts = { both: 0, transcript: 0, hook: 0 };
    for (const slot of this.all) if (types.includes(slot.type)) counts[Object.keys(slot.told).length === 2 ? "both" : Object.keys(slot.told)[0]] += 1;
    return counts;
  }
}
