/** @param {import("playwright-core").Browser} _browser @param {string} _wanted */
export async function behaviours(_browser, _wanted) {}
