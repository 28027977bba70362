type Camel<S extends string> = S extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<Camel<Tail>>}`
  : S

/** An object of the wire with names as they are usual in JavaScript. */
export type CamelCased<T> = { [K in keyof T as K extends string ? Camel<K> : K]: T[K] }

/** Rename the fields of an object of the wire: `retry_after_ms` becomes `retryAfterMs`. What is inside stays. */
export function camelCased<T extends object>(wire: T): CamelCased<T> {
  const rename = (name: string) => name.replace(/_./g, (match) => match.charAt(1).toUpperCase())
  return Object.fromEntries(
    Object.entries(wire).map(([name, value]) => [rename(name), value]),
  ) as CamelCased<T>
}
