// Every view, in the order of the rail.
import { events } from "./views/events.js";
import { flow } from "./views/flow.js";

export const VIEWS = [
  { name: "flow", title: "Flow", key: "f", icon: "flow", open: flow },
  { name: "events", title: "Events", key: "e", icon: "event", open: events },
];
