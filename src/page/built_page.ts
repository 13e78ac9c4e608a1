/**
 * The page. From source, it is built when this module is loaded; the executable contains the page that its build made.
 */
import { buildPage } from "../../scripts/dev/page.ts";

export const page = await buildPage();
