// Counts checks, prints `N passed, N failed`, and sets the exit code. Waiting is for conditions, never for time.
const DEADLINE_MS = 30_000;
let passed = 0;
let failed = 0;

/** The promise's value, or an error that names what was waited for. */
export async function within(what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited too long for ${what}`)), DEADLINE_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Runs one check; a throw fails it and the others go on. */
export async function check(name, body) {
  try {
    await within(name, body());
    passed += 1;
    console.log(`ok   ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL ${name}\n     ${String(error?.stack ?? error).replaceAll("\n", "\n     ")}`);
  }
}

/** The last line, and the end: the timers of the stock server have none. */
export function report() {
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed > 0 || passed === 0 ? 1 : 0);
}
