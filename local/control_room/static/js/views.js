// Every view, in the order of the rail.
import { alerts } from "./views/alerts.js";
import { events } from "./views/events.js";
import { faults } from "./views/faults.js";
import { files } from "./views/files.js";
import { flow } from "./views/flow.js";
import { letters } from "./views/letters.js";
import { logs } from "./views/logs.js";
import { snapshots } from "./views/snapshots.js";
import { sql } from "./views/sql.js";
import { tables } from "./views/tables.js";
import { topics } from "./views/topics.js";

export const VIEWS = [
  { name: "flow", title: "Flow", key: "f", icon: "flow", open: flow },
  { name: "events", title: "Events", key: "e", icon: "event", open: events },
  { name: "letters", title: "Dead letters", key: "d", icon: "letters", open: letters },
  { name: "sql", title: "SQL", key: "s", icon: "sql", open: sql },
  { name: "tables", title: "Tables", key: "t", icon: "tables", open: tables },
  { name: "files", title: "Files", key: "i", icon: "files", open: files },
  { name: "topics", title: "Topics", key: "o", icon: "topics", open: topics },
  { name: "logs", title: "Logs", key: "l", icon: "logs", open: logs },
  { name: "faults", title: "Faults", key: "x", icon: "faults", open: faults },
  { name: "alerts", title: "Alerts", key: "a", icon: "bell", open: alerts },
  { name: "snapshots", title: "Snapshots", key: "n", icon: "snapshots", open: snapshots },
];
