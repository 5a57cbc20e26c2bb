// Every view, in the order of the rail.
import { flow } from "./views/flow.js";

export const VIEWS = [
  { name: "flow", title: "Flow", key: "f", icon: "flow", open: flow },
];
