// Calls a function of BigQuery's: its arguments come as an object of JSON, its value goes as text.
//
// A type is the name of a scalar, [a type] of an array, {name: a type} of a STRUCT. What is given
// back is null, or "s" and the text of a scalar as a string of JSON, or "v" and an array of JSON: that
// of an array or of a STRUCT's members, whose scalars are texts. "p" says that it is a promise, whose value is asked for by "" once it is settled.
(takes, gives, names, body) => {
const refuse = (what) => { throw new Error("not supported by the emulator: " + what); };
const lost = Symbol();
const dated = (text) => {
  const micros = Number((/\.(\d+)/.exec(text)?.[1] ?? "").padEnd(6, "0"));
  const date = new Date(Date.parse(text.slice(0, 19) + "Z") + Math.floor(micros / 1000));
  if (micros % 1000) date[lost] = true;
  const get = () => micros ? refuse("the microsecond of a TIMESTAMP in JavaScript") : 0;
  return Object.defineProperty(date, "microsecond", { get });
};
const take = (type, value) => {
  if (value === null) return null;
  if (Array.isArray(type)) return value.map((each) => take(type[0], each));
  if (typeof type === "object") {
    const made = {};
    for (const name in type) made[name] = take(type[name], value[name]);
    return made;
  }
  switch (type) {
    case "FLOAT64": return Number(value);
    case "TIMESTAMP": return dated(value);
    case "DATE": return new Date(value + "T00:00:00Z");
    default: return value;
  }
};
const shown = (value) => typeof value === "string" ? JSON.stringify(value) : String(value);
const coerce = (value, type) => {
  throw new Error(`Failed to coerce output value ${shown(value)} to type ${type}`);
};
const whole = /^[+-]?\d+$/, decimal = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
const number = (value, type) => {
  if (typeof value === "number") return Object.is(value, -0) ? "-0.0" : String(value);
  if (typeof value === "bigint") return String(value);
  if (typeof value === "string" && decimal.test(value)) return value;
  return typeof value === "string" ? coerce(value, type)
    : refuse(`a value of ${typeof value} for ${type} from JavaScript`);
};
const day = (value, type) => {
  if (!(value instanceof Date)) refuse(`a value of ${typeof value} for ${type} from JavaScript`);
  if (isNaN(value)) coerce(value, type);
  if (value[lost]) refuse("the microseconds of a TIMESTAMP that JavaScript gives back");
  return value.toISOString();
};
const give = (type, value) => {
  if (value === null || value === undefined) return null;
  if (Array.isArray(type)) {
    if (!Array.isArray(value)) refuse(`a value of ${typeof value} for ARRAY from JavaScript`);
    return value.map((each) => give(type[0], each));
  }
  if (typeof type === "object") {
    if (typeof value !== "object") refuse(`a value of ${typeof value} for STRUCT from JavaScript`);
    return Object.keys(type).map((name) => give(type[name], value[name]));
  }
  switch (type) {
    case "STRING": return String(value).toWellFormed();
    case "BYTES": return typeof value === "string" ? value
      : refuse(`a value of ${typeof value} for BYTES from JavaScript`);
    case "BOOL": return typeof value === "boolean" ? String(value)
      : refuse(`a value of ${typeof value} for BOOL from JavaScript`);
    case "INT64":
      if (typeof value === "number" && !Number.isSafeInteger(value))
        refuse(`the number ${value} for INT64 from JavaScript`);
      if (typeof value === "string" && !whole.test(value)) coerce(value, type);
      return typeof value === "number" ? String(value + 0) : number(value, type);
    case "FLOAT64": case "NUMERIC": case "BIGNUMERIC": return number(value, type);
    case "DATE": return day(value, type).slice(0, 10);
    case "TIMESTAMP": return day(value, type);
    case "JSON": return JSON.stringify(value) ?? null;
  }
};
const told = (result) => {
  const given = give(gives, result);
  if (given === null) return null;
  return (typeof given === "string" ? "s" : "v") + JSON.stringify(given);
};
const udf = new Function(...names, body);
let waiting = null;
return (text) => {
  if (text === "") {
    if (waiting.failed) throw waiting.why;
    return waiting.settled ? told(waiting.value) : "p";
  }
  const given = JSON.parse(text);
  const result = udf(...names.map((_, i) => take(takes[i], given["a" + i])));
  if (!(result instanceof Promise)) return told(result);
  const mine = waiting = {};
  result.then((value) => { mine.settled = true; mine.value = value; },
    (why) => { mine.failed = true; mine.why = why; });
  return "p";
};
}
