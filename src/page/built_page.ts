/** The page, from source: it is built when this is loaded. In the executable is what this gave when that was built. */
import { buildPage } from "../../scripts/dev/page.ts";

export const page = await buildPage();
