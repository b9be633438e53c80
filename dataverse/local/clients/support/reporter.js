// A reporter for node:test that names each failed test with its cause, and of the others only how many there are.
import { relative } from "node:path";

export default async function* failures(source) {
  let passed = 0;
  for await (const { type, data } of source) {
    if (data?.details?.type === "suite" || data?.name?.endsWith(".test.js")) continue;
    if (type === "test:pass") passed++;
    if (type === "test:fail") {
      const cause = data.details.error.cause ?? data.details.error;
      const facts = [cause.status, cause.code].filter((fact) => fact != null && fact !== "ERR_ASSERTION").join(" ");
      yield `FAIL ${relative(".", data.file ?? "")}:${data.line} ${data.name}\n  ${facts} ${cause.stack ?? cause.message ?? cause}\n`.replace(/^/gm, "  ");
    }
  }
  yield `  ${passed} passed\n`;
}
