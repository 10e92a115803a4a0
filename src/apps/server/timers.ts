/** Things done now and then: each never twice at once, each on its own, none able to end the process. */
export type Timer = {
  readonly name: string;
  /** Milliseconds between the end of one run and the beginning of the next. */
  readonly every: number;
  readonly run: () => Promise<void>;
};

export type Timers = {
  /** Runs one now; while it is running already, once more afterwards. */
  readonly run: (name: string) => void;
  readonly close: () => Promise<void>;
};

export function startTimers(timers: readonly Timer[], onError: (name: string, error: unknown) => void): Timers {
  const started = new Map(timers.map((timer) => [timer.name, startTimer(timer, onError)]));
  return {
    run: (name) => started.get(name)?.run(),
    close: async () => {
      await Promise.all([...started.values()].map((each) => each.close()));
    },
  };
}

function startTimer(timer: Timer, onError: (name: string, error: unknown) => void) {
  let closed = false;
  let again = false;
  let running: Promise<void> | undefined;
  let waiting: NodeJS.Timeout | undefined;

  function run(): void {
    if (closed) return;
    if (running !== undefined) {
      again = true;
      return;
    }
    clearTimeout(waiting);
    running = timer
      .run()
      .catch((error: unknown) => onError(timer.name, error))
      .then(() => {
        running = undefined;
        if (closed) return;
        waiting = setTimeout(run, again ? 0 : timer.every);
        again = false;
      });
  }

  waiting = setTimeout(run, timer.every);
  return {
    run,
    close: async () => {
      closed = true;
      clearTimeout(waiting);
      await running;
    },
  };
}
