import type { Files } from "../../files.ts";

/** Files whose every change is preceded by a check. @param check throws what the change is to throw instead */
export function fencedFiles(files: Files, check: () => void): Files {
  return {
    get user() {
      return files.user;
    },
    as: (user, act) => files.as(user, act),
    readText: (path, options) => files.readText(path, options),
    readLink: (path) => files.readLink(path),
    list: (path) => files.list(path),
    info: (path, options) => files.info(path, options),
    sync: (path) => files.sync(path),
    watch: (directories, options) => files.watch(directories, options),
    writeText: (path, text, options) => (check(), files.writeText(path, text, options)),
    appendText: (path, text) => (check(), files.appendText(path, text)),
    symlink: (target, path) => (check(), files.symlink(target, path)),
    hardLink: (existing, path) => (check(), files.hardLink(existing, path)),
    rename: (from, to) => (check(), files.rename(from, to)),
    remove: (path) => (check(), files.remove(path)),
    removeTree: (path, options) => (check(), files.removeTree(path, options)),
    makeDirectory: (path, options) => (check(), files.makeDirectory(path, options)),
  };
}
