type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

/**
 * The fields that are there: an optional field that is unknown is left out, and never undefined.
 *
 * @param fields - A new object, which is what is given back.
 */
export function given<T extends object>(fields: T): Given<T> {
  for (const name in fields) if (fields[name] === undefined) delete fields[name]
  return fields as Given<T>
}
