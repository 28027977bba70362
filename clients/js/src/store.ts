/** Something with a state that can be watched. */
export interface Store<S> {
  /**
   * Call `listener` after each change, until the returned function is called. A listener may be given
   * twice, and then has to be taken away twice.
   */
  subscribe(listener: () => void): () => void
  /** The present state: immutable, and the same object for as long as nothing changes. */
  getSnapshot(): S
  /** The state in which it began: what a server renders, and a browser that takes over from it at first. */
  getInitialSnapshot(): S
}

/** A store whose owner sets its state. */
export class Cell<S> implements Store<S> {
  #state: S
  #listeners: readonly (() => void)[] = []
  readonly getInitialSnapshot: () => S

  constructor(state: S) {
    this.#state = state
    this.getInitialSnapshot = () => state
  }

  // Bound, because React and others take both off the object.
  readonly subscribe = (listener: () => void): (() => void) => {
    const mine = () => listener()
    this.#listeners = [...this.#listeners, mine]
    return () => {
      this.#listeners = this.#listeners.filter((other) => other !== mine)
    }
  }

  readonly getSnapshot = (): S => this.#state

  /** Take another state and tell everybody, unless it is the same. */
  set(state: S): void {
    if (Object.is(state, this.#state)) return
    this.#state = state
    for (const listener of this.#listeners) listener()
  }

  /** Replace some fields of the state. */
  patch(changes: Partial<S>): void {
    this.set({ ...this.#state, ...changes })
  }
}
